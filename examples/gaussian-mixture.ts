// A mixture of Gaussians: fit, measure, ask which component a row belongs to, ship.
// npx tsx examples/gaussian-mixture.ts
import { train } from "reparam";

const mixture = await train("gaussian-mixture", {
  data: "eight-gaussians",
  options: { components: 8, covariance: "spherical" },
});
console.log((await mixture.evaluate("test")).metrics); // nats a row
console.log(mixture.weights); // weights, means, covariances

const x = { dtype: "float32", shape: [1, 2], data: Float32Array.of(2, 0) } as const;
const { latent } = await mixture.call<"latent">("encode", { x });
console.log(latent.data); // p(component | x)
console.log(await mixture.export("models")); // sample.onnx, encode.onnx, decode.onnx
