import { tensorOf } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { constant } from "../constant.ts";

/** c₀ + c₁x + c₂x² + … by Horner's rule: two nodes a coefficient. */
export function polynomial(x: Value, coefficients: readonly number[]): Value {
  const [last, ...rest] = coefficients.toReversed() as [number, ...number[]];
  const [next, ...others] = rest;
  if (next === undefined) return x.mul(0).add(last);
  return others.reduce((sum, c) => sum.mul(x).add(c), x.mul(last).add(next));
}

/** Numbers in one axis, in the dtype of x. */
export const vectorLike = (x: Value, numbers: readonly number[]): Value =>
  constant(tensorOf(numbers, [numbers.length], x.dtype));

/** 0, 1, …, count − 1 in the dtype of x. */
export const countLike = (x: Value, count: number): Value =>
  vectorLike(
    x,
    Array.from({ length: count }, (_, k) => k),
  );

/** The smallest normal number of a floating-point dtype: where logarithms of 0 have to stay finite. */
export const smallestNormal = (x: Value): number =>
  x.dtype === "float64" ? 2 ** -1022 : 2 ** -126;
