// An autoencoder whose encoder tells real from generated images: does it know which is which, and does it still
// reconstruct?
// npx tsx examples/introvae.ts
import { writeFile } from "node:fs/promises";
import { drawSamples, train } from "reparam";

const model = await train("introvae", {
  data: "mnist",
  load: { limit: 20_000 },
  steps: 600,
  options: { width: 16, hidden: 128, vaeSteps: 400 },
  onProgress: ({ step, metrics }) =>
    step % 200 === 0 && console.log(step, metrics.klReal, metrics.klSampled),
});
const { metrics } = await model.evaluate("test");
console.log("test: squared error a pixel", metrics.squaredError, "divergence", metrics.kl);
const { image } = await model.call<"image">("sample", {}, { count: 64 });
await writeFile("introvae.png", await drawSamples(image, { columns: 8 }));
