export { alignment, uniformity } from "./alignment-uniformity.ts";
export {
  type ClassScore,
  classCounts,
  classifierAccuracyScore,
  classScore,
} from "./class-scores.ts";
export { type CodebookUse, codebookUse } from "./codebook.ts";
export {
  createFeatureExtractor,
  type ExtractorOptions,
  type FeatureExtractor,
  type Features,
} from "./features.ts";
export {
  type ExtrapolatedDistance,
  type ExtrapolationOptions,
  extrapolate,
  type FeatureStatistics,
  featureStatistics,
  frechetAtInfinity,
  frechetDistance,
} from "./frechet.ts";
export { peakSignalToNoise, squaredErrors, structuralSimilarity } from "./images.ts";
export {
  type KernelDistance,
  type KernelDistanceOptions,
  kernelDistance,
} from "./kernel-distance.ts";
export { knnAccuracy, type Labelled } from "./knn-accuracy.ts";
export { type LabelEfficiency, labelEfficiency } from "./label-efficiency.ts";
export { type LinearProbe, linearProbe, type ProbeOptions } from "./linear-probe.ts";
export { type ManifoldFigures, type ManifoldOptions, manifoldFigures } from "./manifold.ts";
export { type NeighbourMapOptions, neighbourMap, principalMap, type VectorMap } from "./maps.ts";
export { type ModeFigures, type ModeOptions, type Modes, modeFigures } from "./modes.ts";
export {
  type Neighbours,
  type NeighboursOptions,
  type VectorDistance,
  type VectorIndex,
  vectorIndex,
} from "./nearest-neighbours.ts";
export { type PrincipalComponents, principalComponents } from "./principal-components.ts";
export { type SampleFigures, type SampleFiguresOptions, sampleFigures } from "./sample-figures.ts";
export {
  projectedWasserstein,
  type SlicedWassersteinOptions,
  slicedWasserstein,
} from "./sliced-wasserstein.ts";
