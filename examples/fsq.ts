// Photographs to 8×8 integers and back: train a tokenizer, encode the test images, decode, measure.
// npx tsx examples/fsq.ts
import { mkdir, writeFile } from "node:fs/promises";
import { encodePng, pairGrid, train } from "reparam";

const tokenizer = await train("fsq", {
  data: "cifar10",
  epochs: 1,
  options: { levels: "8,5,5,5", width: 32, pixelVariance: 0.06 },
});
console.log((await tokenizer.evaluate("test")).metrics); // squared error a pixel, and decibels

const { dtype, data } = tokenizer.dataset.test.columns.image as {
  dtype: "uint8";
  data: Uint8Array<ArrayBuffer>;
};
const image = { dtype, shape: [20, 3, 32, 32], data: data.slice(0, 20 * 3 * 32 * 32) };
const { tokens } = await tokenizer.call<"tokens">("encode", { image });
console.log(tokens.shape, tokens.data.slice(0, 64)); // [20, 8, 8], integers from 0 to 999

await mkdir("models", { recursive: true });
const decoded = await tokenizer.call<"image">("decode", { tokens });
await writeFile(
  "models/cifar10.png",
  await encodePng(pairGrid(image, decoded.image, { scale: 2 })),
);
console.log(await tokenizer.export("models")); // encode.onnx, decode.onnx, reconstruct.onnx
