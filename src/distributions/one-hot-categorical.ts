import { sum } from "../ops/index.ts";
import type { Value } from "../trace/index.ts";
import {
  type CategoryOptions,
  type CategoryParameters,
  categoryParameters,
  entropyOf,
  finite,
  klCategories,
  oneHotArgMax,
  perturbedLogits,
} from "./category.ts";
import { type Distribution, defineDistribution, notReparameterized } from "./distribution.ts";

/**
 * The categorical distribution over vectors of K with a single 1, event shape [K], of the logits' dtype.
 * `logProb` also takes other weights that sum to 1: it is then the negative cross-entropy.
 */
export interface OneHotCategorical extends Distribution {
  readonly name: "OneHotCategorical";
  readonly parameters: CategoryParameters;
}

/** @throws ReparamError unless exactly one of logits and probs is given, [...batchShape, K]. */
export function OneHotCategorical(options: CategoryOptions): OneHotCategorical {
  const parameters = categoryParameters("OneHotCategorical", options);
  const { logits, count, batchShape, probs, logProbs } = parameters;
  return defineDistribution<OneHotCategorical>({
    name: "OneHotCategorical",
    batchShape,
    eventShape: [count],
    support: "oneHot",
    parameters,
    ...notReparameterized(
      "OneHotCategorical",
      batchShape,
      (key, shape) => oneHotArgMax(perturbedLogits(logits, key, shape)),
      "Use RelaxedOneHotCategorical, or gumbelSoftmax with hard: true.",
    ),
    logProb: (value) => sum(value.mul(finite(logProbs())), -1),
    entropy: () => entropyOf(parameters),
    mean: probs,
    variance: () => probs().mul(probs().neg().add(1)),
    events: {
      count,
      numbers: () => Array.from({ length: count ** 2 }, (_, i) => Number(i % (count + 1) === 0)),
      dtype: logits.dtype,
    },
  });
}

export const klOneHotCategorical = (p: OneHotCategorical, q: OneHotCategorical): Value =>
  klCategories("OneHotCategorical", p.parameters, q.parameters);
