// Image features without labels by Deep InfoMax: train, encode, ship.
// npx tsx examples/deep-infomax.ts
import { train } from "reparam";

const infomax = await train("deep-infomax", {
  data: "fashion-mnist",
  load: { limit: 12_000 },
  epochs: 2,
  options: { latents: 32 },
});
console.log((await infomax.evaluate("test")).metrics); // terms of the loss, nats

const { image } = infomax.dataset.test.columns;
const size = 28 * 28;
const first = { dtype: "uint8", shape: [5, 1, 28, 28], data: image?.data.subarray(0, 5 * size) };
const { latent } = await infomax.call<"latent">("encode", { image: first as never });
console.log(latent.shape); // [5, 32]
console.log(await infomax.export("models")); // encode.onnx
