// Four ways in which the lower half of a digit may go on, drawn by stochastic binary units.
// npx tsx examples/stochastic-binary-network.ts
import { writeFile } from "node:fs/promises";
import { createLoader, encodePng, imageGrid, type Tensor, train } from "reparam";

const network = await train("stochastic-binary-network", {
  data: "mnist",
  epochs: 2,
  onProgress: ({ step, metrics }) => step % 200 === 0 && console.log(step, metrics.loss),
});

const { image } = createLoader(network.dataset.test, { batchSize: 16, shuffle: false }).batch(0);
for (const seed of [0, 1, 2, 3]) {
  const drawn = await network.call<"image">("reconstruct", { image: image as Tensor }, { seed });
  await writeFile(`halves-${seed}.png`, await encodePng(imageGrid(drawn.image)));
}
