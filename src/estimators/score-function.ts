import type { Distribution } from "../distributions/index.ts";
import { expandDims, logSumExp, stopGradient, sum } from "../ops/index.ts";
import type { Value } from "../trace/index.ts";
import { type Baseline, type Centred, centre } from "./baseline.ts";
import {
  type Estimate,
  type EstimatorDefinition,
  meanSamples,
  type Problem,
  withGradientOf,
} from "./estimator.ts";

// The likelihood-ratio gradient ∇E_q[f(z)] = E_q[f(z) ∇ log q(z)] + E_q[∇f(z)], whose second part is of what f
// depends on besides z.

export const scoreFunction: EstimatorDefinition = {
  summary: "likelihood-ratio gradient (REINFORCE), with baselines",
  source:
    "Williams, Simple statistical gradient-following algorithms for connectionist reinforcement learning (1992), section 4; baselines: Mnih, Gregor (2014), Kool, van Hoof, Welling (2019)",
  targets: ["objective", "multi-sample bound"],
  unbiased: true,
  differentiates: false,
  options: ["samples", "baseline"],
  leastSamples: 1,
  refusal: () => undefined,
  estimate: (problem) => (problem.target === "objective" ? ofObjective(problem) : ofBound(problem)),
};

function ofObjective({ q, f, key, samples, baseline }: Problem): Estimate {
  const z = q.sample(key, [samples]);
  return scoreSurrogate({ q, z, rewards: f(z, "sample"), baseline });
}

export interface ScoreSurrogateOptions {
  readonly q: Distribution;
  /** Samples of q, [m, ...batchShape, ...eventShape]. */
  readonly z: Value;
  /** f of each of them, [m, ...batchShape]. */
  readonly rewards: Value;
  readonly baseline?: Baseline;
}

/**
 * The surrogate of samples whose f is known already, [...batchShape]: mean f, with the gradient
 * mean (f − baseline) ∇ log q(z) + mean ∇f. For an f that is computed outside of the graph, give its numbers
 * as inputs: one program draws z, the host finds the rewards, a second program has this surrogate.
 */
export function scoreSurrogate({
  q,
  z,
  rewards,
  baseline = { kind: "none" },
}: ScoreSurrogateOptions): Estimate {
  return likelihoodRatio(meanSamples(rewards), {
    centred: centre(rewards, baseline),
    logProb: q.logProb(z),
    weigh: meanSamples,
  });
}

/** How log-probabilities of samples [m, ...batchShape] enter a surrogate. */
interface Ratio {
  readonly centred: Centred;
  readonly logProb: Value;
  readonly weigh: (x: Value) => Value;
}

/** `value` with its own gradient and that of the signals times log-probabilities. */
export function likelihoodRatio(value: Value, { centred, logProb, weigh }: Ratio): Estimate {
  const { signal, fit, average } = centred;
  const score = value.add(weigh(signal.mul(logProb)));
  const surrogate = withGradientOf(fit === undefined ? score : score.add(fit), value);
  return average === undefined ? { surrogate } : { surrogate, average };
}

/** log 1/m Σₖ wₖ over the first axis of log-weights [m, ...batchShape]. */
export const logMeanExp = (logWeights: Value): Value =>
  logSumExp(logWeights, 0).sub(Math.log(logWeights.size(0) as number));

/** log f(z)/q(z) of samples of q, and log q(z); gradients go to the parameters of both. */
export function logWeightsOf({ q, f }: Problem, z: Value): { weights: Value; logProb: Value } {
  const logProb = q.logProb(z);
  return { weights: f(z, "sample").sub(logProb), logProb };
}

/** ∇L = E[L Σₖ ∇ log q(zₖ)] + E[∇L] (Mnih, Rezende, "Variational inference for Monte Carlo objectives", 2016). */
function ofBound(problem: Problem): Estimate {
  const { q, key, samples, baseline } = problem;
  const { weights, logProb } = logWeightsOf(problem, q.sample(key, [samples]));
  const bound = logMeanExp(weights);
  return likelihoodRatio(bound, {
    centred: centre(expandDims(stopGradient(bound), 0), baseline),
    logProb,
    weigh: (x) => sum(x, 0),
  });
}
