// Document vectors: train on speeches, and find the speech nearest to one that was never seen.
// npx tsx examples/doc-vectors.ts
import { compileFunction, train } from "reparam";
import { vectorIndex } from "reparam/metrics";
import { mapSplit } from "reparam/run";

const model = await train("doc-vectors", { data: "state-of-the-union", epochs: 100 });
console.log((await model.evaluate("test")).metrics); // nats a word

const encode = await compileFunction(model.method, "encode", model.weights);
const { train: seen, test } = model.dataset;
const known = (await mapSplit(encode, seen)).latent;
const asked = (await mapSplit(encode, test)).latent;
await encode.release();
if (known !== undefined && asked !== undefined) {
  const index = await vectorIndex(known, { neighbours: 3 });
  const { indices } = await index.search(asked);
  console.log(Array.from(indices.subarray(0, 3), (row) => model.dataset.names?.document?.[row]));
  await index.release();
}
console.log(await model.export("models")); // encode.onnx
