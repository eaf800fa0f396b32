import { log } from "../ops/index.ts";
import type { DType, Shape } from "../tensor/index.ts";
import { type Key, uniform, type Value } from "../trace/index.ts";

/**
 * Standard Gumbel noise −log(−log u). The uniform numbers lie strictly between 0 and 1 by 2⁻²⁴, so
 * every draw is finite: from −2.8 to 16.6.
 */
export const gumbel = (key: Key, shape: Shape, dtype: DType): Value =>
  log(log(uniform(key, shape, dtype)).neg()).neg();

/** Standard logistic noise log u − log(1 − u), the difference of two Gumbel draws. */
export function logistic(key: Key, shape: Shape, dtype: DType): Value {
  const u = uniform(key, shape, dtype);
  return log(u).sub(log(u.neg().add(1)));
}
