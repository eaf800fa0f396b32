/** The main entry points. Each folder of the library has its own, such as `reparam/ops`. */
export { gradientTree } from "./autodiff/index.ts";
export {
  createLoader,
  type Dataset,
  type LoadOptions,
  loadDataset,
  type Split,
} from "./data/index.ts";
export { catalogue, findMethod } from "./methods/index.ts";
export { type TrainedModel, type TrainSettings, train } from "./model.ts";
export {
  estimateMutualInformation,
  type InformationEstimate,
  type InformationOptions,
} from "./mutual-information.ts";
export {
  type DependencyEstimate,
  type DependencyOptions,
  neuralDependency,
} from "./neural-dependency.ts";
export { compile, createSession, exportModel, type Program } from "./onnx/index.ts";
export {
  drawSamples,
  encodePng,
  imageGrid,
  pairGrid,
  type RunRecord,
  renderReport,
} from "./report/index.ts";
export {
  compileFunction,
  drawPairs,
  type EncodedDataset,
  encodeDataset,
  evaluateSplit,
  exportFunctions,
  type FitOptions,
  type FitResult,
  fit,
  type GenerationOptions,
  type Generator,
  openGenerator,
  readRun,
  sampleRows,
} from "./run/index.ts";
export {
  type DataShape,
  defineMethod,
  gradientStep,
  gradientWeights,
  type Method,
  type MethodDefinition,
  modelOf,
  type Phase,
  weightsOf,
} from "./step/index.ts";
export { dim, ReparamError, type Tensor, type Tree, tensor, tensorOf } from "./tensor/index.ts";
export { Key, normal, print, trace, uniform, Value } from "./trace/index.ts";
