import { exp, log, maximum } from "../ops/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { defineDivergence, type FDivergence } from "./divergence.ts";
import { divergences } from "./table.ts";

/** xⁿ for x ≥ 0 and any real n. */
const real = (x: Value, n: number): Value => (n === 1 ? x : exp(log(x).mul(n)));

/**
 * The α-divergence (∫ pᵅ q¹⁻ᵅ − 1)/(α(α − 1)), with f(u) = (uᵅ − αu − (1 − α))/(α(α − 1)): Cressie, Read 1984,
 * Amari 1985 (whose own α is 2α − 1). KL at α = 1, reverse KL at 0, 4 times the squared Hellinger
 * distance in its form with ½ at ½, half of Pearson's χ² at 2 and of Neyman's at −1.
 *
 * For 0 < α < 1 it is at most 1/(α(1 − α)). It penalises Q for missing what P has the more, the larger α is
 * (Minka, "Divergence measures and message passing", 2005).
 */
export function alphaDivergence(alpha: number): FDivergence {
  if (!Number.isFinite(alpha)) {
    throw new ReparamError(`alphaDivergence: alpha must be a finite number, got ${alpha}.`);
  }
  if (alpha === 1) return divergences.kl;
  if (alpha === 0) return divergences["reverse-kl"];
  const scale = 1 / (alpha * (alpha - 1));
  const rest = alpha - 1;
  const shared = {
    name: `alpha(${alpha})`,
    definition: `(∫ p^${alpha} q^${1 - alpha} − 1)/(${alpha}·${rest})`,
    normalisation: "Cressie and Read's; Amari's α is 2α − 1 of this one",
    atZero: alpha > 0 ? 1 / alpha : Infinity,
    slopeAtInfinity: alpha < 1 ? -1 / rest : Infinity,
    generator: (u: Value) =>
      real(u, alpha)
        .sub(u.mul(alpha))
        .sub(1 - alpha)
        .mul(scale),
    // f'(u) = (uᵅ⁻¹ − 1)/(α − 1), so u = s^(1/(α−1)) with s = 1 + (α − 1)t; at s < 0 and α > 1 it is 0.
    conjugate: (t: Value) => {
      const s = t.mul(rest).add(1);
      return real(alpha > 1 ? maximum(s, 0) : s, alpha / rest)
        .sub(1)
        .div(alpha);
    },
    optimalCritic: (l: Value) => exp(l.mul(rest)).sub(1).div(rest),
    power: { alpha, factor: 1 },
  };
  if (alpha > 1) {
    return defineDivergence({
      ...shared,
      conjugateDomain: { low: -Infinity, high: Infinity, closed: false },
      activation: (v) => v,
      penalty: shared.conjugate,
      optimalOutput: shared.optimalCritic,
    });
  }
  return defineDivergence({
    ...shared,
    conjugateDomain: { low: -Infinity, high: -1 / rest, closed: alpha < 0 },
    activation: (v) => exp(v.mul(rest)).sub(1).div(rest),
    penalty: (v) => exp(v.mul(alpha)).sub(1).div(alpha),
    optimalOutput: (l) => l,
  });
}
