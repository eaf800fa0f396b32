import type { DType, Shape, Tensor } from "../tensor/index.ts";
import type { ScanBody } from "./scan-body.ts";
import type { Value } from "./value.ts";

/** Value of an ONNX attribute: an integer, a float (wrapped, so that 1 can be one), text, or integers. */
export type OnnxAttribute = number | { readonly float: number } | string | readonly number[];
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** ONNX's numbers of element types (TensorProto.DataType). */
export const elementTypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

/**
 * Where a graph will run. `cpu`, `wasm` and `webgpu` may use what ONNX Runtime has beyond the standard;
 * `export` is standard operators only, for any runtime.
 */
export type Target = "cpu" | "wasm" | "webgpu" | "export";

/** What a lowering rule writes to. Equal nodes are emitted once, so rules may repeat shared work. */
export interface Lowering {
  readonly target: Target;
  /** Emits a node with one output and returns its name. An empty input name means "absent". */
  emit(op: string, inputs: readonly string[], attributes?: OnnxAttributes, domain?: string): string;
  /** Emits a node with several outputs. */
  emitAll(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes?: OnnxAttributes,
    domain?: string,
  ): readonly string[];
  /** Name of an initializer holding the tensor. */
  constant(value: Tensor): string;
  /** Name of a one-dimensional int64 constant. */
  integers(values: readonly number[]): string;
  /** Name of a one-dimensional int64 tensor with the sizes, computed in the graph where symbolic. */
  shape(shape: Shape): string;
  /** Reshapes; uses one −1 for a single symbolic axis, which costs nothing. */
  reshape(x: string, shape: Shape): string;
  /** Emits a step that is done for every element of sequences; operands are states, sequences and what it captures. */
  scan(body: ScanBody, operands: readonly string[]): readonly string[];
  /** Forms of operations that are not to be taken. */
  readonly without: ReadonlySet<string>;
  /** Channels in a block of the processor's blocked convolution; 0 without one. */
  readonly block: number;
  /** How many places of the program read this value. */
  uses(value: Value): number;
}
