import type { Value } from "../../trace/index.ts";
import { softplus } from "../activations.ts";
import { expm1, greater, log1p, where } from "../binary.ts";
import { broadcastShapes } from "../broadcast.ts";
import { clip, exp, log, sigmoid } from "../elementwise.ts";
import { broadcastTo, expandDims } from "../movement.ts";
import { sum } from "../reduce.ts";
import { customGradient, stopGradient } from "../stop-gradient.ts";
import { logBeta } from "./log-beta.ts";
import { digamma } from "./log-gamma.ts";
import { smallestNormal } from "./polynomial.ts";
import { decayLength, halfLineRule } from "./quadrature.ts";

// I_x(a, b) = D·∫₀^∞ exp(−a·s − (a + b)·log(1 + x(e⁻ˢ − 1))) ds with D = xᵃ(1 − x)ᵇ/B(a, b): the integral
// of tᵃ⁻¹(1 − t)ᵇ⁻¹ along log-odds that lie s below those of x. Beyond the mean, 1 − I_x(a, b) =
// I_{1−x}(b, a) is integrated instead, so that the integrand falls from 1.

/** A point of (0, 1) by what is exact at both ends. */
interface Point {
  readonly x: Value;
  readonly complement: Value;
  readonly logX: Value;
  readonly logComplement: Value;
}

interface Tail {
  /** Whether 1 − I is integrated. */
  readonly isUpper: Value;
  readonly integral: Value;
  /** Its derivatives towards a and b. */
  readonly slopes: readonly [Value, Value];
}

function tailOf(a: Value, b: Value, { x, complement }: Point): Tail {
  const total = a.add(b);
  const isUpper = greater(x.mul(total.add(2)), a.add(1));
  const p = where(isUpper, b, a);
  const z = where(isUpper, complement, x);
  const rest = where(isUpper, x, complement);
  const { points, weights } = halfLineRule(a);
  const pull = total.mul(z);
  const length = stopGradient(expandDims(decayLength(p.sub(pull), pull.mul(rest), rest), -1));
  const s = length.mul(points); // (..., points)
  const fall = log1p(expandDims(z, -1).mul(expm1(s.neg()))); // log (1 − t)/(1 − z), for t below z
  const exponent = expandDims(p, -1).mul(s).add(expandDims(total, -1).mul(fall)).neg();
  const mass = exp(exponent).mul(weights.mul(length));
  const own = sum(mass.mul(s.add(fall)), -1).neg();
  const other = sum(mass.mul(fall), -1).neg();
  const slopes = [where(isUpper, other, own), where(isUpper, own, other)] as const;
  return { isUpper, integral: sum(mass, -1), slopes };
}

/** I·∂ log D/∂a + ∂I/∂a, and the same towards b. */
function shapeSlopes(a: Value, b: Value, at: Point, tail: Tail): readonly [Value, Value] {
  const common = digamma(a.add(b));
  const towards = (shape: Value, logarithm: Value, slope: Value): Value =>
    tail.integral.mul(logarithm.sub(digamma(shape)).add(common)).add(slope);
  return [towards(a, at.logX, tail.slopes[0]), towards(b, at.logComplement, tail.slopes[1])];
}

/**
 * The regularized incomplete beta function I_x(a, b) = ∫₀ˣ tᵃ⁻¹(1 − t)ᵇ⁻¹ dt/B(a, b) for a, b > 0 and
 * 0 ≤ x ≤ 1: the distribution function of a beta variable. Differentiable towards all three; shapes
 * broadcast. Its relative error grows like (a + b) times that of one number.
 */
export function incompleteBeta(first: Value, second: Value, third: Value): Value {
  const both = broadcastShapes("incompleteBeta", first.shape, second.shape);
  const shape = broadcastShapes("incompleteBeta", both, third.shape);
  const [a, b, given] = [first, second, third].map((v) => broadcastTo(v, shape)) as [
    Value,
    Value,
    Value,
  ];
  const tiny = smallestNormal(given);
  const x = clip(given, tiny, 1);
  const complement = clip(x.neg().add(1), tiny, 1);
  const at: Point = { x, complement, logX: log(x), logComplement: log(complement) };
  const tail = tailOf(a, b, at);
  const kernel = a.mul(at.logX).add(b.mul(at.logComplement)).sub(logBeta(a, b));
  const found = exp(kernel).mul(tail.integral);
  const y = where(tail.isUpper, found.neg().add(1), found);
  return customGradient(y, [a, b, given], (dy) => {
    const signed = where(tail.isUpper, dy.neg(), dy).mul(exp(kernel));
    const [da, db] = shapeSlopes(a, b, at, tail);
    const density = exp(kernel.sub(at.logX).sub(at.logComplement));
    return [signed.mul(da), signed.mul(db), dy.mul(density)];
  });
}

/**
 * How the log-odds of x move with a and with b where I_x(a, b) stays, given the log-odds: the implicit
 * reparameterization of a beta variable (Figurnov, Mohamed, Mnih, "Implicit Reparameterization Gradients",
 * 2018, equation 5), without the factor that cancels in it.
 */
export function betaVariateSlopes(a: Value, b: Value, logits: Value): readonly [Value, Value] {
  const at: Point = {
    x: sigmoid(logits),
    complement: sigmoid(logits.neg()),
    logX: softplus(logits.neg()).neg(),
    logComplement: softplus(logits).neg(),
  };
  const tail = tailOf(a, b, at);
  const [da, db] = shapeSlopes(a, b, at, tail);
  return [where(tail.isUpper, da, da.neg()), where(tail.isUpper, db, db.neg())];
}
