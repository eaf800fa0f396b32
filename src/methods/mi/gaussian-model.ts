/**
 * The bound of Barber and Agakov, "The IM Algorithm" (2003): I(X; Y) ≥ h(Y) + E[log q(y | x)] for any
 * conditional model q. Here q(y | x) is a normal distribution N(μ(x), diag σ²(x)) by a network, or a mixture of K of
 * them (Bishop, "Mixture density networks", 1994), and h(Y) is a cross-entropy, which is not below it:
 *
 *   E[log q(y | x) − log q(y)],   y whitened to mean 0 and covariance I
 *
 * q(y) = N(0, I), or a mixture of K that is fitted along. That is a lower bound only where q(y) is the law of Y;
 * elsewhere it is the difference of two cross-entropies.
 */
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import {
  clip,
  exp,
  expandDims,
  logSoftmax,
  logSumExp,
  mean,
  relu,
  reshape,
  sum,
} from "../../ops/index.ts";
import { type Key, normal, type Value } from "../../trace/index.ts";
import type { BatchStatistics, Combination } from "./bounds.ts";

export type ConditionalModel = {
  readonly hidden: readonly LinearParams[];
  /** K·Y numbers. */
  readonly mean: LinearParams;
  readonly logVariance: LinearParams;
  /** Of a mixture: the logits of its K parts, and what is known of y alone. */
  readonly logits?: LinearParams;
  readonly alone?: {
    /** [K, Y] */
    readonly mean: Value;
    readonly logVariance: Value;
    /** [K] */
    readonly logits: Value;
  };
};

export interface ConditionalOptions {
  readonly hidden: number;
  readonly layers: number;
  /** Normal distributions of the mixture. */
  readonly components: number;
}

/** A network of x with two heads, a number each for every element of y and every part of a mixture. */
export function initConditional(
  key: Key,
  [xSize, ySize]: readonly [number, number],
  { hidden, layers, components }: ConditionalOptions,
): ConditionalModel {
  const widths = [xSize, ...Array<number>(layers).fill(hidden)];
  const last = widths.at(-1) as number;
  const alone = key.at("alone");
  const zeros = (name: string, shape: readonly number[]): Value =>
    normal(alone.at(name), shape).mul(0);
  return {
    hidden: widths.slice(1).map((width, i) => initLinear(key.at(i), widths[i] as number, width)),
    mean: initLinear(key.at("mean"), last, components * ySize),
    logVariance: initLinear(key.at("logVariance"), last, components * ySize),
    ...(components > 1 && {
      logits: initLinear(key.at("logits"), last, components),
      alone: {
        mean: normal(alone.at("mean"), [components, ySize]),
        logVariance: zeros("logVariance", [components, ySize]),
        logits: zeros("logits", [components]),
      },
    }),
  };
}

/** log Σ_k π_k N(y; μ_k, diag σ_k²) of y [B, Y], without −Y/2·log 2π; means and variances [B or 1, K, Y]. */
function mixtureLogDensity(y: Value, means: Value, logVariances: Value, logits: Value): Value {
  const logVariance = clip(logVariances, -12, 12);
  const error = expandDims(y, 1).sub(means).square().mul(exp(logVariance.neg()));
  const parts = sum(error.add(logVariance), -1).mul(-0.5); // (B, K)
  return logSumExp(parts.add(logSoftmax(logits, -1)), -1);
}

/** Parts of the estimate from pairs x [B, X], y [B, Y], y whitened. */
export function conditionalStatistics(
  model: ConditionalModel,
  x: Value,
  y: Value,
): BatchStatistics {
  const features = model.hidden.reduce((h, layer) => relu(linear(layer, h)), x);
  const [means, logVariances] = [model.mean, model.logVariance].map((head) =>
    linear(head, features),
  ) as [Value, Value];
  const { logits, alone } = model;
  if (logits === undefined || alone === undefined) {
    const logVariance = clip(logVariances, -12, 12);
    const error = y.sub(means).square().mul(exp(logVariance.neg()));
    // log q(y | x) − log N(y; 0, I): the constants cancel.
    const gain = y.square().sub(error).sub(logVariance).mul(0.5);
    const joint = mean(sum(gain, -1));
    return { objective: joint, joint, marginal: joint.mul(0) };
  }
  const parts = [-1, alone.mean.size(0), y.size(1)];
  const given = mixtureLogDensity(
    y,
    reshape(means, parts),
    reshape(logVariances, parts),
    linear(logits, features),
  );
  const own = mixtureLogDensity(
    y,
    expandDims(alone.mean, 0),
    expandDims(alone.logVariance, 0),
    expandDims(alone.logits, 0),
  );
  // Both models are fitted by their likelihoods; they share no weights.
  const joint = mean(given.sub(own));
  return { objective: mean(given.add(own)), joint, marginal: joint.mul(0) };
}

export const conditionalCombination: Combination = {
  pool: "mean",
  value: (joint) => joint,
  slope: () => 0,
};
