export { encodeModel } from "./encode.ts";
export { type ExportedModel, type ExportOptions, exportModel } from "./export.ts";
export type { OnnxGraph, OnnxInput, OnnxNode } from "./graph.ts";
export { type LowerOptions, lowerProgram } from "./lower.ts";
export {
  type CompileTimings,
  compile,
  HeldState,
  hold,
  type Program,
  type ProgramResult,
  type RunInputs,
} from "./program.ts";
export { createSession, type Session, type SessionOptions } from "./session.ts";
