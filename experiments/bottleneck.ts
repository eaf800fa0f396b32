// The variational discriminator bottleneck: how the multiplier β finds the information that the code may carry.
// npx tsx experiments/bottleneck.ts [--quick | --full] [--seeds 0,1,2] [--data FOLDER] [--threads N] [--minutes N] [--markdown] [--json]
// Cells that are done are read from runs/experiments/bottleneck; one that was killed goes on. Pictures are written there.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { train } from "reparam";
import { type LinePlot, linePlot, svgToPng } from "reparam/report";
import { dataset, judge, samplesOf, threads } from "./architectures/digits.ts";
import { cell, drawGrid, grid, rowsOf } from "./architectures/grid.ts";
import { processorSeconds } from "./figures/cells.ts";
import { printJson, rootOf, seeds, sized, table } from "./figures/command-line.ts";
import type { Figures } from "./figures/judge.ts";

const root = rootOf("bottleneck");
const network = {
  ...{ penalty: "none", average: 0.98, learningRate: 4e-4 },
  ...sized(
    { architecture: "mlp", width: 8, latents: 6 },
    { architecture: "mlp", width: 256, latents: 24 },
    { architecture: "dcgan", width: 64, latents: 128 },
  ),
};
const steps = sized(4, 1500, 50_000);
const batchSize = sized(8, 32, 64);
/** Of dual ascent: the paper's 1e-5 is for trainings a hundred times as long. */
const informationStep = sized(0.1, 1e-2, 1e-5);
const bounds = sized([0.1], [0.1, 0.5], [0.1, 0.5, 2]);

const settings = [
  { name: "none", options: {} },
  ...bounds.map((informationBound) => ({
    name: `${informationBound} nats`,
    options: { bottleneck: 32, informationBound, informationStep },
  })),
];

type Cell = Figures & {
  readonly information: number;
  readonly beta: number;
  readonly seconds: number;
};
const folderOf = (name: string, seed: number): string =>
  `${root}/${name.replaceAll(/\W+/g, "-")}-seed${seed}`;

const { cells, missing } = await grid(settings, ({ name, options }, seed) => {
  const folder = folderOf(name, seed);
  return cell<Cell>(folder, async () => {
    const { result: model, seconds } = await processorSeconds(() =>
      train("gan", {
        ...{ data: dataset, seed, folder, threads, steps, batchSize },
        options: { ...network, ...options },
      }),
    );
    const log = await logOf(folder);
    const path = log.slice(-Math.ceil(log.length / 4));
    const late = (key: string): number =>
      path.reduce((sum, metrics) => sum + (metrics[key] ?? 0), 0) / path.length;
    const samples = await samplesOf(model, judge.images);
    const { figures } = await judge.compare(samples);
    await drawGrid(folder, "samples", await samplesOf(model, 64), 8);
    return { ...figures, information: late("information"), beta: late("beta"), seconds };
  });
});
await judge.release();

/** Metrics of a training as it logged them, with their steps. */
async function logOf(folder: string): Promise<Record<string, number>[]> {
  const lines = (await readFile(`${folder}/metrics.jsonl`, "utf8")).trim().split("\n");
  return lines
    .map((line) => JSON.parse(line) as { kind: string; step: number; metrics: object })
    .filter(({ kind }) => kind === "train")
    .map(({ step, metrics }) => ({ ...metrics, step }) as Record<string, number>);
}

const { head, rows } = rowsOf(cells, [
  ["information, nats", 3, (f) => f.information],
  ["β", 3, (f) => f.beta],
  ["Fréchet distance", 2, (f) => f.frechetDistance],
  ["precision", 3, (f) => f.precision],
  ["recall", 3, (f) => f.recall],
  ["processor s", 0, (f) => f.seconds],
]);
console.log(table(head, rows));
console.log(
  `${dataset.name}, ${network.architecture} of width ${network.width}, a code of 32, ${steps} steps of batches of ${batchSize}, β moved by ${informationStep} times the excess; information and β are means of the last quarter of the log; ${judge.images} samples against as many test images in the features of mnist.onnx (SHA-256 ${judge.sha256}); mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} cells missing; pictures in ${root}`,
);

/** The path of one logged figure of the first seed, a line a bound. */
async function drawPath(key: string, plot: Omit<LinePlot, "series">): Promise<void> {
  const series = [];
  for (const { name } of settings.slice(1)) {
    if (cells[name] === undefined) continue;
    const log = await logOf(folderOf(name, seeds[0] as number));
    series.push({ name, x: log.map(({ step }) => step as number), y: log.map((m) => m[key] ?? 0) });
  }
  if (series.length === 0) return;
  await mkdir(root, { recursive: true });
  await writeFile(`${root}/${key}.png`, await svgToPng(linePlot({ ...plot, series })));
}
const x = { label: "steps" };
await drawPath("information", {
  ...{ title: "Information of the code", x, y: { label: "nats", scale: "log" } },
});
await drawPath("beta", { title: "The multiplier β", x, y: { label: "β" } });
printJson({ seeds, steps, cells });
