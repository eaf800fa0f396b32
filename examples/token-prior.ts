// Clothes as 7×7 integers, a transformer over the integers, and new clothes by class.
// npx tsx examples/token-prior.ts
import { mkdir, writeFile } from "node:fs/promises";
import { drawSamples, encodeDataset, train } from "reparam";
import { scalar } from "reparam/tensor";

const tokenizer = await train("fsq", {
  ...{ data: "fashion-mnist", epochs: 1 },
  options: { levels: "8,6,5", width: 32, blocks: 1 },
});
const data = await encodeDataset(tokenizer, tokenizer.dataset); // every image once
const prior = await train("token-prior", {
  ...{ data, epochs: 1 },
  options: { conditional: true, layers: 3, width: 96, learningRate: 2e-3 },
});
console.log((await prior.evaluate("test")).metrics); // nats and bits a token

const knobs = { temperature: scalar(0.9) };
const { image } = await prior.call<"image">("sample", knobs, { count: 80, seed: 1 });
await mkdir("models", { recursive: true });
await writeFile("models/clothes.png", await drawSamples(image, { columns: 10 })); // a class a column
console.log(await prior.export("models")); // sample.onnx, next.onnx, decode.onnx
