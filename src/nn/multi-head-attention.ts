import { concat, matmul, reshape, split, transpose } from "../ops/index.ts";
import { formatShape, ReparamError, ShapeError, type Size, tensorOf } from "../tensor/index.ts";
import { currentTrace, type Key, type Operand, type Value } from "../trace/index.ts";
import { type AttentionMask, scaledDotProductAttention } from "./attention.ts";
import type { Initializer } from "./initializers.ts";
import { checkCounts, initLinear, type LinearParams, linear } from "./linear.ts";
import { rotary } from "./positions.ts";
import type { Scope } from "./scope.ts";

/** Sizes of an attention layer. */
export interface AttentionSizes {
  readonly heads: number;
  /** Heads of keys and values, shared by groups of query heads; `heads` by default. */
  readonly keyValueHeads?: number;
  /** Of a query and a key; features/heads by default. */
  readonly keySize?: number;
  /** Of a value; features/heads by default. */
  readonly headSize?: number;
}

/**
 * project: to queries, keys and values one after the other, [features, h·k + g·k + g·d]; out [h·d, features];
 * with talking heads, mix [h, h].
 */
export type AttentionParams = {
  readonly project: LinearParams;
  readonly out: LinearParams;
  readonly mix?: Value;
};

export interface InitAttentionOptions extends AttentionSizes {
  readonly features: number;
  /** Whether the projections have biases; true by default. */
  readonly bias?: boolean;
  /** Mixes the logits of the heads by a learned matrix, the identity at first. */
  readonly talkingHeads?: boolean;
  readonly initializer?: Initializer;
}

export interface AttentionCache {
  /** Keys [B, g, S, k] and values [B, g, S, d] of earlier positions. */
  readonly keys: Value;
  readonly values: Value;
}

export interface MultiHeadAttentionOptions extends AttentionSizes {
  readonly mask?: AttentionMask;
  readonly bias?: Value;
  readonly scale?: number;
  /** Rotates queries and keys by position, from `offset` on (default: 0). */
  readonly rotary?: { readonly offset?: Operand; readonly base?: number };
  /** Earlier keys and values, which come before those of x. */
  readonly cache?: AttentionCache;
  /** What keys and values are made of, [B, S, features]; x by default. */
  readonly memory?: Value;
  readonly dropout?: { readonly rate: number; readonly scope: Scope };
}

interface FullSizes {
  readonly heads: number;
  readonly groups: number;
  readonly keySize: number;
  readonly headSize: number;
}

function sizesOf(features: number, sizes: AttentionSizes): FullSizes {
  const { heads, keyValueHeads: groups = heads } = sizes;
  const { keySize = features / heads, headSize = features / heads } = sizes;
  checkCounts("multiHeadAttention", { heads, keyValueHeads: groups, keySize, headSize });
  if (heads % groups !== 0) {
    throw new ReparamError(
      `multiHeadAttention: ${groups} heads of keys and values do not divide ${heads} heads.`,
    );
  }
  return { heads, groups, keySize, headSize };
}

/** Parameters of an attention layer whose key size and head size need not be features/heads. */
export function initMultiHeadAttention(key: Key, options: InitAttentionOptions): AttentionParams {
  const { features, bias = true, initializer, talkingHeads = false } = options;
  const { heads, groups, keySize, headSize } = sizesOf(features, options);
  const layer = { bias, ...(initializer && { initializer }) };
  const columns = heads * keySize + groups * (keySize + headSize);
  const project = initLinear(key.at("project"), features, columns, layer);
  const out = initLinear(key.at("out"), heads * headSize, features, layer);
  if (!talkingHeads) return { project, out };
  const identity = Array.from({ length: heads * heads }, (_, i) =>
    Math.floor(i / heads) === i % heads ? 1 : 0,
  );
  return { project, out, mix: currentTrace().constant(tensorOf(identity, [heads, heads])) };
}

