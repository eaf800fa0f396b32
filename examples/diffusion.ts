// Two moons by a diffusion model: training, sampling by a solver of choice, latents, likelihood.
// npx tsx examples/diffusion.ts
import { train } from "reparam";

const diffusion = await train("diffusion", {
  data: "two-moons",
  steps: 3000,
  batchSize: 256,
  options: { width: 64 },
  onProgress: ({ step, metrics }) => step % 500 === 0 && console.log(step, metrics.loss),
});

const options = { sampler: "dpm-solver++3m", steps: 20 };
const { x } = await diffusion.call<"x">("sample", {}, { count: 2000, seed: 1, options });
console.log("first samples:", x.data.slice(0, 6));

// A sampler without noise goes backwards too: the latents that it makes these samples of.
const heun = { sampler: "heun", steps: 40 };
const { latent } = await diffusion.call<"latent">("encode", { x }, { options: heun });
const decoded = await diffusion.call<"x">("decode", { latent }, { options: heun });
const [there, back] = [x.data as Float32Array, decoded.x.data as Float32Array];
const gaps = there.map((value, i) => Math.abs(value - (back[i] as number)));
console.log("samples from their latents differ by at most", Math.max(...gaps));

const { negativeLogLikelihood } = await diffusion.call<"negativeLogLikelihood">("likelihood", {
  x,
});
const nats = negativeLogLikelihood.data as Float64Array;
console.log("nats of a sample:", nats.reduce((sum, value) => sum + value, 0) / nats.length);
