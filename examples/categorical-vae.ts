// Images as 32 symbols of an alphabet of ten: a categorical autoencoder on Fashion-MNIST, trained through
// Gumbel-softmax samples with a temperature that stops at 0.5.
// npx tsx examples/categorical-vae.ts
import { writeFile } from "node:fs/promises";
import { createLoader, encodePng, pairGrid, type Tensor, train } from "reparam";

const vae = await train("categorical-vae", {
  data: "fashion-mnist",
  epochs: 2,
  options: { temperatureFloor: 0.5, temperatureDecay: 0.9995 },
  onProgress: ({ step, metrics }) => step % 100 === 0 && console.log(step, metrics.loss),
});

const { image } = createLoader(vae.dataset.test, { batchSize: 20, shuffle: false }).batch(0);
const { classes } = await vae.call<"classes">("encode", { image: image as Tensor });
console.log("the first image as symbols:", classes.data.slice(0, 32).join(" "));
const reconstructed = await vae.call<"image">("reconstruct", { image: image as Tensor });
const pairs = pairGrid(image as Tensor, reconstructed.image, { scale: 2 });
await writeFile("clothes.png", await encodePng(pairs));
