// Finite scalar against vector quantization: use of the codebook and reconstruction error by its size.
// npx tsx experiments/fsq-vs-vq.ts [--quick] [--tricks] [--full] [--json] [--markdown] [--data NAME] [--threads 1]
// [--minutes 2]
// Cells that are done are read from runs/experiments/fsq-vs-vq and not trained again; one that was killed goes on. The
// pictures are written there. --tricks adds vector quantizers with k-means and revival, and SimVQ; --full has these and
// all sizes; --minutes 2 stops after that time, between two cells.
import { existsSync, writeFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { train } from "reparam";
import { codebookUse } from "../src/metrics/index.ts";
import { compileFunction, mapSplit } from "../src/run/index.ts";
import {
  flag,
  full,
  has,
  late,
  printJson,
  quick,
  rootOf,
  seeds,
  table,
  threads,
} from "./figures/command-line.ts";
import { spreadOfSeveral } from "./figures/spread.ts";
import { drawSizes } from "./fsq-vs-vq/pictures.ts";
import {
  coreGrid,
  fullGrid,
  type Quantization,
  quantizations,
  sizesOf,
} from "./fsq-vs-vq/setting.ts";

const tricks = has("tricks");
const data = flag("data") ?? "fashion-mnist";
const root = rootOf("fsq-vs-vq", { fullAdds: true });
const epochs = quick ? 2 : 4;
const images = quick ? 128 : 5000;
const batchSize = 64;
const grid = quick ? [[5, 3]] : full ? fullGrid : coreGrid;
const network = quick ? { width: 8, blocks: 0 } : { width: 32, blocks: 1, learningRate: 2e-3 };

type Figures = Readonly<Record<string, number>>;

/** Trains one cell, or reads its figures where it was trained before; undefined when the time is over. */
async function run(
  quantization: Quantization,
  levels: readonly number[],
  seed: number,
): Promise<Figures | undefined> {
  const codes = sizesOf(levels);
  const folder = `${root}/${quantization.name}-${codes}-seed${seed}`;
  const file = `${folder}/figures.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Figures;
  if (late()) return undefined;
  console.error(`${quantization.name}, ${codes} codes, seed ${seed} …`);
  await mkdir(folder, { recursive: true });
  // Written at every epoch, for a cell that is killed goes on after the epochs that are done.
  const kept = `${folder}/uses.json`;
  const uses: Record<string, number> = existsSync(kept)
    ? JSON.parse(await readFile(kept, "utf8"))
    : {};
  const model = await train(quantization.method, {
    ...{ data, seed, folder, threads, epochs, batchSize },
    load: { validation: 0, limit: images },
    options: { ...network, ...quantization.options(levels) },
    // The window of codebookUse is an epoch, so that at its end it counts the epoch.
    onProgress: ({ epoch, metrics }) => {
      if (!Number.isInteger(epoch)) return;
      uses[`epoch${epoch}Use`] = metrics.codebookUse as number;
      writeFileSync(kept, JSON.stringify(uses));
    },
  });
  const { metrics } = await model.evaluate("test");
  const encode = await compileFunction(model.method, "encode", model.weights, { threads });
  const { tokens } = await mapSplit(encode, model.dataset.test);
  await encode.release();
  const { use, perplexity } = codebookUse(tokens as never, codes);
  const { squaredError, psnr } = metrics as { squaredError: number; psnr: number };
  const figures = { codes, squaredError, psnr, use, perplexity, ...uses };
  await writeFile(file, JSON.stringify(figures));
  return figures;
}

/** mean ± sample standard deviation over seeds, where there are several */
function spreadOf(values: readonly number[], digits: number): string {
  // The start by k-means may read the first epoch.
  if (!values.every(Number.isFinite)) return "";
  return spreadOfSeveral(values, digits);
}

const cells: Record<string, Figures[]> = {};
let missing = 0;
const kinds = quantizations.filter(({ core }) => core || full || tricks);
// Seeds outside: a part of the grid is whole seeds.
for (const seed of seeds) {
  for (const levels of grid) {
    for (const kind of kinds) {
      const figures = await run(kind, levels, seed);
      const name = `${kind.name}, ${sizesOf(levels)} codes`;
      if (figures === undefined) missing += 1;
      else cells[name] = [...(cells[name] ?? []), figures];
    }
  }
}

const rows = Object.entries(cells).map(([name, figures]) => {
  const column = (key: string): number[] => figures.map((f) => f[key] as number);
  return [
    name,
    spreadOf(
      column("squaredError").map((e) => 1000 * e),
      3,
    ),
    spreadOf(column("psnr"), 2),
    spreadOf(
      column(`epoch1Use`).map((u) => 100 * u),
      1,
    ),
    spreadOf(
      column(`epoch${epochs}Use`).map((u) => 100 * u),
      1,
    ),
    spreadOf(
      column("use").map((u) => 100 * u),
      1,
    ),
    spreadOf(column("perplexity"), 0),
    String(figures.length),
  ];
});
const head = ["", "squared error ·10³", "PSNR dB", "use %, epoch 1"];
const more = [`use %, epoch ${epochs}`, "use %, test", "perplexity, test", "seeds"];
console.log(table([...head, ...more], rows));
console.log(
  `${images} training images, ${epochs} epochs of batches of ${batchSize}; mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} cells missing; pictures in ${root}`,
);
if (Object.keys(cells).length > 0)
  await drawSizes(
    root,
    cells,
    kinds.map(({ name }) => name),
    epochs,
  );
printJson({ seeds, epochs, images, cells });
