// Clothes as 7×7 codes of a learned table: train, and see how much of the table is used.
// npx tsx examples/vq-vae.ts
import { compileFunction, train } from "reparam";
import { codebookUse } from "reparam/metrics";
import { mapSplit } from "reparam/run";

const codes = 512;
const tokenizer = await train("vq-vae", {
  data: "fashion-mnist",
  epochs: 1,
  options: { codes, width: 32, start: "k-means", reviveAfter: 200 },
});
console.log((await tokenizer.evaluate("test")).metrics); // squared error a pixel, and decibels

const encode = await compileFunction(tokenizer.method, "encode", tokenizer.weights);
const { tokens } = await mapSplit(encode, tokenizer.dataset.test);
await encode.release();
if (tokens !== undefined) console.log(codebookUse(tokens, codes)); // of the whole test set
