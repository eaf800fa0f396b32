import { gradients } from "../autodiff/index.ts";
import type { Distribution } from "../distributions/index.ts";
import { expandDims, reshape, stopGradient, sum } from "../ops/index.ts";
import type { Value } from "../trace/index.ts";
import { centre } from "./baseline.ts";
import { baseOf, discreteOf } from "./discrete.ts";
import { type EstimatorDefinition, meanSamples, sumLast } from "./estimator.ts";
import { leaf } from "./leaf.ts";
import { likelihoodRatio } from "./score-function.ts";

const needsMean = (q: Distribution): string | undefined =>
  discreteOf(q) === undefined && baseOf(q).name !== "Normal"
    ? "it needs a mean that f can be given in place of a sample: a Bernoulli, OneHotCategorical or Normal"
    : undefined;

/**
 * The first-order expansion h(z) = f(z̄) + f'(z̄)(z − z̄) around the mean z̄ = E_q[z] is the control variate of a
 * likelihood ratio, and its own expectation's gradient f'(z̄) ∇z̄ is added again.
 */
export const muprop: EstimatorDefinition = {
  summary: "likelihood ratio with f's expansion around the mean as control variate",
  source:
    "Gu, Levine, Sutskever, Mnih, MuProp: Unbiased backpropagation for stochastic neural networks (2016), section 3",
  targets: ["objective"],
  unbiased: true,
  differentiates: true,
  options: ["samples", "baseline"],
  leastSamples: 1,
  refusal: needsMean,
  estimate: ({ q, f, key, samples, baseline }) => {
    const z = q.sample(key, [samples]);
    const rewards = f(z, "sample");
    const mean = q.mean();
    const at = leaf(expandDims(mean, 0)); // [1, ...batchShape, ...eventShape]
    const atMean = f(at, "mean");
    const slope = stopGradient((gradients(sum(atMean), [at]) as [Value])[0]);
    const event = q.eventShape.length;
    const expansion = atMean.add(sumLast(slope.mul(z.sub(at)), event));
    const ratio = likelihoodRatio(meanSamples(rewards), {
      centred: centre(rewards.sub(expansion), baseline),
      logProb: q.logProb(z),
      weigh: meanSamples,
    });
    const path = sumLast(reshape(slope, mean.shape).mul(mean), event);
    // A number less itself: the gradient of the path at the value 0.
    return { ...ratio, surrogate: ratio.surrogate.add(path.sub(stopGradient(path))) };
  },
};
