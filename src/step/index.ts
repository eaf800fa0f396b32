export { type CatalogueEntry, defineMethod, type MethodDefinition } from "./definition.ts";
export { functionOf, functionProgram, weightsOf } from "./function.ts";
export {
  applyGradient,
  type GradientState,
  type GradientStepOptions,
  gradientStep,
  type LossTerms,
} from "./gradient-step.ts";
export type {
  Batch,
  BatchSpec,
  DataShape,
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
export { initialState, iteratePhase, phaseProgram, scalarMetrics, specsOf } from "./phase.ts";
