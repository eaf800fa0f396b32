// Samplers, spacings and likelihoods for any denoiser, and what trainings of one are made of.
export { askMixture, type GaussianMixture, type MixtureAnswer } from "./exact-mixture.ts";
export {
  type GridOptions,
  levelAt,
  levelOf,
  type NoiseLevel,
  noiseLevels,
  relativeNoise,
  type SpacingName,
  spacingNames,
} from "./grid.ts";
export {
  type DivergentDenoiser,
  type LikelihoodOptions,
  type LikelihoodResult,
  logLikelihood,
} from "./likelihood.ts";
export { type Prediction, type PredictionName, predictionNames } from "./prediction.ts";
export {
  type NoiseProcess,
  noiseProcess,
  type ProcessName,
  type ProcessOptions,
  processNames,
} from "./process.ts";
export {
  type Denoiser,
  denoiserOf,
  type SamplerOptions,
  type SamplingResult,
  type SamplingRun,
  type SamplingStep,
  sampleDiffusion,
} from "./sample.ts";
export { samplerNames } from "./sampler-settings.ts";
