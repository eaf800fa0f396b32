// The choice of a gradient estimator by name, for any method with a stochastic node: its options, what the
// estimator brings into the model, and the estimate in a loss.
import { z } from "zod";
import type { Distribution } from "../distributions/index.ts";
import {
  type Baseline,
  type BaselineKind,
  baselineKinds,
  type Control,
  checkEstimate,
  definitionOf,
  type EstimateOptions,
  type EstimatorName,
  estimate,
  estimatorNames,
  initialAverage,
  type Objective,
  type Target,
} from "../estimators/index.ts";
import {
  buffer,
  initializers,
  initLinear,
  type LinearParams,
  linear,
  type ModelBuffer,
  type Scope,
} from "../nn/index.ts";
import {
  constant,
  customGradient,
  exp,
  flatten,
  relu,
  reshape,
  stopGradient,
} from "../ops/index.ts";
import { mapTree, ReparamError, type Tree } from "../tensor/index.ts";
import { Key, type Operand, trace, type Value } from "../trace/index.ts";

/** Options of a method whose latents are drawn with an estimator of the user's choice. */
export const estimatorOptions = (preset: EstimatorName) => ({
  estimator: z
    .enum(estimatorNames)
    .default(preset)
    .describe("how the gradient of the expectation over latents is estimated"),
  samples: z
    .int()
    .min(1)
    .optional()
    .describe("latent samples of each row in training; default: 1, or 5 for a multi-sample bound"),
  baseline: z
    .enum(baselineKinds)
    .optional()
    .describe(
      "subtracted from the signal of a likelihood ratio; default: leave-one-out, or moving-average with one sample",
    ),
  bound: z
    .enum(["elbo", "iwae"])
    .optional()
    .describe("of log p(x) by one sample, or by all (Burda et al. 2016); default: the estimator's"),
});

export interface EstimatorChoice {
  readonly estimator: EstimatorName;
  readonly samples?: number | undefined;
  readonly baseline?: BaselineKind | undefined;
  readonly bound?: "elbo" | "iwae" | undefined;
}

type Network = { readonly hidden: LinearParams; readonly output: LinearParams };

/** What an estimator has in a model: parameters and buffers of its own; nothing for most. */
export type EstimatorModel = {
  readonly average?: ModelBuffer;
  readonly prediction?: Network;
  readonly logTemperature?: Value;
  readonly scale?: Value;
  readonly control?: Network;
};

/** A latent of a model, and the estimator of expectations over it. */
export interface StochasticNode {
  readonly target: Target;
  readonly estimator: EstimatorName;
  readonly init: (key: Key) => EstimatorModel;
  /**
   * The surrogate of E_q[f] or of the bound, [B], which the method maximises: its loss has it with a minus sign.
   * What the estimator learns for itself (a baseline, a control variate) follows its own error down all the
   * same. `input` [B, ...] is what q was made of.
   */
  readonly estimate: (
    own: EstimatorModel | undefined,
    q: Distribution,
    f: Objective,
    given: { readonly scope: Scope; readonly input: Value; readonly temperature?: Operand },
  ) => Value;
}

/** Features of the hidden layer of baselines and control variates. */
const hidden = 100;

/**
 * @param sizes elements of an input and of a latent, and a distribution of the latent, of any batch.
 * @throws ReparamError where the chosen options do not go together, or not with the latent.
 */
export function stochasticNode(
  choice: EstimatorChoice,
  sizes: { readonly input: number; readonly latent: number; readonly q: () => Distribution },
): StochasticNode {
  const settled = settle(choice);
  const { estimator, target, samples, baseline } = settled;
  const init = (key: Key): EstimatorModel => ({
    ...(baseline === "moving-average" || baseline === "input-dependent"
      ? { average: buffer(initialAverage()) }
      : {}),
    ...(baseline === "input-dependent"
      ? { prediction: initNetwork(key.at("prediction"), sizes.input) }
      : {}),
    ...(settled.controlled ? { logTemperature: constant(Math.log(0.5)), scale: constant(1) } : {}),
    ...(estimator === "relax" ? { control: initNetwork(key.at("control"), sizes.latent) } : {}),
  });
  const optionsFor = (own: EstimatorModel, input: Value | undefined, temperature?: Operand) => ({
    target,
    ...(samples === undefined ? {} : { samples }),
    ...(baseline === undefined ? {} : { baseline: baselineOf(baseline, own, input) }),
    ...(settled.relaxed && temperature !== undefined ? { temperature } : {}),
    ...(settled.controlled ? { control: controlOf(own) } : {}),
  });
  trace(() => {
    checkEstimate(estimator, sizes.q(), optionsFor(init(new Key("check")), undefined));
    return {};
  }, {});
  return {
    target,
    estimator,
    init,
    estimate: (own = {}, q, f, { scope, input, temperature }) => {
      const options: EstimateOptions = {
        key: scope.key,
        ...optionsFor(reversedParams(own), input, temperature),
      };
      const { surrogate, average } = estimate(estimator, q, f, options);
      if (own.average !== undefined && average !== undefined) scope.update(own.average, average);
      return surrogate;
    },
  };
}

