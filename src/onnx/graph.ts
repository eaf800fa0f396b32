import type { DType, Shape, Tensor } from "../tensor/index.ts";
import type { Node, OnnxAttributes } from "../trace/index.ts";

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
