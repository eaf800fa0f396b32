export { type CatalogueEntry, dataOf, defineMethod, type MethodDefinition } from "./definition.ts";
export { bakeKnobs, functionOf, functionProgram, offers, weightsOf } from "./function.ts";
export {
  applyGradient,
  applyUpdate,
  averagedWeights,
  type GradientState,
  type GradientStepOptions,
  gradientStep,
  gradientWeights,
  type LossTerms,
  modelOf,
} from "./gradient-step.ts";
export { type HostStepOptions, hostStep } from "./host-step.ts";
export type { HuggingFaceModel } from "./hugging-face.ts";
export type {
  Autoencoder,
  Batch,
  BatchSpec,
  DataShape,
  FunctionDescription,
  FunctionInput,
  FunctionName,
  Iteration,
  Method,
  Metrics,
  ModelFunction,
  Phase,
  PhaseProgram,
  ProgramInputs,
  ProgramOutputs,
} from "./method.ts";
export {
  initialState,
  iteratePhase,
  onlyProgram,
  phaseProgram,
  scalarMetrics,
  specsOf,
} from "./phase.ts";
export {
  type CarriedGradient,
  carryGradient,
  initPlayer,
  movePlayer,
  noGradient,
  type Player,
} from "./player.ts";
export type {
  BarsDrawing,
  Drawing,
  EllipsesDrawing,
  ImagesDrawing,
  Portrait,
} from "./portrait.ts";
export type { Procedure, ProcedureCall, ProcedureProgress } from "./procedure.ts";
export { type ProjectionOptions, projectionPhase } from "./projection.ts";
