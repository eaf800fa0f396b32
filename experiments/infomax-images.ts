// What representations of images know of classes that they never saw: Deep InfoMax by global and local information,
// a variational autoencoder, a random encoder, and pixels, by nearest neighbours and a linear classifier.
// npx tsx experiments/infomax-images.ts [--quick|--full] [--json] [--markdown] [--data NAME] [--threads N]
// Trainings that are done are read from runs/experiments/infomax-images; the picture is written there. --full has
// 256 latents as published, and 20 epochs.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { barPlot, markdownTable, svgToPng, textTable } from "reparam/report";
import { tensor } from "reparam/tensor";
import { uniformity } from "../src/metrics/alignment-uniformity.ts";
import { knnAccuracy } from "../src/metrics/knn-accuracy.ts";
import { linearProbe } from "../src/metrics/linear-probe.ts";
import {
  labelsOf,
  loadImages,
  type Representation,
  represent,
  representations,
  type Setting,
} from "./infomax-images/represent.ts";

const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const quick = process.argv.includes("--quick");
const full = process.argv.includes("--full");
const table = process.argv.includes("--markdown") ? markdownTable : textTable;
const data = argument("--data") ?? "fashion-mnist";
const seeds = quick ? [0] : [0, 1, 2];
const size = quick ? "-quick" : full ? "-full" : "";
const latents = quick ? 8 : full ? 256 : 32;
const setting: Setting = {
  ...{ data, latents, epochs: quick ? 1 : full ? 20 : 2, labelled: quick ? 100 : 20_000 },
  root: `runs/experiments/infomax-images${size}`,
  threads: Number(argument("--threads") ?? 2),
};
const { root, threads, labelled } = setting;

type Figures = Readonly<Record<"knn" | "probe" | "uniformity" | "minutes", number>>;

const dataset = await loadImages(data);
const labels = labelsOf(dataset.train, labelled);
const truth = labelsOf(dataset.test, dataset.test.length);

/** Figures of one cell, measured once and then read. */
async function cell(representation: Representation, seed: number): Promise<Figures> {
  const file = `${root}/${representation.name.replaceAll(" ", "-")}-seed${seed}.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Figures;
  const { train, test, seconds } = await represent(representation, seed, dataset, setting);
  const known = { vectors: train, labels };
  const asked = { vectors: test, labels: truth };
  const probe = await linearProbe(known, { penalty: 1e-3, tolerance: 1e-4, threads });
  const [, width = 1] = test.shape;
  const first = Math.min(1000, test.data.length / width);
  const figures = {
    knn: await knnAccuracy(known, asked, { neighbours: 5, threads }),
    probe: probe.accuracy(asked),
    uniformity: uniformity(
      tensor((test.data as Float32Array).slice(0, first * width), [first, width]),
    ),
    minutes: seconds / 60,
  };
  await mkdir(root, { recursive: true });
  await writeFile(file, JSON.stringify(figures));
  return figures;
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, v) => sum + v, 0) / values.length;

function spread(values: readonly number[], digits: number): string {
  const mean = meanOf(values);
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0;
  return `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}

const cells: Record<string, Figures[]> = {};
for (const seed of seeds) {
  for (const each of representations(latents)) {
    // Pixels have no seed.
    if (each.training === undefined && seed > 0) continue;
    cells[each.name] = [...(cells[each.name] ?? []), await cell(each, seed)];
  }
}
const rows = Object.entries(cells).map(([name, figures]) => {
  const column = (field: keyof Figures): number[] => figures.map((f) => f[field]);
  return [
    name,
    spread(
      column("knn").map((v) => 100 * v),
      1,
    ),
    spread(
      column("probe").map((v) => 100 * v),
      1,
    ),
    spread(column("uniformity"), 2),
    meanOf(column("minutes")).toFixed(1),
  ];
});
console.log(table(["representation", "kNN, %", "linear probe, %", "uniformity", "minutes"], rows));
console.log(
  `${data}, ${latents} latents, ${setting.epochs} epochs of batches of 64, classifiers of ${labels.length} training images, ${truth.length} test images; mean ± standard deviation over seeds ${seeds.join(", ")}`,
);
const bars = Object.entries(cells).map(([name, figures]) => ({
  name,
  value: 100 * meanOf(figures.map(({ probe }) => probe)),
}));
const title = `Linear probe on ${latents} latents, ${data.split("/").at(-1)}`;
await writeFile(
  `${root}/probe.png`,
  await svgToPng(barPlot({ title, x: { label: "test accuracy, %" }, bars })),
);
if (process.argv.includes("--json")) console.log(JSON.stringify({ cells }));
