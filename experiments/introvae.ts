// IntroVAE against the plain variational autoencoder of the same network: reconstruction of unseen images and samples.
// npx tsx experiments/introvae.ts [--quick | --full] [--seeds 0,1,2] [--data FOLDER] [--threads N] [--minutes N] [--markdown] [--json]
// Cells that are done are read from runs/experiments/introvae; one that was killed goes on. Pictures are written there.

import { mkdir, writeFile } from "node:fs/promises";
import { encodePng, pairGrid, type Tensor, train } from "reparam";
import { rowsOf as dataRows } from "../src/run/index.ts";
import { dataset, judge, samplesOf, threads } from "./architectures/digits.ts";
import { cell, drawGrid, grid, rowsOf } from "./architectures/grid.ts";
import { processorSeconds } from "./figures/cells.ts";
import { printJson, rootOf, seeds, sized, table } from "./figures/command-line.ts";
import { type Figures, firstRows } from "./figures/judge.ts";

const root = rootOf("introvae");
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
    let klSampled = 0;
    const { result: model, seconds } = await processorSeconds(() =>
      train("introvae", {
        ...{ data: dataset, seed, folder, threads, steps, batchSize },
        options: { ...network, reconstruction, vaeSteps, ...options },
        onProgress: ({ metrics }) => {
          klSampled = metrics.klSampled ?? 0;
        },
      }),
    );
    const { metrics } = await model.evaluate("test");
    const samples = await samplesOf(model, judge.images);
    const { figures } = await judge.compare(samples);
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
printJson({ seeds, steps, vaeSteps, cells });