/** Multi-head attention of x [B, T, features] to itself or to a memory → [B, T, features]. */
export const multiHeadAttention = (
  params: AttentionParams,
  x: Value,
  options: MultiHeadAttentionOptions,
): Value => cachedAttention(params, x, options).y;

/** The same, with all keys and values so far: the cache of the next call. */
export function cachedAttention(
  params: AttentionParams,
  x: Value,
  options: MultiHeadAttentionOptions,
): { readonly y: Value; readonly cache: AttentionCache } {
  const features = params.project.weight.size(0) as number;
  if (x.rank !== 3 || x.size(-1) !== features) {
    throw new ShapeError(
      "multiHeadAttention",
      `x must be [batch, length, ${features}], got ${formatShape(x.shape)}.`,
    );
  }
  const sizes = sizesOf(features, options);
  let [q, keys, values] = project(params.project, x, options.memory, sizes) as [
    Value,
    Value,
    Value,
  ];
  if (options.rotary !== undefined) {
    q = rotary(q, options.rotary);
    keys = rotary(keys, options.rotary);
  }
  if (options.cache !== undefined) {
    keys = concat([options.cache.keys, keys], 2);
    values = concat([options.cache.values, values], 2);
  }
  const { mask, bias, scale, dropout } = options;
  const y = scaledDotProductAttention(q, keys, values, {
    ...(mask !== undefined && { mask }),
    ...(bias !== undefined && { bias }),
    ...(scale !== undefined && { scale }),
    ...(dropout !== undefined && { dropout }),
    ...(params.mix !== undefined && { mix: talkingHeads(params.mix) }),
  });
  const joined = reshape(transpose(y, [0, 2, 1, 3]), [
    x.size(0),
    x.size(1),
    sizes.heads * sizes.headSize,
  ]);
  return { y: linear(params.out, joined), cache: { keys, values } };
}

/**
 * logits'[b, i] = Σ_j matrix[i, j]·logits[b, j] over the heads (Shazeer et al., "Talking-Heads Attention",
 * 2020, without its second mixing): for [B, h, T, S] and matrix [h', h].
 */
export const talkingHeads =
  (matrix: Value) =>
  (logits: Value): Value => {
    const [B, h, T, S] = logits.shape as [Size, Size, Size, Size];
    const mixed = matmul(matrix, reshape(logits, [B, h, -1]));
    return reshape(mixed, [B, matrix.size(0), T, S]);
  };

/** Queries [B, h, T, k], keys [B, g, S, k], values [B, g, S, d]: one product where all are made of x. */
function project(
  { weight, bias }: LinearParams,
  x: Value,
  memory: Value | undefined,
  { heads, groups, keySize, headSize }: FullSizes,
): readonly Value[] {
  const all = bias === undefined ? { weight } : { weight, bias };
  const widths = [heads * keySize, groups * keySize, groups * headSize] as const;
  const counts = [heads, groups, groups];
  if (memory === undefined && keySize === headSize) {
    // Heads of one size are put in order before they are parted: one transposition for all. (B,h+2g,T,k)
    return split(byHead(linear(all, x), heads + 2 * groups), 1, counts);
  }
  if (memory === undefined) {
    const columns = split(linear(all, x), -1, widths);
    return columns.map((y, i) => byHead(y, counts[i] as number));
  }
  const inTwo = [widths[0], widths[1] + widths[2]];
  const weights = split(weight, 1, inTwo);
  const biases = bias && split(bias, 0, inTwo);
  const layer = (i: number): LinearParams => ({
    weight: weights[i] as Value,
    ...(biases && { bias: biases[i] as Value }),
  });
  const [keys, values] = split(linear(layer(1), memory), -1, widths.slice(1)) as [Value, Value];
  return [byHead(linear(layer(0), x), heads), byHead(keys, groups), byHead(values, groups)];
}

/** [B, T, heads·size] → [B, heads, T, size]. */
const byHead = (x: Value, heads: number): Value =>
  transpose(
    reshape(x, [...x.shape.slice(0, 2), heads, (x.size(-1) as number) / heads]),
    [0, 2, 1, 3],
  );
