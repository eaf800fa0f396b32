export { alignment, uniformity } from "./alignment-uniformity.ts";
export { type CodebookUse, codebookUse } from "./codebook.ts";
export { createFeatureExtractor, type FeatureExtractor } from "./features.ts";
export { type FeatureStatistics, featureStatistics, frechetDistance } from "./frechet.ts";
export { peakSignalToNoise, squaredErrors, structuralSimilarity } from "./images.ts";
export { knnAccuracy, type Labelled } from "./knn-accuracy.ts";
export { type LinearProbe, linearProbe, type ProbeOptions } from "./linear-probe.ts";
export {
  type Neighbours,
  type NeighboursOptions,
  type VectorDistance,
  type VectorIndex,
  vectorIndex,
} from "./nearest-neighbours.ts";
