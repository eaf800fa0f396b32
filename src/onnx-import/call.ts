import { ReparamError, type Size, type Tensor } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import type { FileAttribute, FileNode } from "./file.ts";
import { constantOf, type Known, Sizes, sizesOf, tracedValue } from "./known.ts";
import { type ExternalData, tensorOf } from "./tensors.ts";

/** What an operator makes of its node: its only output, or all of them; undefined for one that it cannot give. */
export type Operator = (call: Call) => Known | readonly (Known | undefined)[];

/** Operators by ONNX name. */
export type Operators = Readonly<Record<string, Operator>>;

/** One node while it is traced: its inputs and attributes, as the rule of its operator reads them. */
export class Call {
  readonly node: FileNode;
  /** Version of the operator set that the file was written for. */
  readonly opset: number;
  readonly #inputs: readonly (Known | undefined)[];
  /** Numbers of the file's weights, for rules that must know them while tracing. */
  readonly #weights: ReadonlyMap<Value, Tensor>;
  readonly #external: ExternalData | undefined;
  readonly #types: ReadonlyMap<string, number>;

  constructor(
    node: FileNode,
    opset: number,
    inputs: readonly (Known | undefined)[],
    weights: ReadonlyMap<Value, Tensor>,
    external: ExternalData | undefined,
    types: ReadonlyMap<string, number> = new Map(),
  ) {
    this.node = node;
    this.opset = opset;
    this.#inputs = inputs;
    this.#weights = weights;
    this.#external = external;
    this.#types = types;
  }

  /** Count of inputs, absent ones in the middle included. */
  get count(): number {
    return this.#inputs.length;
  }

  has(i: number): boolean {
    return this.#inputs[i] !== undefined;
  }

  known(i: number): Known {
    return this.#inputs[i] ?? this.fail(`lacks its input ${i}`);
  }

  value(i: number): Value {
    return tracedValue(this.known(i));
  }

  optional(i: number): Value | undefined {
    return this.has(i) ? this.value(i) : undefined;
  }

  /** Every input that is there. */
  values(): Value[] {
    return this.#inputs.flatMap((input) => (input === undefined ? [] : [tracedValue(input)]));
  }

  /** An input that shapes the result, and so must be known now: sizes, or constant integers. */
  sizes(i: number): readonly Size[] {
    const known = this.known(i);
    const sizes = known instanceof Sizes ? known : sizesOf(known);
    if (sizes !== undefined) return sizes.sizes;
    return this.fail(
      `takes its input ${i} ("${this.node.inputs[i]}") from the data, and the shape of the result with it; shapes must follow from the sizes of the inputs`,
    );
  }

  /** Constant integers. */
  integers(i: number): number[] {
    return this.sizes(i).map((size) =>
      typeof size === "number"
        ? size
        : this.fail(`wants plain numbers as input ${i}, got ${size}; give that axis a fixed size`),
    );
  }

  /** A tensor that must be known now. */
  tensor(i: number): Tensor {
    const known = this.known(i);
    const found = known instanceof Sizes ? undefined : this.#weights.get(known);
    return found ?? constantOf(known) ?? this.fail(`wants a constant as input ${i}`);
  }

  /** Constant numbers. */
  numbers(i: number): number[] {
    return Array.from(this.tensor(i).data as ArrayLike<number | bigint>, Number);
  }

  integer(name: string, otherwise: number): number {
    return this.#attribute(name)?.number ?? otherwise;
  }

  number(name: string, otherwise: number): number {
    return this.#attribute(name)?.number ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    return this.#attribute(name)?.text ?? otherwise;
  }

  list(name: string): readonly number[] | undefined {
    return this.#attribute(name)?.numbers;
  }

  tensorAttribute(name: string): Tensor | undefined {
    const file = this.#attribute(name)?.tensor;
    return file === undefined ? undefined : tensorOf(file, this.#external);
  }

  /** Axes: an input since the given version, an attribute before; undefined where there are none. */
  axes(i: number, inputSince: number): readonly number[] | undefined {
    if (this.opset < inputSince) return this.list("axes");
    return this.has(i) ? this.integers(i) : undefined;
  }

  /** The number of the element type that an input has in the file, where it says so: int8 and int16 are int32 here. */
  fileType(i: number): number | undefined {
    return this.#types.get(this.node.inputs[i] ?? "");
  }

  fail(problem: string): never {
    const { operator, name, outputs } = this.node;
    throw new ReparamError(`fromOnnx: ${operator} (node "${name || outputs[0]}") ${problem}.`);
  }

  #attribute(name: string): FileAttribute | undefined {
    return this.node.attributes.get(name);
  }
}
