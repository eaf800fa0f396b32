/**
 * Log-densities by the change of variables along the probability flow (Song et al. 2021, eq. 39). Over λ = log(α/σ),
 * u = x/α has the slope x̂₀ − u, so
 *
 *   d log p(u)/dλ = −∇ᵤ·(x̂₀ − u) = D − α·∇ₓ·x̂₀
 *
 * and from the data at the least noise to u ~ N(0, (σ̂² + σ_d²)I) at the most:
 *
 *   log p(x₀) = log N(u; 0, (σ̂² + σ_d²)I) − ∫ (D − α·∇ₓ·x̂₀) dλ
 */
import { dormandPrince, integrateAsync, type VectorSpace } from "../../ode/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { levelAt, levelOf, type NoiseLevel, relativeNoise } from "./grid.ts";
import type { NoiseProcess } from "./process.ts";
import { scaledSquares, tensorSpace } from "./tensor-space.ts";

/** x̂₀ [B, …], and its divergence by x [B] or an unbiased estimate of it. */
export type DivergentDenoiser = (
  x: Tensor,
  level: NoiseLevel,
) => PromiseLike<{ readonly denoised: Tensor; readonly divergence: Tensor }>;

export interface LikelihoodOptions {
  readonly process: NoiseProcess;
  readonly interval?: readonly [least: number, most: number];
  /** Relative error of a step; 1e-4 by default. */
  readonly tolerance?: number;
  /** Standard deviation of the data, which is in u even at the most noise; 0 by default. */
  readonly sigmaData?: number;
}

export interface LikelihoodResult {
  /** log p [B], in nats a row. */
  readonly logDensity: Float64Array;
  /** x at the most noise. */
  readonly latent: Tensor;
  readonly evaluations: number;
}

/** u, and what log p has grown by. */
interface Flowing {
  readonly u: Tensor;
  readonly logDensity: Tensor;
}

const flowing: VectorSpace<Flowing> = {
  combine: (coefficients, states) => ({
    u: tensorSpace.combine(
      coefficients,
      states.map(({ u }) => u),
    ) as Tensor,
    logDensity: tensorSpace.combine(
      coefficients,
      states.map(({ logDensity }) => logDensity),
    ) as Tensor,
  }),
  // Both count alike, however many numbers a row has. The log-density has no scale of its own: its floor is 1 nat.
  scaledNorm: (error, from, to, tolerance) => {
    const ofRows = scaledSquares(error.u.data, from.u.data, to.u.data, tolerance);
    const growth = error.logDensity.data as Float64Array;
    const sum = growth.reduce((total, e) => total + (e / tolerance.relative) ** 2, 0);
    return Math.sqrt(Math.max(ofRows / error.u.data.length, sum / growth.length));
  },
};

/**
 * Log-densities of rows [B, …] under the model, by a Runge-Kutta method with steps by tolerance. Exact but for the
 * tolerance where the divergence is; unbiased in log p where that is.
 */
export async function logLikelihood(
  denoise: DivergentDenoiser,
  data: Tensor,
  { process, interval = process.interval, tolerance = 1e-4, sigmaData = 0 }: LikelihoodOptions,
): Promise<LikelihoodResult> {
  const [least, most] = interval.map((t) => levelAt(process, t)) as [NoiseLevel, NoiseLevel];
  const [rows = 1] = data.shape;
  const size = data.data.length / rows;
  const { combine } = tensorSpace;
  let evaluations = 0;
  const slope = async (halfLogSnr: number, { u }: Flowing): Promise<Flowing> => {
    const level = levelOf(process, Math.exp(-halfLogSnr));
    evaluations++;
    const x = await combine([level.alpha], [u]);
    const { denoised, divergence } = await denoise(x, level);
    const growth = Float64Array.from(
      { length: rows },
      (_, row) => size - level.alpha * Number(divergence.data[row]),
    );
    return {
      u: await combine([1, -1], [denoised, u]),
      logDensity: { dtype: "float64", shape: [rows], data: growth },
    };
  };
  const path = await integrateAsync(
    {
      f: slope,
      interval: [least.halfLogSnr, most.halfLogSnr],
      y0: {
        u: data,
        logDensity: { dtype: "float64", shape: [rows], data: new Float64Array(rows) },
      },
    },
    flowing,
    {
      method: dormandPrince,
      tolerance: { relative: tolerance, absolute: tolerance },
      dense: false,
    },
  );
  const { u, logDensity } = path.states.at(-1)!;
  const variance = relativeNoise(most) ** 2 + sigmaData ** 2;
  const result = Float64Array.from({ length: rows }, (_, row) => {
    let squares = 0;
    for (let i = 0; i < size; i++) squares += Number(u.data[row * size + i]) ** 2;
    const prior = -(squares / variance + size * Math.log(2 * Math.PI * variance)) / 2;
    return prior - Number(logDensity.data[row]);
  });
  return { logDensity: result, latent: await combine([most.alpha], [u]), evaluations };
}
