import { readFile } from "node:fs/promises";

/** A metric of the validation split after each epoch, from what a run logged in its folder. */
export async function validationCurve(folder: string, metric: string): Promise<number[]> {
  const lines = (await readFile(`${folder}/metrics.jsonl`, "utf8")).trim().split("\n");
  return lines
    .map((line) => JSON.parse(line) as { split?: string; metrics: Record<string, number> })
    .filter(({ split }) => split === "validation")
    .map(({ metrics }) => metrics[metric] ?? Number.NaN);
}