/**
 * The parameters with the sign of their gradient turned. A surrogate has the gradient of the error of its baseline
 * and of the variance, to be minimised; that of a method is maximised.
 */
function reversedParams({ average, ...params }: EstimatorModel): EstimatorModel {
  const reversed = mapTree<Value, Value>(params as Tree<Value>, (x) =>
    customGradient(x, [x], (dy) => [dy.neg()]),
  );
  return { ...(reversed as EstimatorModel), ...(average === undefined ? {} : { average }) };
}

/** The choice with every default in its place. */
function settle({ estimator, samples, baseline, bound }: EstimatorChoice) {
  const { options, targets } = definitionOf(estimator);
  const wanted = bound === "iwae" ? "multi-sample bound" : "objective";
  const target: Target = bound === undefined ? targets[0] : wanted;
  const several = target === "multi-sample bound";
  const count = samples ?? (options.includes("samples") ? (several ? 5 : 1) : undefined);
  const best = (count ?? 1) > 1 && !several ? "leave-one-out" : "moving-average";
  return {
    estimator,
    target,
    samples: count,
    baseline: baseline ?? (options.includes("baseline") ? best : undefined),
    relaxed: options.includes("temperature"),
    controlled: options.includes("control"),
  } as const;
}

function baselineOf(kind: BaselineKind, own: EstimatorModel, input: Value | undefined): Baseline {
  if (kind === "none" || kind === "leave-one-out") return { kind };
  const average = (own.average as ModelBuffer).value;
  if (kind === "moving-average") return { kind, average };
  // The input may be a latent below this one, which the error of a prediction must not move.
  const prediction =
    input === undefined
      ? average
      : applyNetwork(own.prediction as Network, stopGradient(flatten(input)));
  return { kind, average, prediction };
}

function controlOf({ logTemperature, scale, control }: EstimatorModel): Control {
  return {
    temperature: exp(logTemperature as Value),
    scale: scale as Value,
    params: { logTemperature, scale, control } as never,
    ...(control === undefined ? {} : { network: (soft: Value) => ofSamples(control, soft) }),
  };
}

const initNetwork = (key: Key, inputs: number): Network => ({
  hidden: initLinear(key.at("hidden"), inputs, hidden),
  // From nothing: what it gives at first would be noise on the signal.
  output: initLinear(key.at("output"), hidden, 1, {
    initializer: initializers.zeros,
    biasInitializer: initializers.zeros,
  }),
});

/** [N, inputs] → [N]. */
const applyNetwork = (params: Network, x: Value): Value =>
  reshape(linear(params.output, relu(linear(params.hidden, x))), [-1]);

/** [m, B, ...event] → [m, B]. */
function ofSamples(params: Network, soft: Value): Value {
  const [m, batch] = soft.shape;
  return reshape(applyNetwork(params, reshape(soft, [-1, params.hidden.weight.size(0)])), [
    m as number,
    batch as number,
  ]);
}

/** Checks that a bound by several samples has no weight on its KL term. */
export function checkBound(
  { target, estimator }: StochasticNode,
  { beta, warmupSteps }: { readonly beta: number; readonly warmupSteps: number },
): void {
  if (target === "objective" || (beta === 1 && warmupSteps === 0)) return;
  throw new ReparamError(
    `the multi-sample bound of ${estimator} has no KL term that could be weighed. Leave beta at 1 and warmupSteps at 0, or choose the bound elbo with an estimator that has it.`,
  );
}
