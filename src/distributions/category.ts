import { argMax, clip, log, logSoftmax, oneHot, softmax, sum } from "../ops/index.ts";
import { isFloat, ReparamError, type Shape, ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { exactlyOne } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { gumbel } from "./noise.ts";

/**
 * Exactly one of the two, [...batchShape, K]: unnormalized log-probabilities, or probabilities (which are
 * normalized to sum to 1). A logit of −∞ excludes its category.
 */
export type CategoryOptions =
  | { readonly logits: Value; readonly probs?: never }
  | { readonly probs: Value; readonly logits?: never };

/** Parameters of a choice among K categories along the last axis. */
export interface CategoryParameters {
  /** [...batchShape, K] */
  readonly logits: Value;
  /** K. */
  readonly count: number;
  readonly batchShape: Shape;
  /** Normalized, [...batchShape, K]. */
  readonly probs: () => Value;
  readonly logProbs: () => Value;
}

/** @throws ReparamError unless exactly one form is given and its last axis has a fixed size. */
export function categoryParameters(name: string, options: CategoryOptions): CategoryParameters {
  const { logits, probs } = options;
  const [given, x] = exactlyOne(name, { logits, probs });
  const count = x.shape.at(-1);
  if (typeof count !== "number" || !isFloat(x.dtype)) {
    throw new ShapeError(
      name,
      `${given} must be floating-point [..., categories] with a fixed number of categories, got ${x}.`,
    );
  }
  checkParameter(name, given, x, given === "logits" ? "logit" : "nonNegative");
  // log 0 would do for a category without probability, but its gradient 1/0 would not
  const smallest = x.dtype === "float64" ? 2 ** -1022 : 2 ** -126;
  const scores = given === "logits" ? x : log(clip(x, smallest, Number.POSITIVE_INFINITY));
  return {
    logits: scores,
    count,
    batchShape: x.shape.slice(0, -1),
    probs: () => (given === "logits" ? softmax(x) : x.div(sum(x, -1, { keepDims: true }))),
    logProbs: () => logSoftmax(scores),
  };
}

/** The vector with a 1 at the largest of the last axis (the first of equals) and 0 elsewhere. */
export const oneHotArgMax = (scores: Value): Value =>
  oneHot(argMax(scores), scores.size(-1) as number, scores.dtype);

/**
 * Logits with Gumbel noise, [...shape, K]: their largest is a draw from softmax(logits) (Gumbel 1954;
 * Maddison, Tarlow, Minka, "A* Sampling", 2014).
 */
export const perturbedLogits = (logits: Value, key: Key, shape: Shape): Value =>
  gumbel(key, [...shape, logits.size(-1)], logits.dtype).add(logits);

/** Logarithms of probabilities with −∞ replaced by −10³⁰, so that 0·log 0 is 0 and not undefined. */
export const finite = (logProbs: Value): Value => clip(logProbs, -1e30, Number.POSITIVE_INFINITY);

/** −Σ p log p over the last axis. */
export const entropyOf = ({ probs, logProbs }: CategoryParameters): Value =>
  sum(probs().mul(finite(logProbs())), -1).neg();

/** Σ p (log p − log q) over the last axis. */
export function klCategories(name: string, p: CategoryParameters, q: CategoryParameters): Value {
  if (p.count !== q.count) {
    throw new ReparamError(
      `kl: ${name} of ${p.count} and of ${q.count} categories have no divergence.`,
    );
  }
  return sum(p.probs().mul(finite(p.logProbs()).sub(finite(q.logProbs()))), -1);
}
