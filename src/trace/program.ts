import {
  bindShape,
  type DType,
  eachLeaf,
  evaluateShape,
  evaluateSize,
  fillMask,
  fillNormal,
  fillUniform,
  leaves,
  type MapLeaves,
  mapTree,
  ReparamError,
  type Shape,
  type Size,
  type Tensor,
  type TensorSpec,
  type Tree,
  zeros,
} from "../tensor/index.ts";
import type { Source } from "./trace.ts";
import { Trace, withTrace } from "./trace.ts";
import { type Node, Value } from "./value.ts";

/** A program as data: named inputs, nodes in order, and a tree of outputs. Nothing is computed yet. */
export interface TracedProgram<Outputs = Tree<Value>> {
  /** Arguments by path, in the order of the example. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Random inputs that the program's outputs depend on. */
  readonly noise: readonly Noise[];
  readonly outputs: Outputs;
  /** Every node the outputs depend on, inputs before users. */
  readonly nodes: readonly Node[];
}

/** A block of random numbers that a program reads. */
export interface Noise {
  readonly value: Value;
  readonly name: string;
  readonly kind: "uniform" | "normal" | "mask";
  readonly path: string;
  /** Of a mask: the probability of 1. */
  readonly keep: number;
}

/**
 * Traces `build` over symbolic inputs shaped like `example`, a tree of specs or tensors.
 * The inputs are named by their path in the tree.
 */
export function trace<Example, Outputs>(
  build: (inputs: MapLeaves<Example, TensorSpec | Tensor, Value>) => Outputs,
  example: Example,
): TracedProgram<Outputs> {
  const context = new Trace();
  const inputs = new Map<string, Value>();
  const outputs = withTrace(context, () => {
    const values = mapTree<TensorSpec, Value, Example>(example, (leaf, path) => {
      const value = context.input(path, leaf.dtype, leaf.shape);
      inputs.set(path, value);
      return value;
    });
    return build(values as MapLeaves<Example, TensorSpec | Tensor, Value>);
  });
  const nodes = reachable(leaves<Value>(outputs as Tree<Value>));
  return { inputs, noise: findNoise(nodes), outputs, nodes };
}

/** Nodes that the values depend on, in an order where inputs come before users. */
export function reachable(values: readonly Value[]): readonly Node[] {
  const seen = new Set<Node>();
  const order: Node[] = [];
  const stack: { node: Node; next: number }[] = [];
  for (const value of values) {
    if (!(value instanceof Value)) {
      throw new ReparamError(
        "an output of a program must be a traced value; wrap numbers by constant().",
      );
    }
    if (seen.has(value.node)) continue;
    seen.add(value.node);
    stack.push({ node: value.node, next: 0 });
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        order.push(top.node);
        stack.pop();
      } else if (!seen.has(input.node)) {
        seen.add(input.node);
        stack.push({ node: input.node, next: 0 });
      }
    }
  }
  return order;
}

function findNoise(nodes: readonly Node[]): readonly Noise[] {
  const found: Noise[] = [];
  for (const node of nodes) {
    if (node.op.name !== "input") continue;
    const { source, path: name } = node.attributes as { source: Source; path: string };
    if (source.kind === "argument") continue;
    const { kind, path } = source;
    const keep = source.kind === "mask" ? source.keep : 1;
    found.push({ value: node.outputs[0] as Value, name, kind, path, keep });
  }
  return found;
}

/** Which random numbers a run of a program reads: the seed of the whole, and the count of the run. */
export interface Draw {
  readonly seed: number;
  readonly step: number;
}

/**
 * The host's random numbers for a noise input, of concrete shape. With `steps` above 1 the shape has a
 * first axis of steps, each with the numbers of its own draw.
 */
export function fillNoise(noise: Noise, shape: readonly number[], draw: Draw, steps = 1): Tensor {
  const block = zeros(shape, noise.value.dtype);
  const length = block.data.length / steps;
  for (let i = 0; i < steps; i++) {
    const part = block.data.subarray(i * length, (i + 1) * length);
    const stream = { seed: draw.seed, step: draw.step + i, path: noise.path };
    if (noise.kind === "mask") fillMask(part as Uint8Array, noise.keep, stream);
    else (noise.kind === "normal" ? fillNormal : fillUniform)(part as Float32Array, stream);
  }
  return block;
}

/** Checks inputs against the program and learns the values of its symbols. */
export function bindInputs(
  program: Pick<TracedProgram, "inputs">,
  given: ReadonlyMap<string, Tensor>,
): Map<string, number> {
  const bindings = new Map<string, number>();
  for (const [path, value] of program.inputs) {
    const got = given.get(path);
    if (got === undefined) throw new ReparamError(`input "${path}" is missing.`);
    if (got.dtype !== value.dtype) {
      throw new ReparamError(`input "${path}" wants ${value.dtype}, got ${got.dtype}.`);
    }
    const problem = bindShape(value.shape, got.shape, bindings);
    if (problem !== undefined) throw new ReparamError(`input "${path}" ${problem}.`);
  }
  return bindings;
}

/** Runs a program on the host, one node after the other: slow, exact, and free of any runtime. */
export function evaluate<Outputs>(
  program: TracedProgram<Outputs>,
  inputs: Tree<Tensor>,
  draw: Draw = { seed: 0, step: 0 },
): MapLeaves<Outputs, Value, Tensor> {
  const given = new Map<string, Tensor>();
  eachLeaf(inputs, (leaf, path) => given.set(path, leaf));
  const bindings = bindInputs(program, given);
  const computed = new Map<Value, Tensor>();
  for (const [path, value] of program.inputs) computed.set(value, given.get(path) as Tensor);
  for (const noise of program.noise) {
    computed.set(noise.value, fillNoise(noise, evaluateShape(noise.value.shape, bindings), draw));
  }
  for (const node of program.nodes) {
    if (node.op.name !== "input") evaluateNode(node, computed, bindings);
  }
  return mapTree<Value, Tensor, Outputs>(program.outputs, (value) => computed.get(value) as Tensor);
}

/** Evaluates one node whose inputs are in `computed`, and adds its outputs there. */
export const evaluateNode = (
  node: Node,
  computed: Map<Value, Tensor>,
  bindings: ReadonlyMap<string, number>,
): void => evaluateSized(node, computed, (size) => evaluateSize(size, bindings));

/** The same, by a function that knows every size. */
export function evaluateSized(
  node: Node,
  computed: Map<Value, Tensor>,
  sizeOf: (size: Size) => number,
): void {
  const xs = node.inputs.map((x) => computed.get(x) as Tensor);
  const specs = node.outputs.map(({ dtype, shape }: { dtype: DType; shape: Shape }) => ({
    dtype,
    shape: shape.map(sizeOf),
  }));
  const ys = node.op.evaluate(xs, node.attributes, specs, sizeOf);
  for (const [i, y] of ys.entries()) computed.set(node.outputs[i] as Value, y);
}
