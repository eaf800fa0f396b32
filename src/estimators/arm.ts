import type { Bernoulli } from "../distributions/index.ts";
import { cast, greater, less, sigmoid, stopGradient } from "../ops/index.ts";
import { uniform } from "../trace/index.ts";
import { baseOf } from "./discrete.ts";
import {
  type EstimatorDefinition,
  expandLast,
  meanSamples,
  sumLast,
  withGradientOf,
} from "./estimator.ts";

/**
 * ∇ = E_u[(f(1[u > σ(−φ)]) − f(1[u < σ(φ)])) (u − ½)] for logits φ and uniform u. Both arguments of f are
 * samples of q, by mirrored noise; the value is the mean of their f.
 */
export const arm: EstimatorDefinition = {
  summary: "difference of f at two samples of mirrored noise, for coins",
  source:
    "Yin, Zhou, ARM: Augment-REINFORCE-merge gradient for stochastic binary networks (2019), theorem 1",
  targets: ["objective"],
  unbiased: true,
  differentiates: false,
  options: ["samples"],
  leastSamples: 1,
  refusal: (q) =>
    baseOf(q).name === "Bernoulli"
      ? undefined
      : "it needs the logits of a Bernoulli (or Independent ones)",
  estimate: ({ q, f, key, samples }) => {
    const { logits } = (baseOf(q) as Bernoulli).parameters;
    const u = uniform(key, [samples, ...logits.shape], logits.dtype);
    const fixed = stopGradient(logits);
    const drawn = cast(less(u, sigmoid(fixed)), logits.dtype);
    const mirrored = cast(greater(u, sigmoid(fixed.neg())), logits.dtype);
    const [a, b] = [f(drawn, "sample"), f(mirrored, "antithetic")];
    const value = meanSamples(a.add(b).mul(0.5));
    const event = q.eventShape.length;
    const g = expandLast(stopGradient(b.sub(a)), event).mul(u.sub(0.5));
    const surrogate = value.add(meanSamples(sumLast(g.mul(logits), event)));
    return { surrogate: withGradientOf(surrogate, value) };
  },
};
