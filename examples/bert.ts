// A transformer that finds masked tokens: train, measure, fill a gap.
// npx tsx examples/bert.ts
import { tensorOf, train } from "reparam";

const model = await train("bert", {
  data: "state-of-the-union",
  load: { context: 64 },
  options: { pairs: "sentence-order" },
  steps: 2000,
});
console.log((await model.evaluate("test")).metrics); // of masked tokens, and of pairs

const { tokenizer } = model.dataset;
if (tokenizer !== undefined) {
  const ids = tokenizer.encode("[CLS]fellow citi[MASK]ens[SEP]");
  const token = tensorOf(ids, [1, ids.length], "int32");
  const { logits } = await model.call<"logits">("fill", { token });
  const place = ids.indexOf(tokenizer.special.mask);
  const row = (logits.data as Float32Array).subarray(
    place * tokenizer.vocabulary,
    (place + 1) * tokenizer.vocabulary,
  );
  console.log(tokenizer.decode([row.indexOf(Math.max(...row))]));
}
console.log(await model.export("models")); // fill.onnx, encode.onnx
