// Sentences like x + x * x: a generator that learns from a discriminator through Gumbel-softmax.
// npx tsx examples/sequence-gan.ts
import { train } from "reparam";
import { arithmeticEntropy, isArithmetic } from "reparam/data";

const model = await train("sequence-gan", {
  data: "arithmetic",
  epochs: 10,
  onProgress: ({ step, metrics }) => step % 200 === 0 && console.log(step, metrics),
});
const symbols = model.dataset.names?.tokens ?? [];
const { tokens } = await model.call<"tokens">("sample", {}, { count: 1000 });
const [rows = 0, length = 0] = tokens.shape;
const sentences = Array.from({ length: rows }, (_, row) =>
  Array.from({ length }, (_, t) => symbols[Number(tokens.data[row * length + t])]).join(""),
);
console.log(sentences.slice(0, 10).join("\n"));
const valid = sentences.filter(isArithmetic).length;
console.log(`${valid} of ${rows} are sentences of the grammar`);
const { negativeLogLikelihood } = (await model.evaluate("test")).metrics;
console.log(
  `${negativeLogLikelihood?.toFixed(3)} nats; the data has ${arithmeticEntropy.toFixed(3)}`,
);
