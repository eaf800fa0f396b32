// From nodes of a traced program to ONNX nodes, one after the other.
import {
  type Bindings,
  elementCount,
  evaluateShape,
  ReparamError,
  staticShape,
  type Tensor,
} from "../tensor/index.ts";
import { evaluateNode, type Node, type Value } from "../trace/index.ts";
import type { GraphBuilder } from "./builder.ts";

/** Constants are computed while compiling up to this many elements; larger ones when running. */
const foldLimit = 4096;

/** How many places read each value. */
export function countUses(nodes: readonly Node[], outputs: Iterable<Value>): Map<Value, number> {
  const uses = new Map<Value, number>();
  const count = (value: Value): void => {
    uses.set(value, (uses.get(value) ?? 0) + 1);
  };
  for (const node of nodes) node.inputs.forEach(count);
  for (const value of outputs) count(value);
  return uses;
}

/** Lowers nodes in their order; `names` has the tensors of the values that they read beside each other's. */
export function lowerNodes(
  nodes: readonly Node[],
  builder: GraphBuilder,
  names = new Map<Value, string>(),
): Map<Value, string> {
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
