import {
  abs,
  and,
  argMax,
  broadcastTo,
  cast,
  clip,
  constant,
  cumulativeSum,
  exp,
  expandDims,
  floor,
  greaterOrEqual,
  less,
  lessOrEqual,
  log,
  logGammaKernel,
  sqrt,
  squeeze,
  stopGradient,
  sum,
  takeAlongAxis,
  where,
} from "../ops/index.ts";
import { type Shape, tensorOf } from "../tensor/index.ts";
import { type Key, uniform, type Value } from "../trace/index.ts";

/** Below this rate the cdf is inverted by counting its steps, of which 48 are all but 10⁻¹⁴. */
const smallRate = 12;
const steps = 48;

/** Above it more than 3 proposals in 4 are accepted, none of these in 10⁻¹⁰ of draws. */
const proposals = 16;

const logMass = (count: Value, rate: Value): Value =>
  logGammaKernel(count.add(1), rate).sub(log(rate));

/** How many steps of the cdf lie below a uniform number. */
function byInversion(key: Key, shape: Shape, rate: Value): Value {
  const counts = Array.from({ length: steps }, (_, k) => k);
  const logFactorials = counts.map((k) =>
    counts.slice(1, k + 1).reduce((s, j) => s + Math.log(j), 0),
  );
  const row = (numbers: readonly number[]): Value =>
    constant(tensorOf(numbers, [steps], rate.dtype));
  const r = expandDims(rate, -1);
  const logMasses = log(r).mul(row(counts)).sub(r).sub(row(logFactorials)); // (..., steps)
  const u = expandDims(uniform(key, shape, rate.dtype), -1);
  return sum(cast(less(cumulativeSum(exp(logMasses)), u), rate.dtype), -1);
}

/**
 * Hörmann, "The transformed rejection method for generating Poisson random variables" (1993), algorithm
 * PTRS, without its squeezes; the graph takes the first proposal that is accepted.
 */
function byRejection(key: Key, shape: Shape, rate: Value): Value {
  const tries = [proposals, ...shape];
  const b = sqrt(rate).mul(2.53).add(0.931);
  const a = b.mul(0.02483).sub(0.059);
  const inverse = b.sub(3.4); // 1/α = 1.1239 + 1.1328/(b − 3.4)
  const logInverseAlpha = log(inverse.mul(1.1239).add(1.1328).div(inverse));
  const u = uniform(key.at("proposal"), tries, rate.dtype).sub(0.5);
  const v = uniform(key.at("accept"), tries, rate.dtype);
  const room = abs(u).neg().add(0.5);
  const count = floor(a.mul(2).div(room).add(b).mul(u).add(rate).add(0.43));
  const isCount = greaterOrEqual(count, 0);
  const hat = log(a.div(room.square()).add(b));
  const bound = logMass(where(isCount, count, 0), rate);
  const accepted = and(isCount, lessOrEqual(log(v).add(logInverseAlpha).sub(hat), bound));
  const first = argMax(cast(accepted, rate.dtype), 0, { keepDims: true });
  return squeeze(takeAlongAxis(count, first, 0), 0);
}

/** Draws of Poisson variables, [...shape]; the rate broadcasts to it. No gradient flows through them. */
export function poissonVariate(key: Key, shape: Shape, rate: Value): Value {
  const r = stopGradient(rate);
  const few = byInversion(key.at("inversion"), shape, clip(r, 0, smallRate));
  const many = byRejection(
    key.at("rejection"),
    shape,
    clip(r, smallRate, Number.POSITIVE_INFINITY),
  );
  return where(less(broadcastTo(r, shape), smallRate), few, many);
}
