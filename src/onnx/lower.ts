import {
  type Bindings,
  eachLeaf,
  elementCount,
  evaluateShape,
  ReparamError,
  type Size,
  staticShape,
  symbolOf,
  type Tensor,
  type Tree,
} from "../tensor/index.ts";
import { evaluateNode, type Node, type TracedProgram, type Value } from "../trace/index.ts";
import { type BuilderOptions, GraphBuilder } from "./builder.ts";
import type { OnnxGraph, OnnxInput, OnnxNode } from "./graph.ts";

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

/** Constants are computed while compiling up to this many elements; larger ones when running. */
const foldLimit = 4096;

/** Turns a traced program into an ONNX graph for a target. */
export function lowerProgram(program: TracedProgram<unknown>, options: LowerOptions): OnnxGraph {
  const { initializers = new Map<string, Tensor>(), outputPrefix = "", without } = options;
  const outputs = new Map<string, Value>();
  eachLeaf(program.outputs as Tree<Value>, (value, path) => {
    if (options.skip?.has(path) !== true) outputs.set(path === "" ? "result" : path, value);
  });
  const inputs = graphInputs(program, initializers);
  const uses = countUses(program.nodes, outputs);
  const builder = new GraphBuilder(options, symbolSources(inputs), uses);
  for (const [name, tensor] of initializers) {
    if (program.inputs.has(name)) builder.initializers.set(name, tensor);
  }
  const names = lowerNodes(program.nodes, builder);
  const results = [...outputs].map(([path, value]): [string, Value, string] => {
    return [`${outputPrefix}${path}`, value, names.get(value) as string];
  });
  const { nodes, outputs: named } = nameOutputs(builder, results);
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

function countUses(
  nodes: readonly Node[],
  outputs: ReadonlyMap<string, Value>,
): Map<Value, number> {
  const uses = new Map<Value, number>();
  const count = (value: Value): void => {
    uses.set(value, (uses.get(value) ?? 0) + 1);
  };
  for (const node of nodes) node.inputs.forEach(count);
  for (const value of outputs.values()) count(value);
  return uses;
}

function lowerNodes(nodes: readonly Node[], builder: GraphBuilder): Map<Value, string> {
  const names = new Map<Value, string>();
  const folded = new Map<Value, Tensor>();
  const limit = builder.without.has("folding") ? -1 : foldLimit;
  for (const node of nodes) {
    if (fold(node, folded, limit)) {
      for (const y of node.outputs) names.set(y, builder.constant(folded.get(y) as Tensor));
      continue;
    }
    const inputs = node.inputs.map((x) => names.get(x) as string);
    builder.source = node;
    const lowered = node.op.lower(builder, inputs, node, node.attributes);
    for (const [i, y] of node.outputs.entries()) {
      const name = lowered[i];
      if (name === undefined)
        throw new ReparamError(`lowering of ${node.op.name} lacks output ${i}.`);
      names.set(y, name);
    }
  }
  return names;
}

const noBindings: Bindings = new Map();

/** Computes a node on the host when all it reads is known now. Returns whether it did. */
function fold(node: Node, folded: Map<Value, Tensor>, limit: number): boolean {
  if (node.op.name === "input" || !node.inputs.every((x) => folded.has(x))) return false;
  for (const { shape } of node.outputs) {
    const known = staticShape(shape);
    if (known === undefined) return false;
    const count = elementCount(evaluateShape(known, noBindings));
    if (count > limit && node.op.name !== "constant") return false;
  }
  if (node.op.name === "size") {
    // Its result is a scalar, but its size may be known only when running.
    if (typeof node.attributes.size !== "number") return false;
  }
  evaluateNode(node, folded, noBindings);
  return true;
}

/** Gives results their public names; an Identity node where a tensor already has another name. */
function nameOutputs(
  builder: GraphBuilder,
  results: readonly (readonly [string, Value, string])[],
): { nodes: OnnxNode[]; outputs: OnnxInput[] } {
  const produced = new Set(builder.nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const copies: OnnxNode[] = [];
  for (const [name, , tensor] of results) {
    if (produced.has(tensor) && !renamed.has(tensor)) {
      renamed.set(tensor, name);
    } else {
      const source = renamed.get(tensor) ?? tensor;
      copies.push({
        op: "Identity",
        inputs: [source],
        outputs: [name],
        attributes: {},
        domain: "",
      });
    }
  }
  const rename = (name: string): string => renamed.get(name) ?? name;
  const nodes = builder.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  const outputs = results.map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  return { nodes: [...nodes, ...copies], outputs };
}

/** Drops nodes whose outputs nobody reads. */
function withoutDeadNodes(nodes: readonly OnnxNode[], outputs: readonly OnnxInput[]): OnnxNode[] {
  const read = new Set(outputs.map(({ name }) => name));
  const kept: OnnxNode[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as OnnxNode;
    if (!node.outputs.some((name) => read.has(name))) continue;
    for (const name of node.inputs) read.add(name);
    kept.push(node);
  }
  return kept.reverse();
}

function usedOnly(
  initializers: ReadonlyMap<string, Tensor>,
  nodes: readonly OnnxNode[],
): Map<string, Tensor> {
  const read = new Set(nodes.flatMap((node) => node.inputs));
  return new Map([...initializers].filter(([name]) => read.has(name)));
}
