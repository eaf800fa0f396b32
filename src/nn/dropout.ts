import { cast } from "../ops/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { mask, type Value } from "../trace/index.ts";
import type { Scope } from "./scope.ts";

/**
 * Sets each element to 0 with probability `rate` and divides the rest by 1 − rate, so that the mean stays
 * (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014). The same values outside of training.
 * Draws once from the scope's key: give each use a scope of its own, `scope.at("name")`.
 */
export function dropout(x: Value, rate: number, scope: Scope): Value {
  if (!(rate >= 0 && rate < 1)) {
    throw new ReparamError(`dropout: rate must be at least 0 and below 1, got ${rate}.`);
  }
  if (!scope.train || rate === 0) return x;
  const kept = cast(mask(scope.key, x.shape, 1 - rate), x.dtype);
  return x.mul(kept.mul(1 / (1 - rate)));
}
