import type { Value } from "../../trace/index.ts";
import { greater, where } from "../binary.ts";
import { abs, reciprocal, sqrt } from "../elementwise.ts";
import { vectorLike } from "./polynomial.ts";

/** Points s and weights w of a rule for ∫₀^∞ f(s) ds = Σ w·f(s), in the last axis. */
interface QuadratureRule {
  readonly points: Value;
  readonly weights: Value;
}

/**
 * The double exponential rule for functions that fall off like e⁻ˢ: the trapezoid rule after the change
 * s = exp(u − e⁻ᵘ). Takahasi, Mori, "Double exponential formulas for numerical integration" (1974). Its
 * points spread over scales from 1e-25 to 80, so that a rough guess of the scale of f is enough.
 */
export function halfLineRule(like: Value): QuadratureRule {
  const [step, from, to] = like.dtype === "float64" ? [0.085, -4, 4.4] : [0.16, -3.4, 3.9];
  const us = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step);
  const points = us.map((u) => Math.exp(u - Math.exp(-u)));
  const weights = us.map((u, i) => step * (points[i] as number) * (1 + Math.exp(-u)));
  return { points: vectorLike(like, points), weights: vectorLike(like, weights) };
}

/**
 * The length L > 0 of αL + cL²/(2 + κL) = 1: where an integrand e^{−αs − …} that begins at 1 with slope −α
 * and curvature c, and falls at rate α + c/κ in the end, has about vanished.
 */
export function decayLength(slope: Value, curvature: Value, kappa: Value): Value {
  const a = slope.mul(kappa).add(curvature);
  const b = slope.mul(2).sub(kappa);
  const sum = abs(b).add(sqrt(b.square().add(a.mul(8))));
  // The root without cancellation, for either sign of b.
  return where(greater(b, 0), reciprocal(sum).mul(4), sum.div(a.mul(2)));
}
