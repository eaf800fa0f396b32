import { compile } from "../onnx/index.ts";
import {
  type FunctionDescription,
  type FunctionName,
  functionOf,
  functionProgram,
  type Method,
  type ModelFunction,
  type Procedure,
  type ProcedureCall,
  specsOf,
} from "../step/index.ts";
import { ReparamError, type Tensor, type Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { type FillOptions, fillInputs, type NamedTensors } from "./functions.ts";

/** A function of a trained model, compiled for the CPU. */
export interface CompiledFunction {
  readonly name: FunctionName;
  readonly definition: FunctionDescription;
  /** Runs once. Inputs left out are drawn, or take their defaults. */
  run(inputs: NamedTensors, options?: FillOptions): Promise<Record<string, Tensor>>;
  /** The same function of other weights of the same shapes. */
  withWeights(weights: Tree<Tensor>): CompiledFunction;
  release(): Promise<void>;
}

export interface CompileFunctionOptions {
  readonly threads?: number;
  /** Of a procedure; its defaults where left out. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Sees how far a procedure is. */
  readonly onProgress?: ProcedureCall["onProgress"] | undefined;
}

/**
 * Compiles a function of a method. Weights are inputs of the program, so that it serves every epoch.
 * Throws if the method does not offer the function.
 */
export async function compileFunction(
  method: Method,
  name: FunctionName,
  weights: Tree<Tensor>,
  options: CompileFunctionOptions = {},
): Promise<CompiledFunction> {
  const procedure = method.procedures?.[name];
  if (procedure !== undefined) return compileProcedure(name, procedure, weights, options);
  if (options.options !== undefined) {
    throw new ReparamError(`${name} of ${method.name} is one graph: it has no options.`);
  }
  return compileDefinition(name, functionOf(method, name), weights, options);
}

/** Compiles a procedure's graphs as they are asked for; they stay until it is released. */
function compileProcedure(
  name: FunctionName,
  procedure: Procedure,
  weights: Tree<Tensor>,
  { options = {}, onProgress = () => undefined, ...compiling }: CompileFunctionOptions,
): CompiledFunction {
  const chosen = procedure.options.parse(options);
  const graphs = new Map<string, Promise<CompiledFunction>>();
  const graph = (wanted: string): Promise<CompiledFunction> => {
    const definition = procedure.functions[wanted];
    if (definition === undefined) throw new ReparamError(`${name} has no graph "${wanted}".`);
    const found = graphs.get(wanted) ?? compileDefinition(name, definition, weights, compiling);
    graphs.set(wanted, found);
    return found;
  };
  const bindTo = (now: Tree<Tensor>): CompiledFunction => ({
    name,
    definition: procedure,
    run: async (inputs, { seed = 0, step = 0, ...filling } = {}) => {
      const draw = { seed, step };
      const outputs = await procedure.run({
        run: async (wanted, given) => (await graph(wanted)).withWeights(now).run(given, draw),
        inputs: fillInputs(name, procedure, inputs, { ...filling, ...draw }),
        ...{ options: chosen, seed, chunk: step, onProgress },
      });
      return { ...outputs };
    },
    withWeights: bindTo,
    release: async () => {
      for (const compiled of graphs.values()) await (await compiled).release();
      graphs.clear();
    },
  });
  return bindTo(weights);
}

/** Compiles a function that is not among a method's own: that of a procedure, or of an earlier phase. */
export async function compileDefinition(
  name: FunctionName,
  definition: ModelFunction,
  weights: Tree<Tensor>,
  { threads = 2 }: { readonly threads?: number } = {},
): Promise<CompiledFunction> {
  const { build, example } = functionProgram(name, definition, specsOf(weights));
  const program = await compile<object, Readonly<Record<string, Value>>>(
    (inputs) => build(inputs),
    example,
    { threads },
  );
  const bindTo = (now: Tree<Tensor>): CompiledFunction => ({
    name,
    definition,
    run: async (inputs, options = {}) => {
      const filled = fillInputs(name, definition, inputs, options);
      const { seed = 0, step = 0 } = options;
      return { ...(await program.run({ ...filled, weights: now }, { seed, step })) };
    },
    withWeights: bindTo,
    release: () => program.release(),
  });
  return bindTo(weights);
}
