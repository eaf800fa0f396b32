// A language model that remembers the segments before: train, measure, ship.
// npx tsx examples/transformer-xl.ts
import { train } from "reparam";

for (const memory of [0, 64]) {
  const model = await train("transformer-xl", {
    data: "state-of-the-union",
    load: { context: 128 },
    options: { segments: 2, memory },
    steps: 1000,
  });
  console.log(memory, (await model.evaluate("test")).metrics); // nats a token, bits a character
  console.log(await model.export(`models/memory-${memory}`)); // next.onnx
}
