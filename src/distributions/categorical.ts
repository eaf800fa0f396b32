import {
  argMax,
  broadcastShapes,
  broadcastTo,
  cast,
  constant,
  expandDims,
  squeeze,
  sum,
  takeAlongAxis,
} from "../ops/index.ts";
import { isFloat, ShapeError, tensorOf } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import {
  type CategoryOptions,
  type CategoryParameters,
  categoryParameters,
  entropyOf,
  klCategories,
  perturbedLogits,
} from "./category.ts";
import { type Distribution, defineDistribution, notReparameterized } from "./distribution.ts";
import { checkInside } from "./domain.ts";

/**
 * An index 0 … K − 1 with p(k) = softmax(logits)ₖ over the last axis, event shape []. Samples are int64;
 * `logProb` takes any integer dtype, and an index of K or above is an error of the run. Mean and variance
 * are those of the index as a number.
 */
export interface Categorical extends Distribution {
  readonly name: "Categorical";
  readonly parameters: CategoryParameters;
}

/** Categories as int32, which every backend can look up. */
function categoriesOf(value: Value): Value {
  if (!isFloat(value.dtype) && value.dtype !== "bool") return cast(value, "int32");
  throw new ShapeError(
    "Categorical.logProb",
    `wants integer categories, got ${value}. Use cast(x, "int32").`,
  );
}

/** @throws ReparamError unless exactly one of logits and probs is given, [...batchShape, K]. */
export function Categorical(options: CategoryOptions): Categorical {
  const parameters = categoryParameters("Categorical", options);
  const { logits, count, batchShape, probs, logProbs } = parameters;
  const indices = (): number[] => Array.from({ length: count }, (_, k) => k);
  const index = (): Value => constant(tensorOf(indices(), [count], logits.dtype));
  const mean = (): Value => sum(probs().mul(index()), -1);
  return defineDistribution<Categorical>({
    name: "Categorical",
    batchShape,
    eventShape: [],
    support: "category",
    parameters,
    ...notReparameterized(
      "Categorical",
      batchShape,
      (key, shape) => argMax(perturbedLogits(logits, key, shape)),
      "Use RelaxedOneHotCategorical, or gumbelSoftmax with hard: true.",
    ),
    logProb: (value) => {
      checkInside("Categorical.logProb", { low: 0, high: count - 1, integer: true }, value);
      const shape = broadcastShapes("Categorical.logProb", value.shape, batchShape);
      const at = expandDims(broadcastTo(categoriesOf(value), shape), -1); // (...batch, 1)
      return squeeze(takeAlongAxis(broadcastTo(logProbs(), [...shape, count]), at, -1), -1);
    },
    entropy: () => entropyOf(parameters),
    mean,
    variance: () => {
      const offset = index().sub(expandDims(mean(), -1));
      return sum(probs().mul(offset.square()), -1);
    },
    events: { count, numbers: indices, dtype: "int64" },
  });
}

export const klCategorical = (p: Categorical, q: Categorical): Value =>
  klCategories("Categorical", p.parameters, q.parameters);
