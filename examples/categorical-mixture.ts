// A mixture over grey levels: fit, measure, draw.
// npx tsx examples/categorical-mixture.ts
import { mkdir, writeFile } from "node:fs/promises";
import { drawSamples, train } from "reparam";

const mixture = await train("categorical-mixture", {
  data: "mnist",
  load: { limit: 5000 },
  options: { components: 20, categories: 4 },
});
console.log((await mixture.evaluate("test")).metrics); // nats an image

await mkdir("models", { recursive: true });
const { image } = await mixture.call<"image">("sample", {}, { count: 40 });
await writeFile("models/samples.png", await drawSamples(image, { columns: 10 }));
