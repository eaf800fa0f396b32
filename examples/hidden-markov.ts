// A hidden Markov model of sequences: fit, find the states, ship.
// npx tsx examples/hidden-markov.ts
import { train } from "reparam";

// The rows of an image follow each other: 28 times of 28 pixels.
const model = await train("hidden-markov", {
  data: "mnist",
  load: { limit: 2000 },
  options: { states: 8 },
  epochs: 20,
});
console.log((await model.evaluate("test")).metrics); // nats a sequence
console.log(model.weights); // initial, transition, means, covariances

const { image } = await model.call<"image">("sample", {}, { count: 16 });
console.log(image.shape);
console.log(await model.export("models")); // sample.onnx, encode.onnx
