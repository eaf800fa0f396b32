export { Key, mask, normal, uniform } from "./key.ts";
export {
  elementTypes,
  type Lowering,
  type OnnxAttribute,
  type OnnxAttributes,
  type Target,
} from "./lowering.ts";
export {
  type Attributes,
  allOperations,
  defineOp,
  type EvaluatedSpec,
  type GradContext,
  likeFirst,
  type Op,
  type OpDefinition,
  operation,
} from "./op.ts";
export { print } from "./print.ts";
export {
  bindInputs,
  type Draw,
  evaluate,
  evaluateNode,
  fillNoise,
  type Noise,
  reachable,
  type TracedProgram,
  trace,
} from "./program.ts";
export { evaluateStep, ScanBody } from "./scan-body.ts";
export { constantOp, inputOp } from "./sources.ts";
export { currentTrace, inLayer, type Source, Trace, traceOf, withTrace } from "./trace.ts";
export { Node, type Operand, type Provenance, Value } from "./value.ts";
