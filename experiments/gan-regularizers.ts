// Fréchet and kernel distance of samples at equal steps of the generator, by what keeps the discriminator smooth.
// npx tsx experiments/gan-regularizers.ts [--quick] [--full] [--json] [--data fashion-mnist] [--threads 1] [--minutes 20]
// Cells that are done are read from runs/experiments/gan-regularizers and not trained again; one that was killed goes
// on; --minutes 20 stops after that time, between two cells. Without --quick it writes a picture into docs/results.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { encodePng, imageGrid, loadDataset, type Tensor } from "reparam";
import { decodeNpy } from "reparam/data";
import { markdownTable } from "reparam/report";
import {
  flag,
  full,
  late,
  numberOf,
  printJson,
  quick,
  rootOf,
  seeds,
} from "./figures/command-line.ts";
import { openJudge } from "./figures/judge.ts";
import { spreadOfSeveral } from "./figures/spread.ts";
import { type Regularizer, regularizers } from "./gan-regularizers/setting.ts";
import { type ImageFigures, imageCell } from "./gan-regularizers/train-cell.ts";

const data = flag("data") ?? "fashion-mnist";
const threads = numberOf("threads", 1);
const root = rootOf("gan-regularizers", { fullAdds: true });
const steps = quick ? 2 : full ? 20_000 : 1000;
const batchSize = quick ? 8 : 64;
const network = { width: quick ? 4 : full ? 64 : 16, average: 0.99, learningRate: 4e-4 };
const chosen = quick ? regularizers.slice(0, 2) : regularizers.filter(({ core }) => core || full);

const dataset = await loadDataset(data, { validation: 0, ...(quick ? { limit: 64 } : {}) });
const judge = await openJudge(dataset, { classifier: "fashion-mnist", threads, most: 10_000 });

const folderOf = ({ name }: Regularizer, seed: number): string =>
  `${root}/${name.replace(/\W+/g, "-")}${full ? "-full" : ""}-seed${seed}`;
const cells: Record<string, ImageFigures[]> = {};
// Seeds outside: a part of the grid is whole seeds.
for (const seed of seeds) {
  for (const each of chosen) {
    const folder = folderOf(each, seed);
    if (late() && !existsSync(`${folder}/figures.json`)) continue;
    console.error(`${each.name}, seed ${seed} …`);
    const options = { ...network, ...each.options(steps) };
    const figures = await imageCell(folder, judge, {
      ...{ dataset, options, steps, batchSize, seed, threads },
    });
    cells[each.name] = [...(cells[each.name] ?? []), figures];
  }
}
await judge.release();

const columns = ["", "Fréchet distance", "kernel distance ·10³", "precision", "recall"];
const head = [...columns, "density", "coverage", "processor seconds", "seeds"];
const rows = Object.entries(cells).map(([name, figures]) => {
  const column = (pick: (f: ImageFigures) => number, digits: number): string =>
    spreadOfSeveral(figures.filter(({ failed }) => !failed).map(pick), digits);
  const failed = figures.filter((each) => each.failed).length;
  return [
    name,
    column((f) => f.frechetDistance, 3),
    column((f) => 1000 * f.kernelDistance, 1),
    column((f) => f.precision, 3),
    column((f) => f.recall, 3),
    column((f) => f.density, 3),
    column((f) => f.coverage, 3),
    column((f) => f.seconds, 0),
    failed === 0 ? String(figures.length) : `${figures.length}, of which ${failed} diverged`,
  ];
});
console.log(markdownTable(head, rows));
console.log(
  `${data}, dcgan of width ${network.width}, ${steps} steps of the generator and as many of the discriminator, batches of ${batchSize}; ${judge.images} samples against ${judge.images} test images in 64 features of fashion-mnist.onnx (SHA-256 ${judge.sha256}); seeds ${seeds.join(", ")}, mean ± standard deviation over them; ${threads} thread`,
);

/** A row of 16 samples for every regularizer, of the first seed. */
async function draw(): Promise<void> {
  const rowsOf: Float32Array[] = [];
  let shape: readonly number[] = [];
  for (const each of chosen) {
    const file = `${folderOf(each, seeds[0] as number)}/samples.npy`;
    if (!existsSync(file)) continue;
    const { data: pixels, shape: all } = decodeNpy(await readFile(file), file);
    shape = all.slice(1);
    const size = pixels.length / (all[0] as number);
    rowsOf.push(pixels.subarray(0, 16 * size) as Float32Array);
  }
  const pixels = new Float32Array(rowsOf.reduce((n, row) => n + row.length, 0));
  let at = 0;
  for (const row of rowsOf) {
    pixels.set(row, at);
    at += row.length;
  }
  const images: Tensor = { dtype: "float32", shape: [16 * rowsOf.length, ...shape], data: pixels };
  await mkdir("docs/results", { recursive: true });
  const picture = await encodePng(imageGrid(images, { columns: 16, scale: 2 }));
  await writeFile("docs/results/gan-regularizers.png", picture);
}
if (!quick) await draw();
printJson({ seeds, steps, batchSize, images: judge.images, cells });
