import {
  type Distribution,
  Independent,
  RelaxedBernoulli,
  RelaxedOneHotCategorical,
} from "../distributions/index.ts";
import { broadcastTo, straightThrough as passThrough } from "../ops/index.ts";
import type { Operand } from "../trace/index.ts";
import { type Discrete, discreteOf, harden, isCoin, needsDiscrete } from "./discrete.ts";
import { type EstimatorDefinition, meanSamples } from "./estimator.ts";

/** The continuous distribution on which a discrete one is relaxed, with the same batch and event. */
function relaxationOf(q: Distribution, temperature: Operand): Distribution {
  const base = discreteOf(q) as Discrete;
  const { logits } = base.parameters;
  const relaxed: Distribution = isCoin(base)
    ? RelaxedBernoulli({ logits, temperature })
    : RelaxedOneHotCategorical({ logits, temperature });
  const axes = relaxed.batchShape.length - q.batchShape.length;
  return axes === 0 ? relaxed : Independent(relaxed, axes);
}

const concrete =
  "Jang, Gu, Poole, Categorical Reparameterization with Gumbel-Softmax (2017), equation 2; Maddison, Mnih, Teh, The Concrete Distribution (2017)";

/** f is given relaxed samples: value and gradient are those of another objective, near it for a small τ. */
export const gumbelSoftmax: EstimatorDefinition = {
  summary: "gradient through relaxed samples (concrete distribution)",
  source: concrete,
  targets: ["objective"],
  unbiased: false,
  differentiates: true,
  options: ["samples", "temperature"],
  leastSamples: 1,
  refusal: needsDiscrete,
  estimate: ({ q, f, key, samples, temperature }) => {
    const z = relaxationOf(q, temperature).pathwiseSample(key, [samples]);
    return { surrogate: meanSamples(f(z, "relaxed")) };
  },
};

/** f is given exact samples; their gradient is passed on to the relaxed ones. */
export const stGumbelSoftmax: EstimatorDefinition = {
  summary: "exact samples with the gradient of relaxed ones",
  source: `${concrete}; straight-through: section 2.2 of Jang et al.`,
  targets: ["objective"],
  unbiased: false,
  differentiates: true,
  options: ["samples", "temperature"],
  leastSamples: 1,
  refusal: needsDiscrete,
  estimate: ({ q, f, key, samples, temperature }) => {
    const soft = relaxationOf(q, temperature).pathwiseSample(key, [samples]);
    const hard = harden(discreteOf(q) as Discrete, soft, 0.5);
    return { surrogate: meanSamples(f(passThrough(hard, soft), "sample")) };
  },
};

/** f is given exact samples; their gradient is passed on to the probabilities. */
export const straightThrough: EstimatorDefinition = {
  summary: "exact samples with the gradient of their probabilities",
  source:
    "Bengio, Léonard, Courville, Estimating or propagating gradients through stochastic neurons for conditional computation (2013)",
  targets: ["objective"],
  unbiased: false,
  differentiates: true,
  options: ["samples"],
  leastSamples: 1,
  refusal: needsDiscrete,
  estimate: ({ q, f, key, samples }) => {
    const hard = q.sample(key, [samples]);
    const z = passThrough(hard, broadcastTo(q.mean(), hard.shape));
    return { surrogate: meanSamples(f(z, "sample")) };
  },
};
