import { constant, sizeValue, stack } from "../ops/index.ts";
import { elementCount, type Size, staticShape, type Tensor } from "../tensor/index.ts";
import { evaluateNode, type Value } from "../trace/index.ts";

/**
 * Integers that are sizes, maybe symbolic: what `Shape` gives and reshaping reads. They stay expressions as long as
 * arithmetic on them does, so that a model keeps its free dimensions.
 */
export class Sizes {
  readonly sizes: readonly Size[];
  /** One size without an axis, in place of a list. */
  readonly scalar: boolean;

  constructor(sizes: readonly Size[], scalar = false) {
    this.sizes = sizes;
    this.scalar = scalar;
  }
}

/** What a name of the file stands for while its graph is traced. */
export type Known = Value | Sizes;

/** The traced int64 tensor of sizes. */
export function tracedValue(known: Known): Value {
  if (!(known instanceof Sizes)) return known;
  const zero = constant(0, "int64");
  const numbers = known.sizes.map((size) => {
    const operand = sizeValue(size, zero);
    return typeof operand === "number" ? constant(operand, "int64") : operand;
  });
  if (known.scalar) return numbers[0] as Value;
  if (numbers.length === 0) {
    return constant({ dtype: "int64", shape: [0], data: new BigInt64Array(0) });
  }
  return stack(numbers);
}

/** More elements than this are not computed while importing. */
const foldLimit = 1 << 22;
const folded = new WeakMap<Value, Tensor | "open">();

/** The tensor of a value that depends on no input, or undefined. */
export function constantOf(known: Known): Tensor | undefined {
  const value = tracedValue(known);
  const before = folded.get(value);
  if (before !== undefined) return before === "open" ? undefined : before;
  const computed = fold(value);
  folded.set(value, computed ?? "open");
  return computed;
}

function fold(value: Value): Tensor | undefined {
  const { node } = value;
  if (node.op.name === "constant") return node.attributes.value as Tensor;
  if (node.op.name === "input") return undefined;
  if (node.op.name === "size" && typeof node.attributes.size !== "number") return undefined;
  for (const { shape } of node.outputs) {
    const known = staticShape(shape);
    if (known === undefined || elementCount(known) > foldLimit) return undefined;
  }
  const inputs = new Map<Value, Tensor>();
  for (const input of node.inputs) {
    const tensor = constantOf(input);
    if (tensor === undefined) return undefined;
    inputs.set(input, tensor);
  }
  evaluateNode(node, inputs, new Map());
  return inputs.get(value);
}

/** Sizes where they are known: sizes themselves, and constant integers without or with one axis. */
export function sizesOf(known: Known): Sizes | undefined {
  if (known instanceof Sizes) return known;
  if (known.rank > 1) return undefined;
  const tensor = constantOf(known);
  if (tensor === undefined) return undefined;
  const numbers = Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  return numbers.every(Number.isInteger) ? new Sizes(numbers, known.rank === 0) : undefined;
}
