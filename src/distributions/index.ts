export { Bernoulli, type BernoulliOptions } from "./bernoulli.ts";
export { Beta, type BetaOptions } from "./beta.ts";
export type { Bijector, Range } from "./bijector.ts";
export * as bijectors from "./bijectors.ts";
export { Binomial, type BinomialOptions } from "./binomial.ts";
export { Categorical } from "./categorical.ts";
export type { CategoryOptions, CategoryParameters } from "./category.ts";
export { Cauchy } from "./cauchy.ts";
export type { Covariance, CovarianceOptions, LowRankCovariance } from "./covariance.ts";
export { Dirichlet, type DirichletOptions } from "./dirichlet.ts";
export type { Distribution } from "./distribution.ts";
export type { Interval, Support } from "./domain.ts";
export { Exponential, type ExponentialOptions } from "./exponential.ts";
export { Gamma, type GammaOptions } from "./gamma.ts";
export { Geometric } from "./geometric.ts";
export { Gumbel } from "./gumbel.ts";
export { HalfNormal } from "./half-normal.ts";
export { Independent } from "./independent.ts";
export { InverseGamma, type InverseGammaOptions } from "./inverse-gamma.ts";
export { type KlResult, type KlSampling, kl, klPairs, monteCarloKl } from "./kl.ts";
export { Laplace } from "./laplace.ts";
export type { LocationScaleOptions } from "./location-scale.ts";
export { LogNormal } from "./log-normal.ts";
export { Logistic } from "./logistic.ts";
export { Mixture, type MixtureOptions } from "./mixture.ts";
export { Multinomial, type MultinomialOptions } from "./multinomial.ts";
export { MultivariateNormal, type MultivariateNormalOptions } from "./multivariate-normal.ts";
export { NegativeBinomial, type NegativeBinomialOptions } from "./negative-binomial.ts";
export { gumbel, logistic } from "./noise.ts";
export { Normal, type NormalOptions } from "./normal.ts";
export { OneHotCategorical } from "./one-hot-categorical.ts";
export { Poisson, type PoissonOptions } from "./poisson.ts";
export {
  LogitRelaxedBernoulli,
  RelaxedBernoulli,
  type RelaxedBernoulliOptions,
} from "./relaxed-bernoulli.ts";
export {
  ExpRelaxedOneHotCategorical,
  type GumbelSoftmaxOptions,
  gumbelSoftmax,
  type RelaxedCategoryOptions,
  RelaxedOneHotCategorical,
} from "./relaxed-one-hot-categorical.ts";
export type { ScaleOptions } from "./scale.ts";
export { StudentT, type StudentTOptions } from "./student-t.ts";
export { Transformed } from "./transformed.ts";
export { TruncatedNormal, type TruncatedNormalOptions } from "./truncated-normal.ts";
export { Uniform, type UniformOptions } from "./uniform.ts";
