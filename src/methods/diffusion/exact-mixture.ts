/**
 * A mixture of round Gaussians with everything about its diffusion in closed form, to measure samplers and networks by:
 *
 *   x₀ ~ Σ_k π_k N(μ_k, s_k² I)      x ~ Σ_k π_k N(αμ_k, v_k I),   v_k = α²s_k² + σ²
 *   x̂₀ = Σ_k r_k m_k,   m_k = μ_k + αs_k²/v_k·(x − αμ_k),   r_k the responsibilities of x
 *   ∇·x̂₀ = α/σ²·tr Cov(x₀|x) = α/σ²·Σ_k r_k (D·s_k²σ²/v_k + |m_k − x̂₀|²)       (Efron 2011, eq. 2.8)
 *
 * Efron, "Tweedie's formula and selection bias". Rows [B, D], in the dtype that they come in.
 */
import { allocate, ReparamError, type Tensor } from "../../tensor/index.ts";
import type { Level } from "./process.ts";

export interface GaussianMixture {
  readonly weights: readonly number[];
  readonly means: readonly (readonly number[])[];
  readonly stds: readonly number[];
}

/** What a level of noise makes of rows [B, D]. */
export interface MixtureAnswer {
  /** x̂₀ [B, D] */
  readonly denoised: Tensor;
  /** ∇·x̂₀ by x [B] */
  readonly divergence: Tensor;
  /** log p(x) at this level [B], in nats. */
  readonly logDensity: Tensor;
}

/** Asks a mixture about rows [B, D] at a level; at no noise the density is that of the data. */
export function askMixture(
  { weights, means, stds }: GaussianMixture,
  x: Tensor,
  { alpha, sigma }: Level<number>,
): MixtureAnswer {
  const [count = 0, size = 0] = x.shape;
  if (x.shape.length !== 2 || size !== means[0]?.length) {
    throw new ReparamError(
      `the mixture is of ${means[0]?.length} numbers a row, got [${x.shape}].`,
    );
  }
  const like = (shape: readonly number[]): Tensor => ({
    dtype: x.dtype,
    shape,
    data: allocate(
      x.dtype,
      shape.reduce((n, s) => n * s, 1),
    ),
  });
  const answer = { denoised: like(x.shape), divergence: like([count]), logDensity: like([count]) };
  const logs = new Float64Array(means.length);
  const posterior = means.map(() => new Float64Array(size));
  for (let row = 0; row < count; row++) {
    const at = (i: number): number => Number(x.data[row * size + i]);
    for (const [k, mean] of means.entries()) {
      const variance = (alpha * stds[k]!) ** 2 + sigma ** 2;
      const gain = (alpha * stds[k]! ** 2) / variance;
      let squares = 0;
      for (let i = 0; i < size; i++) {
        const offset = at(i) - alpha * mean[i]!;
        squares += offset * offset;
        posterior[k]![i] = mean[i]! + gain * offset;
      }
      logs[k] =
        Math.log(weights[k]!) - (squares / variance + size * Math.log(2 * Math.PI * variance)) / 2;
    }
    const top = Math.max(...logs);
    const total = logs.reduce((sum, log) => sum + Math.exp(log - top), 0);
    answer.logDensity.data[row] = top + Math.log(total);
    const responsibilities = logs.map((log) => Math.exp(log - top) / total);
    const centre = new Float64Array(size);
    for (const [k, r] of responsibilities.entries()) {
      for (let i = 0; i < size; i++) centre[i]! += r * posterior[k]![i]!;
    }
    let divergence = 0;
    for (const [k, r] of responsibilities.entries()) {
      const variance = (alpha * stds[k]!) ** 2 + sigma ** 2;
      let spread = 0;
      for (let i = 0; i < size; i++) spread += (posterior[k]![i]! - centre[i]!) ** 2;
      // The first term without its 1/σ², which cancels.
      divergence += r * ((size * stds[k]! ** 2 * alpha) / variance + (alpha * spread) / sigma ** 2);
    }
    answer.divergence.data[row] = divergence;
    for (let i = 0; i < size; i++) answer.denoised.data[row * size + i] = centre[i]!;
  }
  return answer;
}
