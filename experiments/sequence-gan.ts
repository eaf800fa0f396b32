// Sentences of an arithmetic grammar by a generator that learns from a discriminator through Gumbel-softmax, and by
// the same generator trained by maximum likelihood: how many are valid, and how near their statistics are.
// npx tsx experiments/sequence-gan.ts [--quick] [--full] [--json] [--markdown] [--threads N]
// Cells that are done are read from runs/experiments/sequence-gan and not trained again; the picture is written
// there. --full trains five times as long.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { type TrainSettings, train } from "reparam";
import { arithmeticEntropy } from "reparam/data";
import { linePlot, markdownTable, svgToPng, textTable } from "reparam/report";
import { full, has, printJson, quick, rootOf, seeds, threads } from "./figures/command-line.ts";
import { meanOf, spread } from "./figures/spread.ts";
import { validationCurve } from "./figures/validation-curve.ts";
import { lengthDistance, runDistance, textsOf, validShare } from "./sequence-gan/strings.ts";

const root = rootOf("sequence-gan");
const epochs = full ? 50 : 10;
const drawn = quick ? 200 : 5000;

type Options = Readonly<Record<string, unknown>>;

const variants: readonly (readonly [name: string, options: Options])[] = [
  ["maximum likelihood", { objective: "maximum-likelihood" }],
  ["st-gumbel-softmax", { estimator: "st-gumbel-softmax" }],
  ["gumbel-softmax", { estimator: "gumbel-softmax" }],
  ["st-gumbel-softmax, no penalty", { estimator: "st-gumbel-softmax", penalty: 0 }],
];

interface Cell {
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Validation negative log-likelihood after each epoch, in nats a sentence. */
  readonly curve: readonly number[];
  readonly sentences: readonly string[];
}

/** Trains one cell, or reads it where it was trained before. */
async function run(name: string, options: Options, seed: number): Promise<Cell> {
  const folder = `${root}/${name.replaceAll(/[^\w-]+/g, "-")}-seed${seed}`;
  const file = `${folder}/cell.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Cell;
  console.error(`${name}, seed ${seed} …`);
  await mkdir(folder, { recursive: true });
  const length: TrainSettings = quick ? { steps: 10, load: { toySize: 600 } } : { epochs };
  const start = performance.now();
  const model = await train("sequence-gan", {
    ...{ ...length, seed, threads, folder, data: "arithmetic", options },
  });
  const seconds = (performance.now() - start) / 1000;
  const { test, names } = model.dataset;
  const symbols = names?.tokens ?? [];
  const { tokens } = await model.call<"tokens">("sample", {}, { count: drawn, seed: 0 });
  const texts = textsOf(tokens, symbols);
  const { data = new Int32Array(), shape = [] } = test.columns.tokens ?? {};
  const real = textsOf({ dtype: "int32", shape: [test.length, ...shape], data }, symbols);
  const { negativeLogLikelihood = Number.NaN } = (await model.evaluate("test")).metrics;
  const figures = {
    valid: validShare(texts),
    pairs: runDistance(texts, real, 2),
    triples: runDistance(texts, real, 3),
    lengths: lengthDistance(texts, real),
    negativeLogLikelihood,
  };
  const sentences = texts.slice(0, 12).map((text) => text.trimEnd());
  const cell = {
    figures,
    seconds,
    curve: await validationCurve(folder, "negativeLogLikelihood"),
    sentences,
  };
  await writeFile(file, JSON.stringify(cell));
  return cell;
}

const cells: Record<string, readonly Cell["figures"][]> = {};
const rows: string[][] = [];
const series: { name: string; x: number[]; y: number[] }[] = [];
const shown: string[] = [];
for (const [name, options] of variants) {
  const runs: Cell[] = [];
  for (const seed of seeds) runs.push(await run(name, options, seed));
  cells[name] = runs.map(({ figures }) => figures);
  const column = (figure: string): number[] =>
    runs.map(({ figures }) => figures[figure] ?? Number.NaN);
  rows.push([
    name,
    spread(
      column("valid").map((share) => 100 * share),
      1,
    ),
    ...["pairs", "triples", "lengths"].map((figure) => spread(column(figure), 3)),
    spread(column("negativeLogLikelihood"), 2),
    meanOf(runs.map(({ seconds }) => seconds)).toFixed(0),
  ]);
  const [first] = runs as [Cell];
  const y = first.curve.map((_, i) => meanOf(runs.map(({ curve }) => curve[i] as number)));
  series.push({ name, x: y.map((_, i) => i + 1), y });
  shown.push(`${name}: ${first.sentences.join("   ")}`);
}
const columns = [
  ...["trained by", "valid %", "distance of pairs", "of triples", "of lengths"],
  ...["−log p, nats", "seconds"],
];
console.log((has("markdown") ? markdownTable : textTable)(columns, rows));
console.log(shown.join("\n"));
const svg = linePlot({
  title: "Validation −log p of a sentence, mean over seeds",
  x: { label: "epochs" },
  y: { label: "nats", scale: "log" },
  series,
  width: 760,
  height: 420,
});
await writeFile(`${root}/likelihood.png`, await svgToPng(svg));
console.log(
  `${epochs} epochs, ${drawn} sentences drawn; the data has ${arithmeticEntropy.toFixed(3)} nats a sentence; mean ± standard deviation over seeds ${seeds.join(", ")}`,
);
printJson({ seeds, epochs, cells });
