export { type Baseline, type BaselineKind, baselineKinds, initialAverage } from "./baseline.ts";
export {
  definitionOf,
  type EstimatorName,
  estimatorNames,
  estimators,
  estimatorsFor,
} from "./catalogue.ts";
export { checkEstimate, estimate } from "./estimate.ts";
export type {
  Control,
  Estimate,
  EstimateOptions,
  EstimatorDefinition,
  Objective,
  OptionName,
  Pass,
  Target,
} from "./estimator.ts";
export { type ScoreSurrogateOptions, scoreSurrogate } from "./score-function.ts";
