// Two moons by a diffusion model: training, and sampling with Euler steps along dx/dσ = (x − x̂₀(x, σ))/σ.
// npx tsx examples/diffusion.ts
import { train } from "reparam";

const diffusion = await train("diffusion", {
  data: "two-moons",
  steps: 3000,
  batchSize: 256,
  options: { width: 64 },
  onProgress: ({ step, metrics }) => step % 500 === 0 && console.log(step, metrics.loss),
});

const [count, steps] = [2000, 40];
// Noise levels of Karras et al. 2022, equation 5.
const sigmas = Array.from({ length: steps }, (_, i) => {
  const [most, least] = [80 ** (1 / 7), 0.002 ** (1 / 7)];
  return (most + (i / (steps - 1)) * (least - most)) ** 7;
});
const x = new Float32Array(2 * count);
for (let i = 0; i < x.length; i++) {
  // Box and Muller's normal numbers.
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  x[i] = 80 * radius * Math.cos(2 * Math.PI * Math.random());
}
for (const [i, sigma] of sigmas.entries()) {
  const next = sigmas[i + 1] ?? 0;
  const { denoised } = await diffusion.call<"denoised">("denoise", {
    noisy: { dtype: "float32", shape: [count, 2], data: x.slice() },
    time: { dtype: "float32", shape: [count], data: new Float32Array(count).fill(sigma) },
  });
  for (let k = 0; k < x.length; k++) {
    const target = denoised.data[k] as number;
    x[k] = target + (next / sigma) * ((x[k] as number) - target);
  }
}
console.log(
  "first samples:",
  Array.from({ length: 5 }, (_, i) => [x[2 * i], x[2 * i + 1]]),
);
