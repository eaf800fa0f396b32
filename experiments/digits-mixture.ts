// Mixtures of Bernoulli distributions on black-and-white digits: test likelihood, and what the components are.
// npx tsx experiments/digits-mixture.ts [--quick] [--json] [--data FOLDER]
// Cells that are done are read from runs/experiments/digits-mixture and not trained again.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { drawSamples, train } from "reparam";
import { textTable } from "reparam/report";
import { rowsOf } from "../src/run/index.ts";

const quick = process.argv.includes("--quick");
const dataFlag = process.argv.indexOf("--data");
const data = dataFlag < 0 ? "mnist" : (process.argv[dataFlag + 1] ?? "mnist");
const root = `runs/experiments/digits-mixture${quick ? "-quick" : ""}`;
const seeds = quick ? [0] : [0, 1, 2];
const sizes = quick ? [4] : [1, 10, 30, 60];
const limit = quick ? 300 : 20_000;

type Figures = Readonly<Record<string, number>>;

async function run(components: number, seed: number): Promise<Figures> {
  const folder = `${root}/${components}-seed${seed}`;
  const file = `${folder}/figures.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Figures;
  await mkdir(folder, { recursive: true });
  const model = await train("bernoulli-mixture", {
    ...{ data, seed, folder, epochs: quick ? 5 : 60 },
    load: { validation: 0, binarize: "fixed", limit },
    options: { components, smoothing: 0.1, start: "k-means", tolerance: 1e-3 },
  });
  const { metrics, samples } = await model.evaluate("test");
  const identity = Float64Array.from({ length: components ** 2 }, (_, i) =>
    Number(i % (components + 1) === 0),
  );
  const latent = { dtype: "float64", shape: [components, components], data: identity } as const;
  const { image } = await model.call<"image">("decode", { latent });
  await writeFile(`${folder}/components.png`, await drawSamples(image, { columns: 10 }));
  const { test } = model.dataset;
  const all = rowsOf(test, 0, Math.min(test.length, 5000));
  const { latent: posterior } = await model.call<"latent">("encode", { image: all.image as never });
  const figures = {
    negativeLogLikelihood: metrics.negativeLogLikelihood as number,
    purity: purity(
      posterior.data as Float64Array,
      (all.label as { data: ArrayLike<unknown> }).data,
      components,
    ),
    testImages: samples,
  };
  await writeFile(file, JSON.stringify(figures));
  return figures;
}

/** Share of images that have the commonest label of their likeliest component. */
function purity(posterior: Float64Array, labels: ArrayLike<unknown>, components: number): number {
  const counts = Array.from({ length: components }, () => Array<number>(10).fill(0));
  for (let n = 0; n < labels.length; n++) {
    const row = posterior.subarray(n * components, (n + 1) * components);
    const best = row.indexOf(row.reduce((most, v) => Math.max(most, v), 0));
    const own = counts[best] as number[];
    own[Number(labels[n])] = (own[Number(labels[n])] as number) + 1;
  }
  return counts.reduce((sum, row) => sum + Math.max(...row), 0) / labels.length;
}

const summary = (values: readonly number[], digits: number): string => {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / Math.max(1, values.length - 1));
  return `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
};

const cells: Record<string, readonly Figures[]> = {};
const rows: string[][] = [];
for (const components of sizes) {
  const figures: Figures[] = [];
  for (const seed of seeds) {
    console.error(`${components} components, seed ${seed} …`);
    figures.push(await run(components, seed));
  }
  const column = (name: string) => figures.map((f) => f[name] as number);
  cells[`${components} components`] = figures;
  rows.push([
    String(components),
    summary(column("negativeLogLikelihood"), 2),
    summary(column("purity"), 3),
  ]);
}
console.log(textTable(["components", "test, nats an image", "purity"], rows));
console.log(`mean ± standard deviation over ${seeds.length} seeds`);
if (process.argv.includes("--json")) console.log(JSON.stringify({ cells }));
