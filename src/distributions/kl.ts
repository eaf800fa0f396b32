import { mean, sqrt, stopGradient } from "../ops/index.ts";
import { ReparamError, ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { klBernoulli } from "./bernoulli.ts";
import { klBeta } from "./beta.ts";
import { sameBijector } from "./bijector.ts";
import { klBinomial } from "./binomial.ts";
import { klCategorical } from "./categorical.ts";
import { klDirichlet } from "./dirichlet.ts";
import type { Distribution } from "./distribution.ts";
import { klGamma } from "./gamma.ts";
import { klGeometric } from "./geometric.ts";
import { isIndependent, sumLast } from "./independent.ts";
import { klInverseGamma } from "./inverse-gamma.ts";
import {
  klCauchy,
  klExponential,
  klGumbel,
  klHalfNormal,
  klLaplace,
  klNormalGumbel,
  klNormalLaplace,
  klToExponential,
  klToNormal,
  klUniform,
  klUniformExponential,
} from "./kl-location-scale.ts";
import type { LogNormal } from "./log-normal.ts";
import { klMultinomial } from "./multinomial.ts";
import { klMultivariateNormal } from "./multivariate-normal.ts";
import { klNegativeBinomial } from "./negative-binomial.ts";
import { klNormal } from "./normal.ts";
import { klOneHotCategorical } from "./one-hot-categorical.ts";
import { klPoisson } from "./poisson.ts";
import { isTransformed } from "./transformed.ts";

type Pair = readonly [string, (p: Distribution, q: Distribution) => Value];

/** An entry of the table; the names are checked against the types of the formula's arguments. */
const closedForm = <P extends Distribution, Q extends Distribution>(
  p: P["name"],
  q: Q["name"],
  formula: (p: P, q: Q) => Value,
): Pair => [`${p} ‖ ${q}`, formula as unknown as Pair[1]];

/** Pairs with a divergence in closed form. A new family adds its lines here. */
const closedForms = new Map<string, Pair[1]>([
  closedForm("Normal", "Normal", klNormal),
  closedForm("Normal", "Laplace", klNormalLaplace),
  closedForm("Normal", "Gumbel", klNormalGumbel),
  closedForm("Laplace", "Laplace", klLaplace),
  closedForm("Laplace", "Normal", klToNormal),
  closedForm("Logistic", "Normal", klToNormal),
  closedForm("Gumbel", "Gumbel", klGumbel),
  closedForm("Gumbel", "Normal", klToNormal),
  closedForm("Cauchy", "Cauchy", klCauchy),
  closedForm("Uniform", "Uniform", klUniform),
  closedForm("Uniform", "Normal", klToNormal),
  closedForm("Uniform", "Exponential", klUniformExponential),
  closedForm("Exponential", "Exponential", klExponential),
  closedForm("Exponential", "Normal", klToNormal),
  closedForm("HalfNormal", "HalfNormal", klHalfNormal),
  closedForm("HalfNormal", "Normal", klToNormal),
  closedForm("HalfNormal", "Exponential", klToExponential),
  closedForm("LogNormal", "LogNormal", (p: LogNormal, q: LogNormal) => klNormal(p.base, q.base)),
  closedForm("LogNormal", "Normal", klToNormal),
  closedForm("LogNormal", "Exponential", klToExponential),
  closedForm("Bernoulli", "Bernoulli", klBernoulli),
  closedForm("Categorical", "Categorical", klCategorical),
  closedForm("OneHotCategorical", "OneHotCategorical", klOneHotCategorical),
  closedForm("Geometric", "Geometric", klGeometric),
  closedForm("Multinomial", "Multinomial", klMultinomial),
  closedForm("Gamma", "Gamma", klGamma),
  closedForm("Gamma", "Normal", klToNormal),
  closedForm("Gamma", "Exponential", klToExponential),
  closedForm("InverseGamma", "InverseGamma", klInverseGamma),
  closedForm("Beta", "Beta", klBeta),
  closedForm("Dirichlet", "Dirichlet", klDirichlet),
  closedForm("MultivariateNormal", "MultivariateNormal", klMultivariateNormal),
  closedForm("Poisson", "Poisson", klPoisson),
  closedForm("Binomial", "Binomial", klBinomial),
  closedForm("NegativeBinomial", "NegativeBinomial", klNegativeBinomial),
]);

/** Names of the pairs [p, q] of the table. Independent and Transformed pairs add to them. */
export const klPairs = (): (readonly [p: string, q: string])[] =>
  [...closedForms.keys()].map((pair) => pair.split(" ‖ ") as [string, string]);

/** How a divergence without a closed form is estimated. */
export interface KlSampling {
  readonly key: Key;
  /** Draws of p, at least 2. */
  readonly samples: number;
}

/** [...batchShape] each. */
export interface KlResult {
  readonly value: Value;
  /** The standard error of an estimate; absent for an exact value. */
  readonly standardError?: Value;
}

/**
 * The Kullback-Leibler divergence KL(p ‖ q) = E_p[log p − log q] in nats, [...batchShape] (the two batches
 * broadcast). Independent distributions add up the divergences of their parts; a bijector in common does
 * not change it.
 * @param options with a fallback, pairs without a closed form are estimated by `monteCarloKl`, and the
 * result says so.
 * @throws ReparamError naming both, where the pair has no closed form and there is no fallback.
 */
export function kl(p: Distribution, q: Distribution): Value;
export function kl(
  p: Distribution,
  q: Distribution,
  options: { readonly fallback: KlSampling },
): KlResult;
export function kl(
  p: Distribution,
  q: Distribution,
  options?: { readonly fallback: KlSampling },
): Value | KlResult {
  const exact = exactKl(p, q);
  if (options === undefined) {
    if (exact === undefined) throw withoutClosedForm(p, q);
    return exact;
  }
  return exact === undefined ? monteCarloKl(p, q, options.fallback) : { value: exact };
}

/** The divergence in closed form, or undefined. */
function exactKl(p: Distribution, q: Distribution): Value | undefined {
  const formula = closedForms.get(`${p.name} ‖ ${q.name}`);
  if (formula !== undefined) return formula(p, q);
  if (isTransformed(p) && isTransformed(q) && sameBijector(p.bijector, q.bijector)) {
    return exactKl(p.base, q.base);
  }
  if (!isIndependent(p) || !isIndependent(q)) return undefined;
  if (p.axes !== q.axes) {
    throw new ReparamError(
      `kl: events of ${p.name} have ${p.axes} independent axes, those of ${q.name} ${q.axes}. Use the same number.`,
    );
  }
  const parts = exactKl(p.base, q.base);
  return parts && sumLast(parts, p.axes);
}

function withoutClosedForm(p: Distribution, q: Distribution): ReparamError {
  const halfWrapped = closedForms.has(`${baseName(p)} ‖ ${baseName(q)}`);
  const remedy = halfWrapped
    ? "Wrap both in Independent with the same number of axes."
    : "Average p.logProb(x) − q.logProb(x) over samples x of p, as monteCarloKl does.";
  return new ReparamError(`kl: ${p.name} from ${q.name} has no closed form. ${remedy}`);
}

const baseName = (p: Distribution): string => (isIndependent(p) ? p.base.name : p.name);

/**
 * An unbiased estimate of KL(p ‖ q): the mean of log p − log q over draws of p, with its standard error. It
 * may be negative. Its gradient is unbiased too: through the draws where p has pathwise samples, and by
 * the score function, which is noisier, where it has not.
 * @throws ShapeError for fewer than 2 samples.
 */
export function monteCarloKl(
  p: Distribution,
  q: Distribution,
  { key, samples }: KlSampling,
): Required<KlResult> {
  if (!Number.isInteger(samples) || samples < 2) {
    throw new ShapeError("monteCarloKl", `wants at least 2 samples, got ${samples}.`);
  }
  const x = p.pathwise ? p.pathwiseSample(key, [samples]) : p.sample(key, [samples]);
  const logP = p.logProb(x);
  const ratios = logP.sub(q.logProb(x)); // (samples, ...batch)
  const value = mean(ratios, 0);
  const squares = mean(ratios.sub(value).square(), 0);
  const standardError = stopGradient(sqrt(squares.div(samples - 1)));
  if (p.pathwise) return { value, standardError };
  const score = stopGradient(ratios).mul(logP.sub(stopGradient(logP)));
  return { value: value.add(mean(score, 0)), standardError };
}
