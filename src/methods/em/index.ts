/** Expectation-maximisation and maximum likelihood as library calls; the trainings are in the catalogue. */
export { kMeansPlusPlus } from "./centres.ts";
export { topicTerms } from "./documents.ts";
export { type CovarianceKind, covarianceKinds } from "./gaussian.ts";
export { gaussianMixtureOf, type KnownMixture } from "./gaussian-mixture.ts";
export {
  type Family,
  families,
  fitMaximumLikelihood,
  type MaximumLikelihood,
} from "./maximum-likelihood.ts";
export {
  fitRowsMaximumLikelihood,
  type RowFamily,
  type RowsMaximumLikelihood,
  rowFamilies,
} from "./maximum-likelihood-rows.ts";
