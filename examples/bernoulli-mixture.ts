// A mixture of binary images: fit, look at the components, ship.
// npx tsx examples/bernoulli-mixture.ts
import { mkdir, writeFile } from "node:fs/promises";
import { drawSamples, train } from "reparam";

const mixture = await train("bernoulli-mixture", {
  data: "mnist",
  load: { limit: 5000 },
  options: { components: 20 },
});
console.log((await mixture.evaluate("test")).metrics); // nats an image

// One-hot responsibilities decode to the components: the probability of every pixel.
const data = Float64Array.from({ length: 400 }, (_, i) => Number(i % 21 === 0));
const latent = { dtype: "float64", shape: [20, 20], data } as const;
const { image } = await mixture.call<"image">("decode", { latent });
await mkdir("models", { recursive: true });
await writeFile("models/components.png", await drawSamples(image, { columns: 10 }));
console.log(await mixture.export("models")); // sample.onnx, encode.onnx, decode.onnx
