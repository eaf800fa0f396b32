import {
  leafMap,
  type MapLeaves,
  type Tensor,
  type TensorSpec,
  type Tree,
} from "../tensor/index.ts";
import { trace, type Value } from "../trace/index.ts";
import { encodeModel } from "./encode.ts";
import { lowerProgram } from "./lower.ts";

export interface ExportOptions {
  /** Name of the graph. */
  readonly name: string;
  /** Method, preprocessing, data: whatever the reader of the file should know. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ExportedModel {
  readonly bytes: Uint8Array;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * A function of symbolic values as a self-contained ONNX file: standard operators of opset 18 only, so
 * that any runtime reads it. `example` is `{ weights, ...inputs }`; its weights are stored in the file,
 * the other leaves are its inputs, and the record returned gives its outputs.
 */
export function exportModel<Example extends { readonly weights?: unknown }>(
  build: (
    inputs: MapLeaves<Example, TensorSpec | Tensor, Value>,
  ) => Readonly<Record<string, Value>>,
  example: Example,
  { name, metadata = {} }: ExportOptions,
): ExportedModel {
  const traced = trace(build, example);
  const weights = leafMap<Tensor>({ weights: (example.weights ?? {}) as Tree<Tensor> });
  const graph = lowerProgram(traced, {
    target: "export",
    name,
    initializers: weights,
    metadata: new Map(Object.entries(metadata)),
  });
  return {
    bytes: encodeModel(graph),
    inputs: graph.inputs.map((input) => input.name),
    outputs: graph.outputs.map((output) => output.name),
  };
}
