// IntroVAE against the plain variational autoencoder of the same network: reconstruction of unseen images and samples.
// npx tsx experiments/introvae.ts [--quick] [--full] [--json] [--markdown] [--data FOLDER] [--seeds 0,1,2] [--minutes 20]
// Cells that are done are read from runs/experiments/introvae; one that was killed goes on. Pictures are written there.

import { mkdir, writeFile } from "node:fs/promises";
import { encodePng, loadDataset, pairGrid, type Tensor, train } from "reparam";
import { rowsOf as dataRows } from "../src/run/index.ts";
import { cell, drawGrid, grid, processorClock, rowsOf } from "./architectures/cell.ts";
import { given, rootOf, sized } from "./architectures/flags.ts";
import { type Figures, openJudge, samplesOf } from "./architectures/judge.ts";

const { quick, data, threads, table, seeds, json } = given;
const root = rootOf("introvae");
const dataset = await loadDataset(data, { validation: 0, ...(quick ? { limit: 64 } : {}) });
const judge = await openJudge(dataset);
const network = sized(
  { network: "mlp", hidden: 16, latents: 8 },
  { network: "mlp", hidden: 256, latents: 16 },
  { network: "convolutional", width: 64, hidden: 512, latents: 64 },
);
const [vaeSteps, steps] = sized([2, 2], [600, 3000], [5000, 20_000]);
const batchSize = sized(16, 64, 128);
const reconstruction = 3;

const settings = [
  // Without α the game is the plain autoencoder's objective, by the same steps.
  { name: "plain autoencoder", options: { adversarial: 0 } },
  { name: "margin", options: { adversarial: 0.25, margin: 25 } },
  // Its β weighs the whole squared error, the margin variant's half of it.
  { name: "soft", options: { variant: "soft", reconstruction: reconstruction / 2 } },
] as const;

type Cell = Figures & {
  readonly squaredError: number;
  readonly kl: number;
  readonly klSampled: number;
  readonly seconds: number;
};

const { cells, missing } = await grid(settings, ({ name, options }, seed) => {
  const folder = `${root}/${name.replaceAll(" ", "-")}-seed${seed}`;
  return cell<Cell>(folder, async () => {
    const clock = processorClock();
    let klSampled = 0;
    const model = await train("introvae", {
      ...{ data: dataset, seed, folder, threads, steps, batchSize },
      options: { ...network, reconstruction, vaeSteps, ...options },
      onProgress: ({ metrics }) => {
        klSampled = metrics.klSampled ?? 0;
      },
    });
    const seconds = clock();
    const { metrics } = await model.evaluate("test");
    const samples = await samplesOf(model, judge.images);
    const { classes: _, ...figures } = await judge.figures(samples);
    await drawGrid(folder, "samples", firstRows(samples, 64), 8);
    const { image } = dataRows(dataset.test, 0, 20);
    const { image: again } = await model.call<"image">("reconstruct", { image: image as Tensor });
    await mkdir(folder, { recursive: true });
    const pairs = pairGrid(image as Tensor, again, { scale: 2 });
    await writeFile(`${folder}/reconstructions.png`, await encodePng(pairs));
    const { squaredError, kl } = metrics as { squaredError: number; kl: number };
    return { ...figures, squaredError, kl, klSampled, seconds };
  });
});
await judge.release();

function firstRows({ dtype, shape, data: all }: Tensor, count: number): Tensor {
  const size = all.length / (shape[0] as number);
  const rows = Math.min(count, shape[0] as number);
  return { dtype, shape: [rows, ...shape.slice(1)], data: all.slice(0, rows * size) } as Tensor;
}

const { head, rows } = rowsOf(cells, [
  ["squared error ·10³", 2, (f) => 1000 * f.squaredError],
  ["divergence, real", 1, (f) => f.kl],
  ["divergence, sampled", 1, (f) => f.klSampled],
  ["Fréchet distance", 2, (f) => f.frechetDistance],
  ["precision", 3, (f) => f.precision],
  ["recall", 3, (f) => f.recall],
  ["processor s", 0, (f) => f.seconds],
]);
console.log(table(head, rows));
console.log(
  `${dataset.name}, ${network.network} of ${network.hidden} hidden features, ${network.latents} latents, β = ${reconstruction} (soft: half of it); ${vaeSteps} steps as an autoencoder, then ${steps} of the game, batches of ${batchSize}; squared error a pixel of reconstructed test images; ${judge.images} samples against as many test images in the features of mnist.onnx (SHA-256 ${judge.sha256}); mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} cells missing; pictures in ${root}`,
);
if (json) console.log(JSON.stringify({ seeds, steps, vaeSteps, cells }));
