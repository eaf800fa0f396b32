// A language model of characters: train, measure, write, ship.
// npx tsx examples/gpt.ts
import { train } from "reparam";
import { openGenerator } from "reparam/run";

const model = await train("gpt", {
  data: "state-of-the-union",
  load: { context: 128 },
  options: { positions: "rotary", norm: "rms", feedForward: "swiglu" },
  steps: 1000,
});
console.log((await model.evaluate("test")).metrics); // nats a token, bits a character

const { tokenizer } = model.dataset;
if (tokenizer !== undefined) {
  const generator = await openGenerator(model.method, model.weights, tokenizer);
  for await (const piece of generator.text("Fellow citizens", { tokens: 300, temperature: 0.8 })) {
    process.stdout.write(piece);
  }
  await generator.release();
}
console.log(await model.export("models")); // next.onnx: keys and values in and out
