// Word vectors: train, and look up the nearest words.
// npx tsx examples/skip-gram.ts
import { train } from "reparam";
import { vectorIndex } from "reparam/metrics";
import type { Tensor } from "reparam/tensor";

const model = await train("skip-gram", {
  data: "state-of-the-union",
  load: { tokenizer: "words", vocabulary: 4000, context: 32 },
  steps: 1000,
});
console.log((await model.evaluate("test")).metrics); // nats a pair

const { tokenizer } = model.dataset;
if (tokenizer !== undefined) {
  const count = tokenizer.special.end; // words come first
  const words = Int32Array.from({ length: count }, (_, id) => id);
  const { latent } = await model.call<"latent">("encode", {
    tokens: { dtype: "int32", shape: [count, 1], data: words },
  });
  const size = latent.data.length / count;
  const vectors: Tensor = { dtype: "float32", shape: [count, size], data: latent.data as never };
  const index = await vectorIndex(vectors, { neighbours: 8 });
  const [war = 0] = tokenizer.encode("war");
  const asked = latent.data.subarray(war * size, (war + 1) * size);
  const { indices } = await index.search({
    dtype: "float32",
    shape: [1, size],
    data: asked as never,
  });
  console.log(Array.from(indices, (id) => tokenizer.decode([id])).join(", "));
  await index.release();
}
console.log(await model.export("models")); // encode.onnx
