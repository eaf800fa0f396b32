export { Bernoulli, type BernoulliOptions } from "./bernoulli.ts";
export { Categorical } from "./categorical.ts";
export type { CategoryOptions, CategoryParameters } from "./category.ts";
export type { Distribution, Support } from "./distribution.ts";
export { Independent } from "./independent.ts";
export { kl } from "./kl.ts";
export { gumbel, logistic } from "./noise.ts";
export { Normal, type NormalOptions } from "./normal.ts";
export { OneHotCategorical } from "./one-hot-categorical.ts";
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
