// Words as they are drawn for contrast: by counts that training keeps, to the power of an exponent.
import {
  cast,
  cumulativeSum,
  exp,
  expandDims,
  full,
  lessOrEqual,
  log,
  maximum,
  minimum,
  reshape,
  scatterAlongAxis,
  slice,
  stopGradient,
  sum,
} from "../../ops/index.ts";
import { type Key, uniform, type Value } from "../../trace/index.ts";

/** How often each of V words occurs among tokens of any shape, float32 [V]. */
export function countTokens(tokens: Value, vocabulary: number): Value {
  const flat = reshape(tokens, [-1]);
  return scatterAlongAxis(full([flat.size(0)], 1, "float32"), flat, 0, vocabulary);
}

/** Shares of words by counts [V]: c^exponent over its sum. Words without a count have none. */
export function noiseShares(counts: Value, exponent: number): Value {
  // c^a, of counts; 0^a is 0 also for a = 0.
  const raised = exp(log(maximum(counts, 1)).mul(exponent)).mul(minimum(counts, 1));
  return stopGradient(raised.div(maximum(sum(raised), 1e-9)));
}

/** `count` words drawn by their shares [V], int32 [count]: where a uniform number falls among the running sums. */
export function drawWords(key: Key, shares: Value, count: number): Value {
  const edges = expandDims(cumulativeSum(slice(shares, 0, 0, -1)), 0); // (1, V − 1)
  const below = lessOrEqual(edges, expandDims(uniform(key, [count]), 1));
  return cast(sum(cast(below, "float32"), 1), "int32");
}

/** log(k·q), finite where q is 0. */
export const logShares = (shares: Value, samples: number): Value =>
  log(maximum(shares, 1e-12)).add(Math.log(samples));
