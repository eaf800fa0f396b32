// Clothes by diffusion of latents: an autoencoder makes 20 numbers of an image, and the diffusion learns their law.
// npx tsx examples/latent-diffusion.ts
import { mkdir, writeFile } from "node:fs/promises";
import { drawSamples, encodeDataset, train } from "reparam";

const vae = await train("gaussian-vae", { data: "fashion-mnist", epochs: 4 });
const data = await encodeDataset(vae, vae.dataset, { codes: "latent" }); // every image once, standardised
const diffusion = await train("diffusion", {
  ...{ data, steps: 4000, batchSize: 256, options: { width: 128 } },
  onProgress: ({ step, metrics }) => step % 500 === 0 && console.log(step, metrics.loss),
});

await mkdir("models", { recursive: true });
const options = { sampler: "dpm-solver++2m", steps: 20 };
const drawn = await diffusion.call<"image">("sample", {}, { count: 64, seed: 1, options });
await writeFile("models/latent-diffusion.png", await drawSamples(drawn.image));
const { image } = await vae.call<"image">("sample", {}, { count: 64, seed: 1 });
await writeFile("models/prior.png", await drawSamples(image)); // the same autoencoder by its own prior
console.log(await diffusion.export("models")); // denoise.onnx on latents, encode.onnx, decode.onnx
