import { elementCount, evaluateShape, type Shape } from "../tensor/index.ts";
import { type Node, trace, type Value } from "../trace/index.ts";
import type { ImportedModel } from "./from-onnx.ts";

/** What one layer of a model consists of, and what it costs at given sizes of the free dimensions. */
export interface LayerCost {
  /** From the names of the file's nodes; the operator where they say nothing. */
  readonly layer: string;
  /** Shape of what the layer gives last. */
  readonly output: Shape;
  /** Numbers that belong to this layer and no earlier one. */
  readonly parameters: number;
  /** Products and sums of matrix products and convolutions, counted as two operations each. */
  readonly operations: number;
}

/** Layers in the order in which they are computed. `sizes` has the free dimensions; those that it lacks are 1. */
export function layerCosts(
  model: ImportedModel,
  sizes: Readonly<Record<string, number>> = {},
): LayerCost[] {
  const { weights, inputs } = model;
  const program = trace(({ weights: w, inputs: x }) => model.apply(w, x), { weights, inputs });
  const bindings = new Map(Object.entries(sizes));
  for (const { shape } of Object.values(inputs)) {
    for (const size of shape) {
      if (typeof size !== "number" && !bindings.has(String(size))) bindings.set(String(size), 1);
    }
  }
  const layers = new Map<string, LayerCost>();
  const counted = new Set<Value>();
  const isWeight = (x: Value): boolean =>
    x.node.op.name === "input" && String(x.node.attributes.path).startsWith("weights.");
  const numbersOf = (shape: Shape): number => elementCount(evaluateShape(shape, bindings));
  for (const node of program.nodes) {
    if (node.op.name === "input" || node.op.name === "constant") continue;
    const layer = node.provenance.layer ?? node.op.name;
    const fresh = node.inputs.filter((x) => isWeight(x) && !counted.has(x));
    for (const x of fresh) counted.add(x);
    const before = layers.get(layer);
    layers.set(layer, {
      layer,
      output: node.outputs[0]?.shape ?? [],
      parameters:
        (before?.parameters ?? 0) + fresh.reduce((sum, { shape }) => sum + numbersOf(shape), 0),
      operations: (before?.operations ?? 0) + operationsOf(node, numbersOf),
    });
  }
  return [...layers.values()];
}

/** 2·(size of the result)·(length of the sums). */
function operationsOf(node: Node, numbersOf: (shape: Shape) => number): number {
  const [a, b] = node.inputs;
  const [y] = node.outputs;
  if (a === undefined || b === undefined || y === undefined) return 0;
  if (node.op.name === "matmul") {
    const inner = a.shape.at(node.attributes.transposeA === true ? -2 : -1);
    return 2 * numbersOf(y.shape) * numbersOf([inner ?? 1]);
  }
  if (node.op.name.startsWith("conv")) {
    // Every number of the kernel meets every place: of the result, or of the input where that is spread out.
    const transposed = node.op.name !== "conv2d";
    const places = numbersOf((transposed ? a : y).shape.slice(2)) * numbersOf([y.size(0)]);
    return 2 * places * numbersOf(b.shape);
  }
  return 0;
}
