export { encodeModel } from "./encode.ts";
export { type ExportedModel, type ExportOptions, exportModel } from "./export.ts";
export type { OnnxGraph, OnnxInput, OnnxNode } from "./graph.ts";
export { type Pass, type Place, placesOf } from "./layers.ts";
export { type LowerOptions, lowerProgram } from "./lower.ts";
export { type Optimization, passes } from "./passes.ts";
export { blockedChannels } from "./probe.ts";
export type { PlacedKernel, ProgramProfile, ProgramProfiler } from "./profile.ts";
export {
  type CompileOptions,
  type CompileTimings,
  compile,
  HeldState,
  hold,
  type Program,
  type ProgramResult,
  type RunInputs,
  type StepInputs,
  type StepsResult,
} from "./program.ts";
export {
  createSession,
  type Device,
  defaultDevice,
  devices,
  type Session,
  type SessionOptions,
} from "./session.ts";
export { configureWebRuntime, type WebSettings } from "./session-web.ts";
