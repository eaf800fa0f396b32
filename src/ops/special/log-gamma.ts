import { isFloat, ReparamError, ShapeError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { less, log1p, power, where } from "../binary.ts";
import { clip, log, reciprocal } from "../elementwise.ts";
import { expandDims, sumTo } from "../movement.ts";
import { sum } from "../reduce.ts";
import { customGradient } from "../stop-gradient.ts";
import { countLike, polynomial } from "./polynomial.ts";

// All by the asymptotic series in 1/z and the recurrence Γ(x + 1) = x·Γ(x), which moves x to where the
// series is exact to the last digit: NIST Digital Library of Mathematical Functions, 5.11.1, 5.15.8, 5.5.1.

const halfLog2Pi = 0.5 * Math.log(2 * Math.PI);

/** The Bernoulli numbers B₂, B₄, …, B₁₆. */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510];

/** How far x is moved, and how many terms of the series follow. */
const precision = (x: Value): { readonly shift: number; readonly terms: number } =>
  x.dtype === "float64" ? { shift: 8, terms: 8 } : { shift: 4, terms: 4 };

/** What is left of log Γ(z) after (z − ½) log z − z + ½ log 2π, for z ≥ 8 (float32: 4). */
export function stirlingCorrection(z: Value): Value {
  const { terms } = precision(z);
  const coefficients = bernoulli.slice(0, terms).map((b, i) => b / ((2 * i + 2) * (2 * i + 1)));
  const r = reciprocal(z);
  return r.mul(polynomial(r.square(), coefficients));
}

/** x(x + 1) … (x + shift − 1), whose factors pair up to x(x + shift − 1) + a constant. */
function risingProduct(x: Value, shift: number): Value {
  const first = x.mul(x.add(shift - 1));
  let product = first;
  for (let k = 1; k < shift / 2; k++) product = product.mul(first.add(k * (shift - 1 - k)));
  return product;
}

const checkFloat = (op: string, x: Value): void => {
  if (isFloat(x.dtype)) return;
  throw new ShapeError(op, `wants floating-point numbers, got ${x}. Use cast(x, "float32").`);
};

/** log Γ(x) for x > 0; its derivative is `digamma`. */
export function logGamma(x: Value): Value {
  checkFloat("logGamma", x);
  const { shift } = precision(x);
  const isSmall = less(x, shift);
  const z = where(isSmall, x.add(shift), x);
  const moved = log(risingProduct(clip(x, Number.NEGATIVE_INFINITY, shift), shift));
  const stirling = z.sub(0.5).mul(log(z)).sub(z).add(halfLog2Pi).add(stirlingCorrection(z));
  const y = stirling.sub(where(isSmall, moved, 0));
  return customGradient(y, [x], (dy) => [dy.mul(digamma(x))]);
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/** The series of ψ⁽ᵐ⁾(z) for large z, up to the sign (−1)ᵐ⁺¹ where m > 0. */
function polygammaSeries(m: number, z: Value): Value {
  const { terms } = precision(z);
  const r = reciprocal(z);
  const weights = bernoulli
    .slice(0, terms)
    .map((b, i) => (b * factorial(2 * i + 1 + m)) / factorial(2 * i + 2));
  const rest = r.mul(polynomial(r.square(), weights)).add(factorial(m) / 2);
  if (m === 0) return log(z).sub(r.mul(rest));
  return power(r, m).mul(r.mul(rest).add(factorial(m - 1)));
}

/**
 * The m-th derivative of digamma for x > 0, m = 0, 1, …; that of polygamma(m, x) is polygamma(m + 1, x).
 * @throws ReparamError unless m is a whole number from 0 to 16.
 */
export function polygamma(m: number, x: Value): Value {
  if (!Number.isInteger(m) || m < 0 || m > 16) {
    throw new ReparamError(`polygamma: the order must be a whole number 0 … 16, got ${m}.`);
  }
  checkFloat("polygamma", x);
  const shift = precision(x).shift + 2 + m;
  const series = polygammaSeries(m, x.add(shift));
  const inverse = reciprocal(expandDims(x, -1).add(countLike(x, shift))); // (..., shift)
  const moved = sum(power(inverse, m + 1), -1).mul(factorial(m));
  const signed = m % 2 === 1 ? series.add(moved) : series.add(moved).neg();
  const y = m === 0 ? series.sub(moved) : signed;
  return customGradient(y, [x], (dy) => [dy.mul(polygamma(m + 1, x))]);
}

/** ψ(x) = d log Γ(x)/dx for x > 0. */
export const digamma = (x: Value): Value => polygamma(0, x);

/** ψ′(x) for x > 0. */
export const trigamma = (x: Value): Value => polygamma(1, x);

/**
 * a·log x − x − log Γ(a) for a > 0 and x > 0: the logarithm of x times a gamma density. Large a and x
 * cancel in it; there it is −a·(μ − log(1 + μ)) with μ = x/a − 1, and what Stirling's series adds.
 */
export function logGammaKernel(a: Value, x: Value): Value {
  const isSmall = less(a, precision(a).shift);
  const large = where(isSmall, precision(a).shift, a);
  const mu = x.sub(large).div(large);
  const near = log1p(mu).sub(mu).mul(large).sub(stirlingCorrection(large));
  const stirling = near.add(log(large).mul(0.5).sub(halfLog2Pi));
  const direct = a.mul(log(x)).sub(x).sub(logGamma(a));
  return customGradient(where(isSmall, direct, stirling), [a, x], (dy) => [
    sumTo(dy.mul(log(x).sub(digamma(a))), a.shape),
    sumTo(dy.mul(a.div(x).sub(1)), x.shape),
  ]);
}
