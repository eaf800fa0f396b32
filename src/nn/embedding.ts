import { gather } from "../ops/index.ts";
import { ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { type Initializer, normal } from "./initializers.ts";
import { checkCounts } from "./linear.ts";

/** weight [vocabulary, features]: one row a symbol. */
export type EmbeddingParams = { readonly weight: Value };

export interface EmbeddingOptions {
  /** Standard normal by default, as in PyTorch. */
  readonly initializer?: Initializer;
}

/** A table with a vector of `features` numbers for each of `vocabulary` symbols. */
export function initEmbedding(
  key: Key,
  vocabulary: number,
  features: number,
  { initializer = normal(1) }: EmbeddingOptions = {},
): EmbeddingParams {
  checkCounts("initEmbedding", { vocabulary, features });
  const fans = { fanIn: vocabulary, fanOut: features };
  return { weight: initializer(key.at("weight"), [vocabulary, features], fans) };
}

/** Rows of the table: integer indices [...] → [..., features]. */
export function embedding({ weight }: EmbeddingParams, indices: Value): Value {
  if (indices.dtype !== "int32" && indices.dtype !== "int64") {
    throw new ShapeError(
      "embedding",
      `indices must be int32 or int64, got ${indices}. Use cast().`,
    );
  }
  return gather(weight, indices, 0);
}
