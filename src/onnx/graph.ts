import type { DType, Shape, Tensor } from "../tensor/index.ts";
import type { Node, OnnxAttributes, Value } from "../trace/index.ts";

/** An ONNX graph as plain data, between lowering and encoding. Names are unique in the graph. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly OnnxInput[];
  /** Versions of the operator sets used, by domain; "" is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
  readonly domain: string;
  /** The node of the traced program that it was first made for. */
  readonly source?: Node | undefined;
  /** The graph that a Scan repeats. */
  readonly body?: OnnxGraph;
}

export interface OnnxInput {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Tensors that a node reads, those of the graph around it that its body reads included. */
export const readsOf = ({ inputs, body }: OnnxNode): readonly string[] =>
  body === undefined ? inputs : [...inputs, ...body.nodes.flatMap(readsOf)];

/** The node with other names of tensors, inside of its body too. */
export const renameTensors = (node: OnnxNode, rename: (name: string) => string): OnnxNode => ({
  ...node,
  inputs: node.inputs.map(rename),
  outputs: node.outputs.map(rename),
  ...(node.body && {
    body: { ...node.body, nodes: node.body.nodes.map((inner) => renameTensors(inner, rename)) },
  }),
});

/** Gives results their public names; an Identity node where a tensor already has another name. */
export function nameOutputs(
  made: readonly OnnxNode[],
  results: readonly (readonly [string, Value, string])[],
): { nodes: OnnxNode[]; outputs: OnnxInput[] } {
  const produced = new Set(made.flatMap((node) => node.outputs));
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
  const nodes = made.map((node) => renameTensors(node, rename));
  const outputs = results.map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  return { nodes: [...nodes, ...copies], outputs };
}

/** Drops nodes whose outputs nobody reads. */
export function withoutDeadNodes(
  nodes: readonly OnnxNode[],
  outputs: readonly OnnxInput[],
): OnnxNode[] {
  const read = new Set(outputs.map(({ name }) => name));
  const kept: OnnxNode[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as OnnxNode;
    if (!node.outputs.some((name) => read.has(name))) continue;
    for (const name of readsOf(node)) read.add(name);
    kept.push(node);
  }
  return kept.reverse();
}
