import { buffer, type Model, type ModelBuffer, type Scope } from "../../nn/index.ts";
import { adam, chain, clipByGlobalNorm } from "../../optim/index.ts";
import { gradientStep, type Phase } from "../../step/index.ts";
import { spec } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import {
  type BatchStatistics,
  type Combination,
  type InformationBound,
  initialMean,
} from "./bounds.ts";
import type { Critic } from "./critics.ts";
import {
  type ConditionalModel,
  type ConditionalOptions,
  conditionalCombination,
  conditionalStatistics,
  initConditional,
} from "./gaussian-model.ts";

/** An estimator that is trained: what it learns, what it maximises, and how batches become an estimate. */
export interface TrainedEstimator {
  readonly combination: Combination;
  readonly init: (key: Key) => Model;
  readonly statistics: (model: Model, x: Value, y: Value) => BatchStatistics;
  /** What a step maximises, from the same arguments. */
  readonly objective: (model: Model, x: Value, y: Value, scope: Scope) => Value;
}

type CriticModel = { readonly critic: Model; readonly average: ModelBuffer };

/** A bound with its critic. */
export function criticEstimator(bound: InformationBound, critic: Critic): TrainedEstimator {
  const scores = (model: Model, x: Value, y: Value): Value =>
    critic.scores((model as CriticModel).critic, x, y);
  return {
    combination: bound,
    init: (key): CriticModel => ({ critic: critic.init(key), average: buffer(initialMean()) }),
    statistics: (model, x, y) => bound.statistics(scores(model, x, y)),
    objective: (model, x, y, scope) => {
      const { average } = model as CriticModel;
      const matrix = scores(model, x, y);
      return bound.training?.(matrix, average, scope) ?? bound.statistics(matrix).objective;
    },
  };
}

/** Barber and Agakov's bound with a Gaussian model of y given x, or a mixture of them. */
export const conditionalEstimator = (
  sizes: readonly [x: number, y: number],
  options: ConditionalOptions,
): TrainedEstimator => {
  const statistics = (model: Model, x: Value, y: Value): BatchStatistics =>
    conditionalStatistics(model as ConditionalModel, x, y);
  return {
    combination: conditionalCombination,
    init: (key) => initConditional(key, sizes, options),
    statistics,
    objective: (model, x, y) => statistics(model, x, y).objective,
  };
};

export interface InformationPhaseOptions {
  readonly sizes: readonly [x: number, y: number];
  readonly batchSize: number;
  readonly learningRate: number;
  /**
   * Limit of the gradient's norm; none by default. Single batches of the exponential bounds can have enormous
   * gradients.
   */
  readonly gradientLimit?: number;
}

/** Trains an estimator by Adam on batches of pairs x [B, X], y [B, Y]. */
export const informationPhase = (
  estimator: TrainedEstimator,
  { sizes, batchSize, learningRate, gradientLimit }: InformationPhaseOptions,
): Phase =>
  gradientStep({
    name: "information",
    batch: {
      x: spec("float32", [batchSize, sizes[0]]),
      y: spec("float32", [batchSize, sizes[1]]),
    },
    init: estimator.init,
    loss: (model, { x, y }, scope) => ({
      loss: estimator.objective(model, x as Value, y as Value, scope).neg(),
    }),
    optimizer:
      gradientLimit === undefined
        ? adam({ learningRate })
        : chain(clipByGlobalNorm(gradientLimit), adam({ learningRate })),
  });

/** Parts of an estimate from one batch. */
export interface BatchParts {
  readonly joint: number;
  readonly marginal: number;
}

/** An estimate in nats from the parts of batches, and its standard error where there are several. */
export function combineBatches(
  { pool, value, slope }: Combination,
  batches: readonly BatchParts[],
): { readonly value: number; readonly standardError: number } {
  const count = batches.length;
  const meanOf = (f: (batch: BatchParts) => number): number =>
    batches.reduce((sum, batch) => sum + f(batch), 0) / count;
  const joint = meanOf((b) => b.joint);
  const most = Math.max(...batches.map((b) => b.marginal));
  const marginal =
    pool === "mean"
      ? meanOf((b) => b.marginal)
      : most + Math.log(meanOf((b) => Math.exp(b.marginal - most)));
  // What each batch moves the estimate by, to first order.
  const influence = (b: BatchParts): number => {
    const shift = pool === "mean" ? b.marginal - marginal : Math.exp(b.marginal - marginal) - 1;
    return b.joint - joint + slope(marginal) * shift;
  };
  const variance = meanOf((b) => influence(b) ** 2);
  return {
    value: value(joint, marginal),
    standardError: count > 1 ? Math.sqrt(variance / (count - 1)) : Number.NaN,
  };
}
