import type { Tensor, TensorSpec, Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";

/**
 * A trained model as an architecture that Hugging Face's libraries know: what goes into `config.json`,
 * `model.safetensors` and `onnx/model.onnx`.
 */
export interface HuggingFaceModel {
  /** Architecture and sizes, without the ids of special tokens. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What a text is put between: nothing, or the tokens for class and separator. */
  readonly template: "plain" | "class-separator";
  /** Parameters by the names that the architecture gives them. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Inputs of the graph by the names that transformers.js feeds. */
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** The graph: its outputs by the names that transformers.js reads. */
  readonly build: (
    weights: Tree<Value>,
    inputs: Readonly<Record<string, Value>>,
  ) => Readonly<Record<string, Value>>;
}
