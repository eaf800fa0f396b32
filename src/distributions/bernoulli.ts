import { abs, cast, clip, less, log, log1p, sigmoid, softplus, where } from "../ops/index.ts";
import { uniform, type Value } from "../trace/index.ts";
import {
  type Distribution,
  defineDistribution,
  exactlyOne,
  notReparameterized,
} from "./distribution.ts";
import { checkParameter } from "./domain.ts";

/**
 * A coin in every element, event shape []: p(1) = sigmoid(logits), as floating-point 0 and 1.
 * `logProb` also takes values between 0 and 1, such as grey pixels: it is then the cross-entropy.
 */
export interface Bernoulli extends Distribution {
  readonly name: "Bernoulli";
  readonly parameters: { readonly logits: Value; readonly probs: () => Value };
}

/** Exactly one of the two: log-odds, or the probabilities of 1. */
export type BernoulliOptions =
  | { readonly logits: Value; readonly probs?: never }
  | { readonly probs: Value; readonly logits?: never };

/**
 * log p − log(1 − p). A probability of exactly 0 or 1 counts as the nearest number inside (0, 1): its
 * logit would be infinite, and 0·∞ is not a number.
 */
export function logitsOf(probs: Value): Value {
  const [smallest, gap] =
    probs.dtype === "float64" ? [2 ** -1022, 2 ** -53] : [2 ** -126, 2 ** -24];
  const p = clip(probs, smallest, 1 - gap);
  return log(p).sub(log1p(p.neg()));
}

/** @throws ShapeError unless exactly one of logits and probs is given, or for probabilities beyond 0 and 1. */
export function Bernoulli(options: BernoulliOptions): Bernoulli {
  const [given, x] = exactlyOne("Bernoulli", { logits: options.logits, probs: options.probs });
  checkParameter("Bernoulli", given, x, given === "logits" ? "real" : "unitInterval");
  const logits = given === "logits" ? x : logitsOf(x);
  const probs = (): Value => (given === "probs" ? x : sigmoid(logits));
  const batchShape = logits.shape;
  return defineDistribution<Bernoulli>({
    name: "Bernoulli",
    batchShape,
    eventShape: [],
    support: "boolean",
    parameters: { logits, probs },
    ...notReparameterized(
      "Bernoulli",
      batchShape,
      (key, shape) => cast(less(uniform(key, shape, logits.dtype), probs()), logits.dtype),
      "Use RelaxedBernoulli, or a score-function estimator.",
    ),
    // x log p + (1 − x) log(1 − p) without a logarithm of a rounded probability
    logProb: (value) => value.mul(logits).sub(softplus(logits)),
    cdf: (value) => {
      const rest = where(less(value, 1), sigmoid(logits.neg()), 1);
      return where(less(value, 0), 0, rest);
    },
    // −p log p − (1 − p) log(1 − p), the same for ±logits; in this form both terms are positive, so
    // that no digits cancel however certain the outcome is
    entropy: () => {
      const certainty = abs(logits);
      const rare = certainty.neg();
      return softplus(rare).add(certainty.mul(sigmoid(rare)));
    },
    mean: probs,
    variance: () => sigmoid(logits).mul(sigmoid(logits.neg())),
    events: { count: 2, numbers: () => [0, 1], dtype: logits.dtype },
  });
}

/** KL(p ‖ q) = softplus(b) − softplus(a) − sigmoid(a) (b − a) for logits a of p and b of q. */
export function klBernoulli(p: Bernoulli, q: Bernoulli): Value {
  const [a, b] = [p.parameters.logits, q.parameters.logits];
  return softplus(b)
    .sub(softplus(a))
    .sub(p.parameters.probs().mul(b.sub(a)));
}
