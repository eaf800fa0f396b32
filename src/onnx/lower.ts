import { eachLeaf, type Size, symbolOf, type Tensor, type Tree } from "../tensor/index.ts";
import type { TracedProgram, Value } from "../trace/index.ts";
import { type BuilderOptions, GraphBuilder } from "./builder.ts";
import {
  nameOutputs,
  type OnnxGraph,
  type OnnxInput,
  type OnnxNode,
  readsOf,
  withoutDeadNodes,
} from "./graph.ts";
import { countUses, lowerNodes } from "./lower-nodes.ts";

export interface LowerOptions extends BuilderOptions {
  readonly name?: string;
  /** Inputs that become initializers of the same name: the weights of an exported model. */
  readonly initializers?: ReadonlyMap<string, Tensor>;
  /** Outputs to leave out, because the caller has them already. */
  readonly skip?: ReadonlySet<string>;
  /** Put before the paths of outputs, where inputs have the same ones. */
  readonly outputPrefix?: string;
  readonly metadata?: ReadonlyMap<string, string>;
}

/** Turns a traced program into an ONNX graph for a target. */
export function lowerProgram(program: TracedProgram<unknown>, options: LowerOptions): OnnxGraph {
  const { initializers = new Map<string, Tensor>(), outputPrefix = "", without } = options;
  const outputs = new Map<string, Value>();
  eachLeaf(program.outputs as Tree<Value>, (value, path) => {
    if (options.skip?.has(path) !== true) outputs.set(path === "" ? "result" : path, value);
  });
  const inputs = graphInputs(program, initializers);
  const uses = countUses(program.nodes, outputs.values());
  const builder = new GraphBuilder(options, symbolSources(inputs), uses);
  for (const [name, tensor] of initializers) {
    if (program.inputs.has(name)) builder.initializers.set(name, tensor);
  }
  const names = lowerNodes(program.nodes, builder);
  const results = [...outputs].map(([path, value]): [string, Value, string] => {
    return [`${outputPrefix}${path}`, value, names.get(value) as string];
  });
  const { nodes, outputs: named } = nameOutputs(builder.nodes, results);
  return {
    name: options.name ?? "reparam",
    nodes: without?.has("dead-code") === true ? nodes : withoutDeadNodes(nodes, named),
    initializers: usedOnly(builder.initializers, nodes),
    inputs,
    outputs: named,
    opsets: new Map([...builder.domains].map((domain) => [domain, domain === "" ? 18 : 1])),
    metadata: options.metadata ?? new Map(),
  };
}

/** Arguments that are read (or must be given anyway) and noise, in a stable order. */
function graphInputs(
  program: TracedProgram<unknown>,
  initializers: ReadonlyMap<string, Tensor>,
): OnnxInput[] {
  const inputs: OnnxInput[] = [];
  for (const [name, { dtype, shape }] of program.inputs) {
    if (!initializers.has(name)) inputs.push({ name, dtype, shape });
  }
  for (const { name, value } of program.noise) {
    inputs.push({ name, dtype: value.dtype, shape: value.shape });
  }
  return inputs;
}

function symbolSources(inputs: readonly OnnxInput[]): Map<string, { input: string; axis: number }> {
  const sources = new Map<string, { input: string; axis: number }>();
  for (const { name, shape } of inputs) {
    for (const [axis, size] of shape.entries()) {
      const symbol = symbolOf(size as Size);
      if (symbol !== undefined && !sources.has(symbol)) sources.set(symbol, { input: name, axis });
    }
  }
  return sources;
}

function usedOnly(
  initializers: ReadonlyMap<string, Tensor>,
  nodes: readonly OnnxNode[],
): Map<string, Tensor> {
  const read = new Set(nodes.flatMap(readsOf));
  return new Map([...initializers].filter(([name]) => read.has(name)));
}
