// A Gaussian variational autoencoder on MNIST: train, look, measure, ship.
// npx tsx examples/gaussian-vae.ts
import { mkdir, writeFile } from "node:fs/promises";
import { encodePng, imageGrid, train } from "reparam";

const vae = await train("gaussian-vae", { data: "mnist", epochs: 3, options: { latents: 20 } });
console.log((await vae.evaluate("test")).metrics); // nats an image

await mkdir("models", { recursive: true });
const { image } = await vae.call<"image">("sample", {}, { count: 64 });
await writeFile("models/digits.png", await encodePng(imageGrid(image, { scale: 2 })));
console.log(await vae.export("models")); // sample.onnx, encode.onnx, decode.onnx, reconstruct.onnx
