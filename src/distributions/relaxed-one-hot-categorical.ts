import { clip, log, logSoftmax, softmax, straightThrough, sum } from "../ops/index.ts";
import type { Key, Operand, Value } from "../trace/index.ts";
import {
  type CategoryOptions,
  categoryParameters,
  oneHotArgMax,
  perturbedLogits,
} from "./category.ts";
import {
  checkTemperature,
  type Distribution,
  defineDistribution,
  reparameterized,
} from "./distribution.ts";
import { logOf, times } from "./operand.ts";

// Maddison, Mnih, Teh, "The Concrete Distribution: A Continuous Relaxation of Discrete Random Variables"
// (2017), and Jang, Gu, Poole, "Categorical Reparameterization with Gumbel-Softmax" (2017).

/** Temperature above 0, a number or a scalar value, and logits (or probs) [...batchShape, K]. */
export type RelaxedCategoryOptions = CategoryOptions & { readonly temperature: Operand };

/**
 * A relaxed one-hot vector, softmax((logits + Gumbel noise)/temperature), event shape [K]. The largest
 * element is a draw from softmax(logits) at every temperature; towards 0 the others vanish. A divergence
 * from a prior is usually taken between the OneHotCategorical distributions of the same logits.
 */
export interface RelaxedOneHotCategorical extends Distribution {
  readonly name: "RelaxedOneHotCategorical";
}

/** The same in logarithms: x = exp(y), event shape [K]. */
export interface ExpRelaxedOneHotCategorical extends Distribution {
  readonly name: "ExpRelaxedOneHotCategorical";
}

/** log (n − 1)! */
function logFactorialBelow(n: number): number {
  let sum = 0;
  for (let k = 2; k < n; k++) sum += Math.log(k);
  return sum;
}

/**
 * The logarithm of a RelaxedOneHotCategorical variable. Use it where densities of samples are needed: at
 * low temperatures elements of the simplex round to 0, their logarithms stay exact.
 * @throws ReparamError for a temperature that is not positive, or both or none of logits and probs.
 */
export function ExpRelaxedOneHotCategorical(
  options: RelaxedCategoryOptions,
): ExpRelaxedOneHotCategorical {
  const name = "ExpRelaxedOneHotCategorical";
  const { temperature } = options;
  checkTemperature(name, temperature);
  const { logits, count, batchShape } = categoryParameters(name, options);
  return defineDistribution<ExpRelaxedOneHotCategorical>({
    name,
    batchShape,
    eventShape: [count],
    support: "logSimplex",
    ...reparameterized(batchShape, (key, shape) =>
      logSoftmax(perturbedLogits(logits, key, shape).div(temperature)),
    ),
    // Maddison et al., equation 22: (n−1)! τⁿ⁻¹ ∏ αₖ exp(−τ yₖ) / Σ αᵢ exp(−τ yᵢ), with α = exp(logits)
    logProb: (value) => {
      const scores = logSoftmax(value.mul(temperature).neg().add(logits));
      const volume = times(logOf(temperature), count - 1);
      return sum(scores, -1).add(volume).add(logFactorialBelow(count));
    },
  });
}

/**
 * @throws ReparamError for a temperature that is not positive, or both or none of logits and probs.
 */
export function RelaxedOneHotCategorical(
  options: RelaxedCategoryOptions,
): RelaxedOneHotCategorical {
  const name = "RelaxedOneHotCategorical";
  const { temperature } = options;
  checkTemperature(name, temperature);
  const { logits, count, batchShape } = categoryParameters(name, options);
  const smallest = logits.dtype === "float64" ? 2 ** -1022 : 2 ** -126;
  return defineDistribution<RelaxedOneHotCategorical>({
    name,
    batchShape,
    eventShape: [count],
    support: "simplex",
    ...reparameterized(batchShape, (key, shape) =>
      softmax(perturbedLogits(logits, key, shape).div(temperature)),
    ),
    // Maddison et al., equation 10: the density of log x over the Jacobian ∏ xₖ. An element that was
    // rounded to 0 counts as the smallest positive number; its own logarithm would be infinite.
    logProb: (value) => {
      const y = log(clip(value, smallest, Number.POSITIVE_INFINITY));
      return ExpRelaxedOneHotCategorical(options).logProb(y).sub(sum(y, -1));
    },
  });
}

export interface GumbelSoftmaxOptions {
  /** [..., K] */
  readonly logits: Value;
  /** Above 0: a number, or a scalar value for a schedule. */
  readonly temperature: Operand;
  readonly key: Key;
  /** Exact one-hot vectors with the gradient of the relaxed ones (straight-through); default false. */
  readonly hard?: boolean;
}

/**
 * One Gumbel-softmax draw, [..., K] (Jang et al., equation 2; the straight-through form, section 2.2).
 * @throws ReparamError for a temperature that is not positive.
 */
export function gumbelSoftmax({
  logits,
  temperature,
  key,
  hard = false,
}: GumbelSoftmaxOptions): Value {
  checkTemperature("gumbelSoftmax", temperature);
  const { batchShape } = categoryParameters("gumbelSoftmax", { logits });
  const scores = perturbedLogits(logits, key, batchShape);
  const soft = softmax(scores.div(temperature));
  return hard ? straightThrough(oneHotArgMax(scores), soft) : soft;
}
