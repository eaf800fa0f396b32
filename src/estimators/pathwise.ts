import type { Distribution } from "../distributions/index.ts";
import { type EstimatorDefinition, meanSamples } from "./estimator.ts";
import { logMeanExp, logWeightsOf } from "./score-function.ts";

export const needsPathwise = (q: Distribution): string | undefined =>
  q.pathwise ? undefined : "its samples are no differentiable function of its parameters";

/** z = g_θ(ε): the gradient goes through the sample. */
export const pathwise: EstimatorDefinition = {
  summary: "gradient through reparameterized samples",
  source:
    "Kingma, Welling, Auto-Encoding Variational Bayes (2014), section 2.4; multi-sample bound: Burda, Grosse, Salakhutdinov, Importance weighted autoencoders (2016), equation 8",
  targets: ["objective", "multi-sample bound"],
  unbiased: true,
  differentiates: true,
  options: ["samples"],
  leastSamples: 1,
  refusal: needsPathwise,
  estimate: (problem) => {
    const z = problem.q.pathwiseSample(problem.key, [problem.samples]);
    const surrogate =
      problem.target === "objective"
        ? meanSamples(problem.f(z, "sample"))
        : logMeanExp(logWeightsOf(problem, z).weights);
    return { surrogate };
  },
};
