// Test accuracy on MNIST by how many labels are used: the classifier alone, and the model that also learns from
// images without labels, its sum over classes exact or by one Gumbel-softmax sample.
// npx tsx experiments/semi-supervised.ts [--quick] [--full] [--json] [--markdown] [--data FOLDER] [--threads N]
// Cells that are done are read from runs/experiments/semi-supervised and not trained again; the pictures are
// written there. --full trains for 60 epochs on all images, with wider networks, and adds straight-through samples and the score function.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { encodePng, imageGrid, train } from "reparam";
import { linePlot, svgToPng } from "reparam/report";
import type { Tensor } from "reparam/tensor";
import {
  flag,
  full,
  printJson,
  quick,
  rootOf,
  seeds,
  table,
  threads,
} from "./figures/command-line.ts";
import { meanOf, spread } from "./figures/spread.ts";
import { validationCurve } from "./figures/validation-curve.ts";

/** Other digits in MNIST's format, for a machine without network. */
const data = flag("data") ?? "mnist";
const root = rootOf("semi-supervised");
const labelCounts = quick ? [20] : [100, 1000];
const epochs = full ? 60 : 5;
/** Of the core grid: a third of the images, and smaller networks. */
const [images, hidden] = full ? [undefined, 500] : [20_000, 200];

interface Variant {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const variants: readonly Variant[] = [
  { name: "classifier alone", options: { unlabelled: false } },
  { name: "exact sum", options: { estimator: "exact" } },
  { name: "gumbel-softmax", options: { estimator: "gumbel-softmax" } },
  ...(full
    ? ["st-gumbel-softmax", "score-function"].map((name) => ({
        name,
        options: { estimator: name },
      }))
    : []),
];

interface Cell {
  readonly figures: { readonly accuracy: number; readonly negativeElbo: number };
  readonly seconds: number;
  /** Validation accuracy after each epoch. */
  readonly curve: readonly number[];
}

/** Trains one cell, or reads it where it was trained before. */
async function run({ name, options }: Variant, labels: number, seed: number): Promise<Cell> {
  const folder = `${root}/${name.replaceAll(" ", "-")}-${labels}-seed${seed}`;
  const file = `${folder}/cell.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Cell;
  console.error(`${name}, ${labels} labels, seed ${seed} …`);
  await mkdir(folder, { recursive: true });
  const length = quick
    ? { steps: 10, load: { limit: 400 } }
    : { epochs, ...(images === undefined ? {} : { load: { limit: images } }) };
  const start = performance.now();
  const model = await train("semi-supervised-vae", {
    ...{ ...length, data, seed, threads, folder },
    options: { ...options, labels, hidden },
  });
  const seconds = (performance.now() - start) / 1000;
  const { accuracy = Number.NaN, negativeElbo = Number.NaN } = (await model.evaluate("test"))
    .metrics;
  const { image } = model.dataset.test.columns;
  if (image !== undefined && options.unlabelled !== false) {
    const first = image.data.subarray(
      0,
      image.shape.reduce((a, b) => a * b),
    );
    const given = { dtype: "uint8", shape: [1, ...image.shape], data: first } as Tensor;
    const { image: grid } = await model.call<"image">("traverse", { image: given });
    const png = await encodePng(imageGrid(grid, { columns: 10, scale: 1 }));
    await writeFile(`${folder}/classes.png`, png);
  }
  const curve = await validationCurve(folder, "accuracy");
  const cell = { figures: { accuracy, negativeElbo }, seconds, curve };
  await writeFile(file, JSON.stringify(cell));
  return cell;
}

const cells: Record<string, readonly Cell["figures"][]> = {};
const rows: string[][] = [];
const series: { name: string; x: number[]; y: number[] }[] = [];
for (const labels of labelCounts) {
  for (const variant of variants) {
    const runs: Cell[] = [];
    for (const seed of seeds) runs.push(await run(variant, labels, seed));
    const name = `${variant.name}, ${labels} labels`;
    cells[name] = runs.map(({ figures }) => figures);
    const errors = runs.map(({ figures }) => 100 * (1 - figures.accuracy));
    const own = variant.options.unlabelled === false;
    const bounds = own
      ? ""
      : spread(
          runs.map(({ figures }) => figures.negativeElbo),
          2,
        );
    const each = errors.map((error) => error.toFixed(2)).join(", ");
    const time = meanOf(runs.map(({ seconds }) => seconds)).toFixed(0);
    rows.push([String(labels), variant.name, spread(errors, 2), each, bounds, time]);
    const points = (runs[0] as Cell).curve.map((_, i) =>
      meanOf(runs.map(({ curve }) => 100 * (1 - (curve[i] as number)))),
    );
    series.push({ name, x: points.map((_, i) => i + 1), y: points });
  }
}
const columns = ["labels", "trained by", "test error %", "each seed", "−ELBO, nats", "seconds"];
console.log(table(columns, rows));
const svg = linePlot({
  title: "Validation error, mean over seeds",
  x: { label: "epochs" },
  y: { label: "%" },
  series,
  width: 760,
  height: 420,
});
await writeFile(`${root}/error.png`, await svgToPng(svg));
console.log(
  `${epochs} epochs; mean ± standard deviation over seeds ${seeds.join(", ")}; pictures in ${root}`,
);
printJson({ seeds, epochs, cells });
