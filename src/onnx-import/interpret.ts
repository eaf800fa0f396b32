import { constant } from "../ops/index.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { inLayer, type Value } from "../trace/index.ts";
import { Call, type Operator } from "./call.ts";
import type { FileAttribute, FileFunction, FileGraph, FileNode, OnnxFile } from "./file.ts";
import { constantOf, type Known, Sizes } from "./known.ts";
import { operators } from "./operators/index.ts";
import { sizeOperators } from "./operators/sizes.ts";
import { type ExternalData, tensorOf } from "./tensors.ts";

/** Nodes that an unrolled model may have; more is taken for a mistake or an attack. */
const nodeLimit = 200_000;
/** Rounds of a loop that is unrolled. */
const roundLimit = 4096;

export type Names = ReadonlyMap<string, Known>;

/** One pass over a file's graph. */
export class Interpreter {
  readonly #file: OnnxFile;
  readonly #external: ExternalData | undefined;
  readonly #weights: ReadonlyMap<Value, Tensor>;
  readonly #types: ReadonlyMap<string, number>;
  readonly #stored: ReadonlySet<string>;
  #nodes = 0;

  constructor(
    file: OnnxFile,
    weights: ReadonlyMap<Value, Tensor>,
    external: ExternalData | undefined,
  ) {
    this.#file = file;
    this.#weights = weights;
    this.#external = external;
    this.#types = elementTypes(file.graph);
    this.#stored = new Set(file.graph.initializers.keys());
  }

  /** Traces the nodes of a graph; `outer` has its inputs, and the initializers that are traced already. */
  graph(graph: FileGraph, outer: Names): Names {
    const names = new Map(outer);
    for (const [name, tensor] of graph.initializers) {
      if (!names.has(name)) names.set(name, constant(tensorOf(tensor, this.#external)));
    }
    this.#run(graph.nodes, names);
    return names;
  }

  #run(nodes: readonly FileNode[], names: Map<string, Known>): void {
    for (const node of nodes) {
      this.#nodes += 1;
      if (this.#nodes > nodeLimit) {
        throw new ReparamError(`fromOnnx: the model has more than ${nodeLimit} nodes, unrolled.`);
      }
      const results = inLayer(layerOf(node, this.#stored), () => this.#node(node, names));
      for (const [i, name] of node.outputs.entries()) {
        const result = results[i];
        if (name !== "" && result !== undefined) names.set(name, result);
      }
    }
  }

  #node(node: FileNode, names: Names): readonly (Known | undefined)[] {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : lookUp(name, names, node)));
    const opset = this.#file.opsets.get(node.domain) ?? 1;
    const call = new Call(node, opset, inputs, this.#weights, this.#external, this.#types);
    if (node.operator === "If" && node.domain === "") return this.#branch(call, names);
    if (node.operator === "Loop" && node.domain === "") return this.#loop(call, names);
    const own = this.#file.functions.get(`${node.domain}:${node.operator}`);
    if (own !== undefined) return this.#call(own, node, inputs);
    const rule = operatorOf(node);
    if (rule === undefined) throw unsupported([node]);
    try {
      const result = sizeOperators[node.operator]?.(call) ?? rule(call);
      return Array.isArray(result) ? result : [result as Known];
    } catch (error) {
      // A rule that is given nonsense by a damaged file fails in many ways; its node is what is wrong.
      const problem = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
      if (problem.startsWith("fromOnnx")) throw error;
      return call.fail(`does not fit: ${problem.replace(/\.$/, "")}`);
    }
  }

  /** A branch whose condition is known. */
  #branch(call: Call, names: Names): readonly (Known | undefined)[] {
    const condition = constantOf(call.known(0));
    if (condition === undefined) {
      return call.fail("chooses by the data; only a condition that is known can be followed");
    }
    const taken = condition.data[0] ? "then_branch" : "else_branch";
    const body = bodyOf(call, taken);
    const inside = this.graph(body, names);
    return body.outputs.map(({ name }) => lookUp(name, inside, call.node));
  }

  /** A loop with a known count of rounds and a condition that stays true. */
  #loop(call: Call, names: Names): readonly (Known | undefined)[] {
    const body = bodyOf(call, "body");
    const rounds = call.has(0) ? Number(call.numbers(0)[0]) : roundLimit + 1;
    let going = call.has(1) ? call.numbers(1)[0] !== 0 : true;
    const carriedCount = call.count - 2;
    let carried = Array.from({ length: carriedCount }, (_, i) => call.known(i + 2));
    const collected: Known[][] = body.outputs.slice(1 + carriedCount).map(() => []);
    for (let round = 0; round < rounds && going; round++) {
      if (round >= roundLimit) call.fail(`goes on for more than ${roundLimit} rounds`);
      const given: Known[] = [new Sizes([round], true), constant(1, "bool"), ...carried];
      const outer = new Map(names);
      for (const [i, { name }] of body.inputs.entries()) outer.set(name, given[i] as Known);
      const inside = this.graph(body, outer);
      const [condition, ...results] = body.outputs.map(({ name }) =>
        lookUp(name, inside, call.node),
      );
      const known = constantOf(condition as Known);
      if (known === undefined) return call.fail("ends by the data; its rounds must be known");
      going = known.data[0] !== 0;
      carried = results.slice(0, carriedCount);
      for (const [i, list] of collected.entries()) list.push(results[carriedCount + i] as Known);
    }
    const stackAll = operators.ConcatFromSequence as Operator;
    return [...carried, ...collected.map((list) => stacked(call, list, stackAll))];
  }

  /** An operator that the file defines. */
  #call(
    definition: FileFunction,
    node: FileNode,
    inputs: readonly (Known | undefined)[],
  ): readonly (Known | undefined)[] {
    const names = new Map<string, Known>();
    for (const [i, name] of definition.inputs.entries()) {
      const given = inputs[i];
      if (given !== undefined) names.set(name, given);
    }
    const attributes = new Map([...definition.defaults, ...node.attributes]);
    this.#run(
      definition.nodes.map((inner) => withAttributes(inner, attributes)),
      names,
    );
    return definition.outputs.map((name) => names.get(name));
  }
}

