import type { z } from "zod";
import type { Tensor } from "../tensor/index.ts";
import type { FunctionDescription, ModelFunction } from "./method.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** How far a procedure is; `steps` are 0 where it finds out on the way. */
export interface ProcedureProgress {
  readonly step: number;
  readonly steps: number;
  /** Runs of its main graph so far. */
  readonly evaluations: number;
}

/** What a run of a procedure is given. */
export interface ProcedureCall {
  /** Runs one of the procedure's own functions, by name; what is left out of its inputs is drawn or takes defaults. */
  readonly run: (name: string, inputs: Tensors) => Promise<Tensors>;
  /** All of the procedure's inputs: given, drawn or by default. */
  readonly inputs: Tensors;
  /** By the procedure's schema, checked. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Address of random numbers besides the inputs. */
  readonly seed: number;
  readonly chunk: number;
  readonly onProgress: (progress: ProcedureProgress) => void | Promise<void>;
}

/**
 * A model function that takes many runs of a graph, driven by the host: an iterative sampler. It is used as any
 * function of that name is; where its steps are fixed, `baked` makes one graph of them.
 */
export interface Procedure extends FunctionDescription {
  /** The graphs that it runs. */
  readonly functions: Readonly<Record<string, ModelFunction>>;
  /** Each with a default and a description: the flags of the command line. */
  readonly options: z.ZodObject;
  readonly run: (call: ProcedureCall) => Promise<Tensors>;
  /** The whole as one graph with these options. Throws where that is impossible. */
  readonly baked?: (options: Readonly<Record<string, unknown>>) => ModelFunction;
}
