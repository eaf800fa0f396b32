/**
 * Steps that keep x̂₀ and ε of one evaluation: x' = α'·x̂₀ + direction·ε + fresh·z. Whatever the process, this is
 * Euler's step in σ̂ = σ/α of x/α (Song, Meng, Ermon 2021, eq. 13, 14), and for rectified flows, whose paths are
 * straight, Euler's step in t.
 */
import { type NoiseLevel, relativeNoise } from "./grid.ts";
import type { PlanWriter, Register } from "./plan.ts";

/** How much of the noise at the end of a step is fresh, given σ̂ at both ends; σ̂ of what the old noise leads to. */
export interface NoiseSplit {
  readonly fresh: number;
  readonly direction: number;
}

/**
 * σ_η of Song, Meng, Ermon 2021, eq. 16: η = 0 adds no noise, η = 1 has the variance of the posterior q(x'|x, x₀)
 * (Ho, Jain, Abbeel 2020, eq. 7).
 */
export function ddimSplit(from: number, to: number, eta: number): NoiseSplit {
  // Without noise it goes backwards too, where to is above from.
  const fresh = eta === 0 ? 0 : Math.min(to, eta * to * Math.sqrt(1 - (to / from) ** 2));
  return { fresh, direction: Math.sqrt(to * to - fresh * fresh) };
}

/**
 * Of the same mean as the posterior's, with the variance of q(x|x'), the larger choice of Ho, Jain, Abbeel 2020,
 * section 3.2.
 */
export const forwardSplit = (from: number, to: number): NoiseSplit => ({
  fresh: to === 0 ? 0 : Math.sqrt(from * from - to * to),
  direction: ddimSplit(from, to, 1).direction,
});

/** The step; noises are given as σ̂. */
export function ancestral(
  plan: PlanWriter,
  x: Register,
  denoised: Register,
  [from, to]: readonly [NoiseLevel, NoiseLevel],
  split: NoiseSplit,
): Register {
  // ε = (x − α·x̂₀)/σ
  const direction = (to.alpha * split.direction) / from.sigma;
  const kept = to.alpha - direction * from.alpha;
  const fresh = to.alpha * split.fresh;
  return fresh === 0
    ? plan.combine([x, direction], [denoised, kept])
    : plan.combine([x, direction], [denoised, kept], [plan.noise(), fresh]);
}

/** More noise: x at the level `to` from x at the less noisy `from`, whose noise stays in it. */
export function renoised(
  plan: PlanWriter,
  x: Register,
  [from, to]: readonly [NoiseLevel, NoiseLevel],
  scale = 1,
): Register {
  const fresh = Math.sqrt(relativeNoise(to) ** 2 - relativeNoise(from) ** 2);
  return plan.combine([x, to.alpha / from.alpha], [plan.noise(), to.alpha * fresh * scale]);
}
