// Topics of the State of the Union addresses by pLSA: held-out perplexity, and the likeliest words.
// npx tsx experiments/topics.ts [--quick] [--json] [--data NAME]
// Cells that are done are read from runs/experiments/topics and not trained again.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { train } from "reparam";
import { textTable } from "reparam/report";
import { topicTerms } from "../src/methods/em/plsa.ts";
import type { Tensor } from "../src/tensor/index.ts";

const quick = process.argv.includes("--quick");
const dataFlag = process.argv.indexOf("--data");
/** Images serve too: their pixels are the terms. */
const data = dataFlag < 0 ? "state-of-the-union" : (process.argv[dataFlag + 1] ?? "");
const root = `runs/experiments/topics${quick ? "-quick" : ""}`;
const seeds = quick ? [0] : [0, 1, 2];
const counts = quick ? [2, 4] : [1, 5, 10, 20];

interface Cell {
  readonly figures: Readonly<Record<string, number>>;
  /** The likeliest terms of every topic. */
  readonly topics: readonly (readonly string[])[];
}

async function run(topics: number, seed: number): Promise<Cell> {
  const folder = `${root}/${topics}-seed${seed}`;
  const file = `${folder}/cell.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Cell;
  await mkdir(folder, { recursive: true });
  const options = { topics, smoothing: 0.1, tolerance: 1e-5 };
  const length = quick ? { epochs: 5 } : { epochs: 300 };
  const model = await train("plsa", { ...length, data, options, seed, folder });
  const [fitted, held] = [await model.evaluate("train"), await model.evaluate("test")];
  const loss = (evaluation: typeof held): number =>
    evaluation.metrics.negativeLogLikelihood as number;
  const weights = model.weights as unknown as { topics: Tensor };
  const size = weights.topics.shape[1] as number;
  const names = model.dataset.names?.counts ?? Array.from({ length: size }, (_, i) => `pixel${i}`);
  const cell: Cell = {
    figures: { trainNats: loss(fitted), testNats: loss(held), documents: held.samples },
    topics: topicTerms(weights.topics, names, 8).map((row) => row.map(({ term }) => term)),
  };
  await writeFile(file, JSON.stringify(cell));
  return cell;
}

const summary = (values: readonly number[]): string => {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return `${mean.toFixed(3)} ± ${Math.sqrt(squares / Math.max(1, values.length - 1)).toFixed(3)}`;
};

const cells: Record<string, readonly Cell["figures"][]> = {};
const rows: string[][] = [];
let shown: Cell["topics"] = [];
for (const topics of counts) {
  const done: Cell[] = [];
  for (const seed of seeds) {
    console.error(`${topics} topics, seed ${seed} …`);
    done.push(await run(topics, seed));
  }
  const column = (name: string) => done.map(({ figures }) => figures[name] as number);
  cells[`${topics} topics`] = done.map(({ figures }) => figures);
  const perplexity = summary(column("testNats").map(Math.exp));
  rows.push([
    String(topics),
    summary(column("trainNats")),
    summary(column("testNats")),
    perplexity,
  ]);
  if (topics === 10 || quick) shown = done[0]?.topics ?? [];
}
console.log(
  textTable(["topics", "train, nats a word", "test, nats a word", "test perplexity"], rows),
);
console.log(
  `mean ± standard deviation over ${seeds.length} seeds; the other half of each document`,
);
for (const [i, terms] of shown.entries()) console.log(`topic ${i}: ${terms.join(" ")}`);
if (process.argv.includes("--json")) console.log(JSON.stringify({ cells }));
