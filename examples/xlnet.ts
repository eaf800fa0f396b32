// Permutation language modelling: train, measure, encode windows of text.
// npx tsx examples/xlnet.ts
import { train } from "reparam";

const model = await train("xlnet", {
  data: "state-of-the-union",
  load: { context: 64 },
  options: { predicted: 0.5 },
  steps: 1000,
});
console.log((await model.evaluate("test")).metrics); // from left to right, and in a random order

const { tokens } = model.dataset.test.columns;
if (tokens !== undefined) {
  const rows = { dtype: "int32", shape: [4, 65], data: tokens.data.slice(0, 4 * 65) } as const;
  const { latent } = await model.call<"latent">("encode", { tokens: rows });
  console.log(latent.shape); // [4, 128]
}
console.log(await model.export("models")); // next.onnx, encode.onnx
