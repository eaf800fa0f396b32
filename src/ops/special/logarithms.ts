import type { Value } from "../../trace/index.ts";
import { expm1, greater, log1p, maximum, where } from "../binary.ts";
import { abs, exp, log } from "../elementwise.ts";

/**
 * log(1 − eˣ) for x < 0, without loss at either end: Mächler, "Accurately computing log(1 − exp(−|a|))"
 * (2012), equation 7.
 */
export function logOneMinusExp(x: Value): Value {
  const isNear = greater(x, -Math.LN2);
  const near = log(expm1(where(isNear, x, -1)).neg());
  return where(isNear, near, log1p(exp(where(isNear, -1, x)).neg()));
}

/** log(eˣ − 1) for x > 0, the inverse of softplus. */
export const logExpm1 = (x: Value): Value => x.add(logOneMinusExp(x.neg()));

/** log(eᵃ + eᵇ) for finite numbers; shapes broadcast. */
export const logAddExp = (a: Value, b: Value): Value =>
  maximum(a, b).add(log1p(exp(abs(a.sub(b)).neg())));

/** log(eᵃ − eᵇ) for a > b. */
export const logSubExp = (a: Value, b: Value): Value => a.add(logOneMinusExp(b.sub(a)));
