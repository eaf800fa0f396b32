import { clip, exp, expm1, floor, log, sigmoid, softplus, stopGradient } from "../ops/index.ts";
import { uniform, type Value } from "../trace/index.ts";
import { type BernoulliOptions, logitsOf } from "./bernoulli.ts";
import {
  type Distribution,
  defineDistribution,
  exactlyOne,
  notReparameterized,
} from "./distribution.ts";
import { checkParameter } from "./domain.ts";

/**
 * Failures before the first success of a coin, event shape []: p(k) = (1 − p)ᵏ p for k = 0, 1, …, as
 * floating-point numbers.
 */
export interface Geometric extends Distribution {
  readonly name: "Geometric";
  readonly parameters: { readonly logits: Value };
}

/**
 * @param options the probability of success, or its log-odds. A probability of 1 counts as the nearest
 * number below.
 * @throws ShapeError unless exactly one of logits and probs is given, or for a known probability of 0.
 */
export function Geometric(options: BernoulliOptions): Geometric {
  const [given, x] = exactlyOne("Geometric", { logits: options.logits, probs: options.probs });
  checkParameter("Geometric", given, x, given === "logits" ? "real" : "unitInterval");
  if (given === "probs") checkParameter("Geometric", given, x, "positive");
  const logits = given === "logits" ? x : logitsOf(x);
  const batchShape = logits.shape;
  // log p = −softplus(−logits), log(1 − p) = −softplus(logits), (1 − p)/p = exp(−logits)
  const odds = (): Value => exp(logits.neg());
  return defineDistribution<Geometric>({
    name: "Geometric",
    batchShape,
    eventShape: [],
    support: "nonNegativeInteger",
    parameters: { logits },
    // P(k ≥ m) = (1 − p)ᵐ = P(u ≤ (1 − p)ᵐ)
    ...notReparameterized(
      "Geometric",
      batchShape,
      (key, shape) =>
        floor(
          log(uniform(key, shape, logits.dtype))
            .neg()
            .div(softplus(logits)),
        ),
      "Use a score-function estimator.",
    ),
    logProb: (value) => value.mul(softplus(logits)).add(softplus(logits.neg())).neg(),
    cdf: (value) => {
      const trials = clip(floor(stopGradient(value)).add(1), 0, Number.POSITIVE_INFINITY);
      return expm1(trials.mul(softplus(logits)).neg()).neg();
    },
    entropy: () => softplus(logits.neg()).add(odds().mul(softplus(logits))),
    mean: odds,
    variance: () => odds().div(sigmoid(logits)),
  });
}

/** KL(p ‖ q) = (1 − p)/p · log (1 − p)/(1 − q) + log p/q. */
export function klGeometric(p: Geometric, q: Geometric): Value {
  const [a, b] = [p.parameters.logits, q.parameters.logits];
  const failures = exp(a.neg()).mul(softplus(b).sub(softplus(a)));
  return failures.add(softplus(b.neg())).sub(softplus(a.neg()));
}
