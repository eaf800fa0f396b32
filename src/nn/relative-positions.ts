import { matmul, pad, range, reshape, sizeValue, slice, transpose } from "../ops/index.ts";
import { addSize, type DType, mulSize, ShapeError, type Size, subSize } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { type Initializer, normal } from "./initializers.ts";
import { initLinear, type LinearParams, linear } from "./linear.ts";
import { sinusoidal } from "./positions.ts";

/**
 * project [features, h·k] takes the sinusoids of a distance to a key; content and position, both [h·k], stand
 * for the query where its own position would have been read.
 */
export type RelativeParams = {
  readonly project: LinearParams;
  readonly content: Value;
  readonly position: Value;
};

export interface RelativeSizes {
  readonly features: number;
  readonly heads: number;
  readonly keySize: number;
}

export function initRelativePositions(
  key: Key,
  { features, heads, keySize }: RelativeSizes,
  initializer: Initializer = normal(0.02),
): RelativeParams {
  if (features % 2 !== 0) {
    throw new ShapeError("relative positions", `features must be even, got ${features}.`);
  }
  const size = heads * keySize;
  const fans = { fanIn: features, fanOut: size };
  return {
    project: initLinear(key.at("project"), features, size, { bias: false, initializer }),
    content: initializer(key.at("content"), [size], fans),
    position: initializer(key.at("position"), [size], fans),
  };
}

export interface RelativeLogits {
  /** The queries with what they ask of content alone, q + u. */
  readonly q: Value;
  /** What they ask of distances, (q + v)·R(i − j)·scale: [B, h, T, S], to be added to scaled logits. */
  readonly bias: Value;
}

/**
 * Logits by distance (Dai et al., "Transformer-XL", 2019, section 3.3): of the four terms
 *   q·k + q·(W R(i − j)) + u·k + v·(W R(i − j))
 * the first and third are the product of q + u with the keys, the others the bias. q [B, h, T, k] are the last T
 * of S positions; R(i − j) are sinusoids of a distance. Where `causal`, keys after a query get numbers without
 * meaning, for the mask to hide.
 */
export function relativeLogits(
  params: RelativeParams,
  q: Value,
  S: Size,
  { scale, causal }: { readonly scale: number; readonly causal: boolean },
): RelativeLogits {
  const [, heads, T, keySize] = q.shape as [Size, number, Size, number];
  const perHead = (x: Value): Value => reshape(x, [heads, 1, keySize]);
  const features = params.project.weight.size(0) as number;
  // From S − 1 down to 0, and where the future is seen too, on to −(T − 1).
  const count = causal ? S : subSize(addSize(S, T), 1);
  const table = distances(S, count, q.dtype);
  const encoded = linear(params.project, sinusoidal(table, features)); // (count, h·k)
  const keys = transpose(reshape(encoded, [count, heads, keySize]), [1, 0, 2]); // (h, count, k)
  const asked = q.add(perHead(params.position)).mul(scale);
  const byDistance = matmul(asked, keys, { transposeB: true }); // (B, h, T, count)
  return { q: q.add(perHead(params.content)), bias: shifted(byDistance, S) };
}

/** S − 1, S − 2, …: the distances of the columns. */
function distances(S: Size, count: Size, dtype: DType): Value {
  const down = range(count, dtype).neg();
  return down.add(sizeValue(subSize(S, 1), down));
}

/**
 * From columns by distance, from S − 1 down, to columns by key: row i's are those from T − 1 − i on. Each row is
 * one longer than it was, read one shorter: by appendix B of the paper.
 */
function shifted(x: Value, S: Size): Value {
  const [B, heads, T, count] = x.shape as [Size, Size, Size, Size];
  const wide = addSize(count, 1);
  const line = reshape(pad(x, { 3: [0, 1] }), [B, heads, mulSize(T, wide)]);
  const start = subSize(T, 1);
  const cut = slice(line, -1, start, addSize(start, mulSize(T, count)));
  return slice(reshape(cut, [B, heads, T, count]), -1, 0, S);
}
