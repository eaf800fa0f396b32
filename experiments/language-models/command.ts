// The command line of the experiments with language models, and cells that are made once.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { barPlot, linePlot, markdownTable, type Series, svgToPng, textTable } from "reparam/report";
import { deviationOf, meanOf } from "../figures/spread.ts";

const has = (flag: string): boolean => process.argv.includes(flag);
const threadsAt = process.argv.indexOf("--threads");

export const threads = threadsAt < 0 ? 2 : Number(process.argv[threadsAt + 1]);
export const [quick, full] = [has("--quick"), has("--full")];
export const seeds: readonly number[] = quick ? [0] : [0, 1, 2];

/** The folder of an experiment's cells and pictures. */
export const rootOf = (experiment: string): string =>
  `runs/experiments/${experiment}${quick ? "-quick" : full ? "-full" : ""}`;

/** What `make` gives, or what it gave when the cell was made before. */
export async function cell<C>(root: string, name: string, make: () => Promise<C>): Promise<C> {
  const file = `${root}/${name.replaceAll(/[^\w.+-]+/g, "-")}.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as C;
  console.error(`${name} …`);
  const made = await make();
  await mkdir(root, { recursive: true });
  await writeFile(file, JSON.stringify(made));
  return made;
}

export function printTable(columns: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log((has("--markdown") ? markdownTable : textTable)(columns, rows));
}

/** The last line of the output, where it was asked for. */
export function printJson(figures: Readonly<Record<string, unknown>>): void {
  if (has("--json")) console.log(JSON.stringify({ seeds, ...figures }));
}

/** Means over seeds at each x, with ± one sample standard deviation as a band. */
export function bandSeries(
  name: string,
  x: readonly number[],
  values: readonly (readonly number[])[],
): Series {
  const y = values.map(meanOf);
  const off = values.map(deviationOf);
  const moved = (sign: number): number[] => y.map((v, i) => v + sign * (off[i] as number));
  return { name, x, y, dots: true, band: { low: moved(-1), high: moved(1) } };
}

export async function drawLines(
  root: string,
  name: string,
  plot: Parameters<typeof linePlot>[0],
): Promise<void> {
  await writeFile(`${root}/${name}.png`, await svgToPng(linePlot(plot)));
}

export async function drawBars(
  root: string,
  name: string,
  plot: Parameters<typeof barPlot>[0],
): Promise<void> {
  await writeFile(`${root}/${name}.png`, await svgToPng(barPlot(plot)));
}
