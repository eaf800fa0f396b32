import {
  and,
  argMax,
  broadcastTo,
  cast,
  customGradient,
  gammaVariateSlope,
  greater,
  less,
  log,
  sqrt,
  squeeze,
  stopGradient,
  takeAlongAxis,
  where,
} from "../ops/index.ts";
import type { Shape } from "../tensor/index.ts";
import { type Key, normal, uniform, type Value } from "../trace/index.ts";

/** One proposal in 20 is rejected at worst, all of these in 2·10⁻¹¹ draws. */
const proposals = 8;

/**
 * Logarithms of gamma variates of rate 1, which neither vanish nor overflow at shapes near 0. Differentiable
 * towards the concentration by implicit reparameterization (`gammaVariateSlope`).
 *
 * Marsaglia, Tsang, "A simple method for generating gamma variables" (2000): d·v with d = a − ⅓ and
 * v = (1 + n/√(9d))³ of a normal n, accepted where log u < ½n² + d(1 − v + log v); a variate of a + 1 times
 * u^(1/a) is one of a. The graph holds a fixed number of proposals and takes the first that is accepted,
 * or the first of all where none is.
 */
export function logGammaVariate(key: Key, shape: Shape, concentration: Value): Value {
  const a = broadcastTo(concentration, shape);
  const { dtype } = a;
  const isBelow1 = less(a, 1);
  const d = where(isBelow1, a.add(1), a).sub(1 / 3);
  const tries = [proposals, ...shape];
  const n = normal(key.at("normal"), tries, dtype);
  const root = n.div(sqrt(d.mul(9))).add(1);
  const isPositive = greater(root, 0);
  const safe = where(isPositive, root, 1);
  const logV = log(safe).mul(3);
  const bound = n
    .square()
    .mul(0.5)
    .add(d.mul(logV.add(1).sub(safe.square().mul(safe))));
  const logU = log(uniform(key.at("uniform"), tries, dtype));
  const accepted = cast(and(isPositive, less(logU, bound)), dtype);
  const first = argMax(accepted, 0, { keepDims: true });
  const drawn = squeeze(takeAlongAxis(logV, first, 0), 0).add(log(d));
  const boost = log(uniform(key.at("boost"), shape, dtype)).div(a);
  const value = stopGradient(drawn.add(where(isBelow1, boost, 0)));
  const y: Value = customGradient(value, [a], (dy) => [dy.mul(gammaVariateSlope(a, y))]);
  return y;
}
