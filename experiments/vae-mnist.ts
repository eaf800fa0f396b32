// Test figures of both variational autoencoders on MNIST, three seeds each.
// npx tsx experiments/vae-mnist.ts [--quick] [--json] [--data FOLDER]
// Cells that are done are read from runs/experiments/vae-mnist and not trained again.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { type TrainSettings, train } from "reparam";
import { textTable } from "reparam/report";
import { flag, printJson, quick, rootOf, seeds } from "./figures/command-line.ts";
import { spread } from "./figures/spread.ts";

/** Other digits in MNIST's format, for a machine without network. */
const data = flag("data") ?? "mnist";
const root = rootOf("vae-mnist");

interface Cell {
  readonly method: string;
  /** What is special about it, as a column of the table. */
  readonly setting: string;
  readonly settings: TrainSettings;
}

const binary = { load: { validation: 0, binarize: "fixed" } } as const;
const wide = { width: 16, features: 256, warmupSteps: 600, boundSamples: 100 };
const cells: readonly Cell[] = [
  {
    method: "gaussian-vae",
    setting: "grey pixels, 10 epochs",
    settings: { epochs: 10, load: { validation: 0 }, options: { boundSamples: 100 } },
  },
  {
    method: "gaussian-vae",
    setting: "fixed binarisation, 10 epochs",
    settings: { epochs: 10, ...binary, options: { boundSamples: 100 } },
  },
  {
    method: "categorical-vae",
    setting: "fixed binarisation, width 16, features 256, 3 epochs",
    settings: { epochs: 3, ...binary, options: wide },
  },
];

type Figures = Readonly<Record<string, number>>;

/** Trains one cell, or reads its figures where it was trained before. */
async function run({ method, settings }: Cell, name: string, seed: number): Promise<Figures> {
  const folder = `${root}/${name}-seed${seed}`;
  const file = `${folder}/figures.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Figures;
  await mkdir(folder, { recursive: true });
  const short = quick ? { steps: 30, load: { ...settings.load, limit: 500 } } : {};
  const model = await train(method, { ...settings, ...short, data, seed, folder });
  const { metrics, samples } = await model.evaluate("test");
  const { metrics: bound } = await model.bound("test");
  const figures = { ...metrics, ...bound, testImages: samples };
  await writeFile(file, JSON.stringify(figures));
  return figures;
}

const rows: string[][] = [];
const all: Record<string, readonly Figures[]> = {};
for (const [i, cell] of cells.entries()) {
  const figures: Figures[] = [];
  for (const seed of seeds) {
    console.error(`${cell.method}, ${cell.setting}, seed ${seed} …`);
    figures.push(await run(cell, `${i}-${cell.method}`, seed));
  }
  all[`${cell.method}, ${cell.setting}`] = figures;
  const column = (name: string) =>
    spread(
      figures.map((f) => f[name] ?? Number.NaN),
      2,
    );
  const shown = ["negativeElbo", "reconstruction", "kl", "negativeBound"].map(column);
  rows.push([cell.method, cell.setting, ...shown]);
}
const columns = ["method", "setting", "−ELBO", "reconstruction", "KL", "−bound, 100 samples"];
console.log(textTable(columns, rows));
const images = Object.values(all)[0]?.[0]?.testImages;
console.log(
  `nats an image on ${images} test images; mean ± standard deviation over seeds ${seeds.join(", ")}`,
);
printJson({ seeds, cells: all });
