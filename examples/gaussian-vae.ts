// A Gaussian variational autoencoder on MNIST: train, look, measure, ship.
// npm run build && npx tsx examples/gaussian-vae.ts
import { mkdir, writeFile } from "node:fs/promises";
import { encodePng, imageGrid, type Tensor, train } from "reparam";

const vae = await train("gaussian-vae", { data: "mnist", epochs: 3, options: { latents: 20 } });
console.log((await vae.evaluate("test")).metrics); // nats an image

await mkdir("models", { recursive: true });
const { image } = await vae.call("sample", {}, { count: 64 });
await writeFile("models/digits.png", await encodePng(imageGrid(image as Tensor, { scale: 2 })));
console.log(await vae.export("models")); // sample.onnx, encode.onnx, decode.onnx, reconstruct.onnx
