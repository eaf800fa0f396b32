// The bounds of labelled and unlabelled images, and what a step minimises.
import { kl, Normal } from "../../distributions/index.ts";
import type { Objective } from "../../estimators/index.ts";
import type { Scope } from "../../nn/index.ts";
import { cast, constant, flatten, less, mean, oneHot, sum } from "../../ops/index.ts";
import type { LossTerms } from "../../step/index.ts";
import { type Key, type Operand, uniform, type Value } from "../../trace/index.ts";
import type { EstimatorModel, StochasticNode } from "../estimation.ts";
import type { Labelled } from "./labelled.ts";
import { classesGiven, logLikelihood, type Networks, styleGiven, view } from "./networks.ts";

const prior = Normal({ mean: 0, std: 1 });

/** Bytes [N, C, H, W] as numbers [N, C·H·W] in [0, 1]; `dynamic` draws each anew as 0 or 1 with that probability. */
export function pixelsOf(image: Value, dynamic: boolean, key: Key): Value {
  const grey = flatten(cast(image, "float32").mul(1 / 255));
  return dynamic ? cast(less(uniform(key.at("binarize"), grey.shape), grey), "float32") : grey;
}

/**
 * −L(x, y) = log p(x | y, z) + log p(y) − KL(q(z | x, y) ‖ N(0, I)) by one z ~ q(z | x, y), in nats, for classes
 * [..., N, K] of pixels [N, inputs]: [..., N]. Classes may be relaxed.
 */
export function minusLabelledBound(networks: Networks, x: Value, scope: Scope): Objective {
  const viewed = view(networks, x);
  return (y, pass) => {
    const q = styleGiven(networks, viewed, y);
    const z = q.pathwiseSample(scope.key.at(`style.${pass}`));
    const logPrior = -Math.log(y.size(-1) as number);
    return logLikelihood(networks, x, y, z)
      .sub(sum(kl(q, prior), -1))
      .add(logPrior);
  };
}

export interface ObjectiveOptions {
  readonly networks: Networks;
  readonly estimator: EstimatorModel;
  readonly scope: Scope;
  readonly dynamicBinarization: boolean;
  /** Factor of the cross-entropy of the labels. */
  readonly alpha: number;
}

/**
 * Means over labelled images of the bound L(x, y), and of −log q(y | x), which L does not train (equations 6, 9).
 */
export function labelledTerms(
  { networks, scope, dynamicBinarization }: ObjectiveOptions,
  { image, label }: Labelled<Value>,
): { readonly labelled: Value; readonly crossEntropy: Value } {
  const x = pixelsOf(image, dynamicBinarization, scope.key);
  const q = classesGiven(networks, x);
  const y = oneHot(label, q.parameters.count);
  return {
    labelled: mean(minusLabelledBound(networks, x, scope)(y, "sample")).neg(),
    crossEntropy: mean(q.logProb(y)).neg(),
  };
}

/** Mean over images without labels of U(x) = −E_q(y | x)[−L(x, y)] − H(q(y | x)) (equation 7). */
export function unlabelledBound(
  node: StochasticNode,
  { networks, estimator, scope, dynamicBinarization }: ObjectiveOptions,
  image: Value,
  temperature: Operand | undefined,
): Value {
  const x = pixelsOf(image, dynamicBinarization, scope.key);
  const q = classesGiven(networks, x);
  const minusL = minusLabelledBound(networks, x, scope);
  const given = { scope: scope.at("class"), input: x };
  const expectation = node.estimate(
    estimator,
    q,
    minusL,
    temperature === undefined ? given : { ...given, temperature },
  );
  // In a bound by several samples, log 1/m Σ exp(−L(x, yₖ))/q(yₖ | x), the entropy is there already.
  return mean(node.target === "objective" ? expectation.add(q.entropy()) : expectation).neg();
}

/** The terms of a step as one loss: with `share` of the data labelled, the mean of equation 9 over the data. */
export function lossOf(
  terms: { readonly labelled: Value; readonly crossEntropy: Value; readonly unlabelled?: Value },
  { share, alpha }: { readonly share: number; readonly alpha: number },
): LossTerms {
  const { labelled, unlabelled, crossEntropy } = terms;
  const bounds =
    unlabelled === undefined
      ? labelled
      : labelled.mul(share).add(unlabelled.mul(constant(1 - share)));
  return { loss: bounds.add(crossEntropy.mul(alpha)), ...terms };
}
