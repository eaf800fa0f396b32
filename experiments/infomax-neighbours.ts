// The nearest images by what Deep InfoMax learned: global information against local, and pixels, by cosine and
// Euclidean distance.
// npx tsx experiments/infomax-neighbours.ts [--quick] [--json] [--data NAME] [--threads N]
// Trainings are those of infomax-images, in runs/experiments/infomax-images; the pictures are written to
// runs/experiments/infomax-neighbours.
import { mkdir, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { encodePng, imageGrid } from "reparam";
import { textTable } from "reparam/report";
import { elementCount, type Tensor } from "reparam/tensor";
import { type VectorDistance, vectorIndex } from "../src/metrics/nearest-neighbours.ts";
import { flag, printJson, quick, rootOf, threads } from "./figures/command-line.ts";
import {
  labelsOf,
  loadImages,
  represent,
  representations,
  type Setting,
} from "./infomax-images/represent.ts";

const data = flag("data") ?? "fashion-mnist";
const latents = quick ? 8 : 32;
const setting: Setting = {
  ...{ data, latents, epochs: quick ? 1 : 2, labelled: quick ? 100 : 20_000, threads },
  root: `${rootOf("infomax-images")}/${basename(data)}`,
};
const folder = `runs/experiments/infomax-neighbours${quick ? "-quick" : ""}`;
const neighbours = 9;

const dataset = await loadImages(data);
const labels = labelsOf(dataset.train, setting.labelled);
const truth = labelsOf(dataset.test, dataset.test.length);
/** The first test image of each class. */
const asked = [...new Set(truth)].sort((a, b) => a - b).map((label) => truth.indexOf(label));

function drawRows(found: Int32Array): Tensor {
  const test = dataset.test.columns.image as NonNullable<typeof dataset.test.columns.image>;
  const train = dataset.train.columns.image as typeof test;
  const size = elementCount(test.shape);
  const cells = new Uint8Array(asked.length * (neighbours + 1) * size);
  const put = (cell: number, from: typeof test, row: number): void =>
    cells.set(from.data.subarray(row * size, (row + 1) * size) as Uint8Array, cell * size);
  for (const [i, row] of asked.entries()) {
    put(i * (neighbours + 1), test, row);
    for (let k = 0; k < neighbours; k++) {
      put(i * (neighbours + 1) + k + 1, train, found[i * neighbours + k] as number);
    }
  }
  return { dtype: "uint8", shape: [asked.length * (neighbours + 1), ...test.shape], data: cells };
}

const cells: Record<string, { agreement: number }[]> = {};
const rows: string[][] = [];
await mkdir(folder, { recursive: true });
for (const name of ["global", "local", "both", "pixels"]) {
  const representation = representations(latents).find((each) => each.name === name);
  if (representation === undefined) continue;
  const { train, test } = await represent(representation, 0, dataset, setting);
  for (const distance of ["cosine", "euclidean"] satisfies VectorDistance[]) {
    const index = await vectorIndex(train, { neighbours, distance, threads });
    const { indices } = await index.search(test);
    await index.release();
    let same = 0;
    for (const [at, row] of indices.entries()) {
      same += Number(labels[row] === truth[Math.floor(at / neighbours)]);
    }
    const own = Int32Array.from(
      asked.flatMap((row) =>
        Array.from(indices.subarray(row * neighbours, (row + 1) * neighbours)),
      ),
    );
    const file = `${folder}/${name}-${distance}.png`;
    await writeFile(
      file,
      await encodePng(imageGrid(drawRows(own), { columns: neighbours + 1, scale: 1 })),
    );
    cells[`${name}, ${distance}`] = [{ agreement: same / indices.length }];
    rows.push([name, distance, (100 * (same / indices.length)).toFixed(1), file]);
  }
}
console.log(textTable(["representation", "distance", "same class, %", "picture"], rows));
console.log(
  `the ${neighbours} nearest of ${labels.length} training images to each of ${truth.length} test images, seed 0; in the pictures the first of each row is the test image`,
);
printJson({ cells });
