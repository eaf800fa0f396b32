/**
 * The bound of Barber and Agakov, "The IM Algorithm" (2003): I(X; Y) ≥ h(Y) + E[log q(y | x)] for any
 * conditional model q. Here q(y | x) = N(μ(x), diag σ²(x)) by a network, and h(Y) is the cross-entropy towards a
 * normal distribution fitted to Y, which is not below h(Y):
 *
 *   E[log q(y | x) − log N(y; 0, I)],   y whitened to mean 0 and covariance I
 *
 * is a lower bound only where Y is normal; elsewhere it is the difference of two cross-entropies.
 */
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { clip, exp, mean, relu, sum } from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import type { BatchStatistics, Combination } from "./bounds.ts";

export type ConditionalModel = {
  readonly hidden: readonly LinearParams[];
  readonly mean: LinearParams;
  readonly logVariance: LinearParams;
};

/** A network of x with two heads, one number each for every element of y. */
export function initConditional(
  key: Key,
  [xSize, ySize]: readonly [number, number],
  { hidden, layers }: { readonly hidden: number; readonly layers: number },
): ConditionalModel {
  const widths = [xSize, ...Array<number>(layers).fill(hidden)];
  return {
    hidden: widths.slice(1).map((width, i) => initLinear(key.at(i), widths[i] as number, width)),
    mean: initLinear(key.at("mean"), widths.at(-1) as number, ySize),
    logVariance: initLinear(key.at("logVariance"), widths.at(-1) as number, ySize),
  };
}

/** Parts of the estimate from pairs x [B, X], y [B, Y], y whitened. */
export function conditionalStatistics(
  model: ConditionalModel,
  x: Value,
  y: Value,
): BatchStatistics {
  const features = model.hidden.reduce((h, layer) => relu(linear(layer, h)), x);
  const logVariance = clip(linear(model.logVariance, features), -12, 12);
  const error = y.sub(linear(model.mean, features)).square().mul(exp(logVariance.neg()));
  // log q(y | x) − log N(y; 0, I): the constants cancel.
  const gain = y.square().sub(error).sub(logVariance).mul(0.5);
  const joint = mean(sum(gain, -1));
  return { objective: joint, joint, marginal: joint.mul(0) };
}

export const conditionalCombination: Combination = {
  pool: "mean",
  value: (joint) => joint,
  slope: () => 0,
};
