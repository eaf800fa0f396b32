// Stability of ẋ = A(t)x with periodic A: Floquet, Ann. Sci. École Norm. Sup. 12 (1883).
import { type Complex, eigenvalues, flatten, type MatrixLike } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { generalSolution } from "./general-solution.ts";
import type { KnownSolution } from "./linear-system.ts";

/** A linear system whose A(t + period) = A(t). */
export interface PeriodicSystem {
  readonly A: (t: number) => MatrixLike;
  readonly period: number;
  /** Where the period begins; 0 by default. */
  readonly start?: number;
  /** Solutions that are known, over one period. */
  readonly known?: readonly KnownSolution[];
  /** 1e-10 by default. */
  readonly tolerance?: number;
}

export interface Floquet {
  /** Φ(start + period, start) */
  readonly monodromy: number[][];
  /** Its eigenvalues, largest magnitude first: solutions grow by these over a period. */
  readonly multipliers: readonly Complex[];
  /** log(multiplier)/period, imaginary parts within ±π/period. */
  readonly exponents: readonly Complex[];
  /** Largest real part of an exponent: below 0, every solution decays. */
  readonly growthRate: number;
}

/** Multipliers and exponents of a periodic system. Throws where A is not periodic. */
export function floquet({
  A,
  period,
  start = 0,
  known,
  tolerance = 1e-10,
}: PeriodicSystem): Floquet {
  if (!(period > 0 && Number.isFinite(period))) {
    throw new ReparamError(`floquet: period must be positive and finite, got ${period}.`);
  }
  const general = generalSolution({
    A,
    interval: [start, start + period],
    tolerance,
    ...(known === undefined ? {} : { known }),
  });
  const n = general.size;
  for (const share of [0, 0.137, 0.618]) {
    const t = start + share * period;
    const [here, later] = [A(t), A(t + period)].map((value) =>
      flatten(value, n, n, "floquet: A(t)"),
    );
    const size = here!.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
    const gap = here!.reduce((worst, x, i) => Math.max(worst, Math.abs(x - later![i]!)), 0);
    if (gap > 1e-8 * size) {
      throw new ReparamError(
        `floquet: A(${t}) and A(${t + period}) differ by ${gap.toExponential(1)}, so ${period} is not a period of A.`,
      );
    }
  }
  const monodromy = general.propagator(start + period);
  const multipliers = eigenvalues(flatten(monodromy, n, n), n);
  const exponents = multipliers.map(
    ({ re, im }): Complex => ({
      re: Math.log(Math.hypot(re, im)) / period,
      im: Math.atan2(im, re) / period,
    }),
  );
  return { monodromy, multipliers, exponents, growthRate: exponents[0]!.re };
}
