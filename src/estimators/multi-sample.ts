import { gradients } from "../autodiff/index.ts";
import { constant, expandDims, logSumExp, softmax, stopGradient, sum } from "../ops/index.ts";
import { tensorOf } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import {
  type Estimate,
  type EstimatorDefinition,
  expandLast,
  type Problem,
  sumLast,
  withGradientOf,
} from "./estimator.ts";
import { leaf } from "./leaf.ts";
import { needsPathwise } from "./pathwise.ts";
import { likelihoodRatio, logMeanExp, logWeightsOf } from "./score-function.ts";

// Estimators of the gradient of L = E[log 1/m Σₖ wₖ], wₖ = p(x, zₖ)/q(zₖ), zₖ ~ q (Burda, Grosse,
// Salakhutdinov, "Importance weighted autoencoders", 2016, equation 8).

/**
 * Σₖ (L − L₋ₖ) ∇ log q(zₖ) + Σₖ w̃ₖ ∇ log wₖ, where L₋ₖ has the geometric mean of the other weights in place of wₖ,
 * and w̃ₖ = wₖ/Σw.
 */
export const vimco: EstimatorDefinition = {
  summary: "likelihood ratio for a multi-sample bound, with the other samples as baseline",
  source:
    "Mnih, Rezende, Variational inference for Monte Carlo objectives (2016), with the geometric mean",
  targets: ["multi-sample bound"],
  unbiased: true,
  differentiates: false,
  options: ["samples"],
  leastSamples: 2,
  refusal: () => undefined,
  estimate: (problem) => {
    const { weights, logProb } = logWeightsOf(
      problem,
      problem.q.sample(problem.key, [problem.samples]),
    );
    const bound = logMeanExp(weights);
    const signal = stopGradient(bound.sub(withoutEach(stopGradient(weights))));
    return likelihoodRatio(bound, { centred: { signal }, logProb, weigh: (x) => sum(x, 0) });
  },
};

/** L₋ₖ of log-weights [m, ...batchShape], for every k. */
function withoutEach(weights: Value): Value {
  const m = weights.size(0) as number;
  const others = sum(weights, 0, { keepDims: true })
    .sub(weights)
    .mul(1 / (m - 1));
  const identity = Array.from({ length: m * m }, (_, i) => (i % (m + 1) === 0 ? 1 : 0));
  const ones = weights.shape.slice(1).map(() => 1);
  const eye = constant(tensorOf(identity, [m, m, ...ones], weights.dtype));
  // [k, j, ...batchShape]: row k has the others' mean at j = k
  const exchanged = expandDims(weights, 0).add(expandDims(others.sub(weights), 0).mul(eye));
  return logSumExp(exchanged, 1).sub(Math.log(m));
}

/**
 * Towards q's parameters Σₖ w̃ₖ² (∂ log wₖ/∂zₖ) ∂zₖ/∂θ, with the normalized weights w̃ₖ; towards what f depends on
 * otherwise Σₖ w̃ₖ ∇ log p(x, zₖ). With one sample this is the path derivative of the evidence lower bound
 * (Roeder, Wu, Duvenaud, "Sticking the landing", 2017).
 */
export const doublyReparameterized: EstimatorDefinition = {
  summary: "pathwise gradient of a multi-sample bound without its score term",
  source:
    "Tucker, Lawson, Gu, Maddison, Doubly reparameterized gradient estimators for Monte Carlo objectives (2019), the estimator of IWAE",
  targets: ["multi-sample bound"],
  unbiased: true,
  differentiates: true,
  options: ["samples"],
  leastSamples: 1,
  refusal: needsPathwise,
  estimate: ({ q, f, key, samples }: Problem): Estimate => {
    const z = q.pathwiseSample(key, [samples]);
    const at = leaf(z);
    const logJoint = f(at, "sample");
    const logWeights = logJoint.sub(q.logProb(at));
    const shares = stopGradient(softmax(logWeights, 0));
    const [dz] = gradients(sum(logWeights), [at]) as [Value];
    const event = q.eventShape.length;
    const pull = stopGradient(dz.mul(expandLast(shares.square(), event)));
    const surrogate = sumLast(pull.mul(z), event).add(shares.mul(logJoint));
    return { surrogate: withGradientOf(sum(surrogate, 0), logMeanExp(logWeights)) };
  },
};
