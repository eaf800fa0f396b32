import type { Value } from "../../trace/index.ts";
import { expm1, greater, log1p, where } from "../binary.ts";
import { broadcastShapes } from "../broadcast.ts";
import { cast, clip, exp, log } from "../elementwise.ts";
import { broadcastTo, expandDims } from "../movement.ts";
import { sum } from "../reduce.ts";
import { customGradient, stopGradient } from "../stop-gradient.ts";
import { digamma, logGammaKernel } from "./log-gamma.ts";
import { smallestNormal } from "./polynomial.ts";
import { decayLength, halfLineRule } from "./quadrature.ts";

// Both functions are D·I with D = xᵃe⁻ˣ/Γ(a) (NIST Digital Library of Mathematical Functions, 8.2):
//   P(a, x) = D·∫₀^∞ exp(−a·s + x(1 − e⁻ˢ)) ds,        t = x·e⁻ˢ in the integral of tᵃ⁻¹e⁻ᵗ,
//   Q(a, x) = D·∫₀^∞ exp((a − 1)·log(1 + w) − x·w) dw,  t = x·(1 + w).
// The smaller of the two is integrated. Its integrand begins at 1 and falls smoothly, so that a fixed rule
// gives it to about 1e-12 (float32: 1e-6) for every a and x, and derivatives towards a under the integral.

interface Tail {
  /** Whether Q is integrated, and not P. */
  readonly isUpper: Value;
  readonly integral: Value;
  /** Its derivative towards a. */
  readonly slope: Value;
}

function tailOf(a: Value, x: Value): Tail {
  const isUpper = greater(x, a.add(1));
  const above = cast(isUpper, a.dtype);
  const { points, weights } = halfLineRule(a);
  const gap = x.sub(a);
  const upperLength = decayLength(gap.add(1), a, a.mul(0));
  const lowerLength = decayLength(gap.neg(), x, a.mul(0).add(1));
  const length = stopGradient(expandDims(where(isUpper, upperLength, lowerLength), -1));
  const s = length.mul(points); // (..., points)
  const wide = expandDims(isUpper, -1);
  const logRatio = where(wide, log1p(s), s.neg()); // log t/x
  const excess = where(wide, s, expm1(s.neg())); // t/x − 1
  const exponent = expandDims(a.sub(above), -1).mul(logRatio).sub(expandDims(x, -1).mul(excess));
  const mass = exp(exponent).mul(weights.mul(length));
  return { isUpper, integral: sum(mass, -1), slope: sum(mass.mul(logRatio), -1) };
}

/** ∂/∂a of log(D·I) times I: I·(log x − ψ(a)) + ∂I/∂a. */
const shapeSlope = (a: Value, logX: Value, { integral, slope }: Tail): Value =>
  integral.mul(logX.sub(digamma(a))).add(slope);

function incompleteGamma(op: string, first: Value, second: Value, wantUpper: boolean): Value {
  const shape = broadcastShapes(op, first.shape, second.shape);
  const a = broadcastTo(first, shape);
  const x = clip(broadcastTo(second, shape), smallestNormal(second), Number.POSITIVE_INFINITY);
  const tail = tailOf(a, x);
  const kernel = logGammaKernel(a, x);
  const found = exp(kernel).mul(tail.integral);
  const other = found.neg().add(1);
  const [yes, no] = wantUpper ? [found, other] : [other, found];
  return customGradient(where(tail.isUpper, yes, no), [a, x], (dy) => {
    const signed = wantUpper ? dy.neg() : dy;
    const da = exp(kernel).mul(shapeSlope(a, log(x), tail));
    return [signed.mul(where(tail.isUpper, da.neg(), da)), signed.mul(exp(kernel.sub(log(x))))];
  });
}

/**
 * The regularized lower incomplete gamma function P(a, x) = ∫₀ˣ tᵃ⁻¹e⁻ᵗ dt/Γ(a) for a > 0, x ≥ 0: the
 * distribution function of a gamma variable of shape a. Differentiable towards both; shapes broadcast.
 */
export const lowerIncompleteGamma = (a: Value, x: Value): Value =>
  incompleteGamma("lowerIncompleteGamma", a, x, false);

/** Q(a, x) = 1 − P(a, x), to full relative precision in its own tail. */
export const upperIncompleteGamma = (a: Value, x: Value): Value =>
  incompleteGamma("upperIncompleteGamma", a, x, true);

/**
 * How log x moves with a where P(a, x) stays: d log x/da = −(∂P/∂a)/(x·∂P/∂x), given log x. This is the
 * implicit reparameterization of a gamma variable: Figurnov, Mohamed, Mnih, "Implicit Reparameterization
 * Gradients" (2018), equation 5. D cancels, so that it holds for any a and in every tail.
 */
export function gammaVariateSlope(a: Value, logX: Value): Value {
  const tail = tailOf(a, exp(logX));
  const slope = shapeSlope(a, logX, tail);
  return where(tail.isUpper, slope, slope.neg());
}