/** Attributes of a function's body that refer to those of its call. */
function withAttributes(node: FileNode, given: ReadonlyMap<string, FileAttribute>): FileNode {
  const attributes = new Map<string, FileAttribute>();
  for (const [name, attribute] of node.attributes) {
    const value = attribute.reference === undefined ? attribute : given.get(attribute.reference);
    if (value !== undefined) attributes.set(name, value);
  }
  return { ...node, attributes };
}

function stacked(call: Call, list: readonly Known[], stackAll: Operator): Known {
  if (list.length === 0) return call.fail("collects nothing, as it has no rounds");
  const names = list.map((_, i) => String(i));
  const attributes = new Map<string, FileAttribute>([
    ["new_axis", { number: 1, numbers: [], texts: [] }],
  ]);
  const node = { ...call.node, inputs: names, attributes };
  return stackAll(new Call(node, call.opset, list, new Map(), undefined)) as Known;
}

function lookUp(name: string, names: Names, node: FileNode): Known {
  const known = names.get(name);
  if (known !== undefined) return known;
  throw new ReparamError(
    `fromOnnx: ${node.operator} (node "${node.name}") reads "${name}", which nothing before it makes: the graph is out of order or has a cycle.`,
  );
}

function bodyOf(call: Call, name: string): FileGraph {
  return call.node.attributes.get(name)?.graph ?? call.fail(`lacks its ${name}`);
}

/**
 * The layer of a node, for profiles and listings: "/encoder/layers.0/MatMul" belongs to encoder.layers.0, a node that
 * reads encoder.0.weight to encoder.0, and others go by their operator.
 */
function layerOf({ name, operator, inputs }: FileNode, weights: ReadonlySet<string>): string {
  const parts = name.split("/").filter(Boolean);
  if (parts.length > 1) return parts.slice(0, -1).join(".");
  const weight = inputs.find((input) => weights.has(input) && input.includes("."));
  return weight === undefined ? operator : weight.split(".").slice(0, -1).join(".");
}

/** Domains whose operators are those of ONNX. */
const standard = new Set(["", "com.microsoft"]);

export const operatorOf = (node: FileNode): Operator | undefined =>
  standard.has(node.domain) && Object.hasOwn(operators, node.operator)
    ? operators[node.operator]
    : undefined;

/** Nodes of a file that no rule knows, in the bodies of control flow too. */
export function unsupportedNodes(file: OnnxFile): FileNode[] {
  const found: FileNode[] = [];
  const visit = (nodes: readonly FileNode[]): void => {
    for (const node of nodes) {
      const known = ["If", "Loop"].includes(node.operator) && node.domain === "";
      const own = file.functions.has(`${node.domain}:${node.operator}`);
      if (!known && !own && operatorOf(node) === undefined) found.push(node);
      for (const { graph } of node.attributes.values()) if (graph !== undefined) visit(graph.nodes);
    }
  };
  visit(file.graph.nodes);
  for (const { nodes } of file.functions.values()) visit(nodes);
  return found;
}

/** What could stand in the place of some operators that are not here. */
const replacements: Readonly<Record<string, string>> = {
  NonZero: "masks and Where, whose shapes do not depend on the data",
  Scan: "a Loop with a known count",
  NonMaxSuppression: "leave it out of the graph and do it on the host",
  GridSample: "Resize, where the grid is regular",
};

export function unsupported(nodes: readonly FileNode[]): ReparamError {
  const seen = new Map<string, string>();
  for (const { operator, domain, name, outputs } of nodes) {
    const full = domain === "" ? operator : `${domain}.${operator}`;
    const advice = replacements[operator];
    const hint = advice === undefined ? "" : `, in its place: ${advice}`;
    if (!seen.has(full)) seen.set(full, `${full} (node "${name || outputs[0]}"${hint})`);
  }
  return new ReparamError(
    `fromOnnx: operators that are not supported: ${[...seen.values()].join("; ")}.`,
  );
}

/** Element types of the file by name, of what is given or stored. */
function elementTypes({ inputs, initializers, nodes }: FileGraph): Map<string, number> {
  const types = new Map<string, number>();
  for (const { name, type } of inputs) types.set(name, type);
  for (const [name, { type }] of initializers) types.set(name, type);
  for (const { outputs, attributes } of nodes) {
    const tensor = attributes.get("value")?.tensor;
    if (tensor !== undefined && outputs[0] !== undefined) types.set(outputs[0], tensor.type);
  }
  return types;
}
