import {
  concat,
  equal,
  range,
  reshape,
  sizeValue,
  split,
  sub,
  transpose,
  where,
} from "../ops/index.ts";
import { formatShape, ReparamError, ShapeError, subSize } from "../tensor/index.ts";
import type { Key, Operand, Value } from "../trace/index.ts";
import { type AttentionMask, scaledDotProductAttention } from "./attention.ts";
import type { Initializer } from "./initializers.ts";
import { checkCounts, initLinear, type LinearParams, linear } from "./linear.ts";
import { alibiBias, rotary } from "./positions.ts";
import {
  initRelativePositions,
  type RelativeParams,
  relativeLogits,
} from "./relative-positions.ts";
import type { Scope } from "./scope.ts";
import {
  initTalkingHeads,
  type TalkingHeadsOptions,
  type TalkingHeadsParams,
  talkingHeads,
} from "./talking-heads.ts";

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
 * beside them what talking heads and relative positions learn.
 */
export type AttentionParams = TalkingHeadsParams & {
  readonly project: LinearParams;
  readonly out: LinearParams;
  readonly relative?: RelativeParams;
};

export interface InitAttentionOptions extends AttentionSizes, TalkingHeadsOptions {
  readonly features: number;
  /** Whether the projections have biases; true by default. */
  readonly bias?: boolean;
  /** Whether logits depend on distances by learned projections of sinusoids. */
  readonly relative?: boolean;
  readonly initializer?: Initializer;
  /** Of the weight of `out`; `initializer` by default. */
  readonly outInitializer?: Initializer;
  readonly biasInitializer?: Initializer;
}

export interface AttentionCache {
  /** Keys [B, g, S, k] and values [B, g, S, d] of earlier positions. */
  readonly keys: Value;
  readonly values: Value;
  /**
   * Of a cache that has room for all S positions from the start: the place of the one row of x, a scalar. What is
   * there is replaced; a mask must hide the places after it.
   */
  readonly position?: Value;
}

export interface MultiHeadAttentionOptions extends AttentionSizes {
  readonly mask?: AttentionMask;
  readonly visible?: Value;
  readonly bias?: Value;
  readonly scale?: number;
  /**
   * Rotates queries and keys by position. `offset` is that of the first query, 0 by default; keys of a memory
   * end where the queries do.
   */
  readonly rotary?: { readonly offset?: Operand; readonly base?: number };
  /** Lowers the logits by distance (ALiBi), before heads are mixed. */
  readonly alibi?: boolean;
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
  const { features, bias = true, initializer, outInitializer = initializer } = options;
  const { biasInitializer } = options;
  const { heads, groups, keySize, headSize } = sizesOf(features, options);
  const layer = (of: Initializer | undefined) => ({
    bias,
    ...(of && { initializer: of }),
    ...(biasInitializer && { biasInitializer }),
  });
  const columns = heads * keySize + groups * (keySize + headSize);
  return {
    project: initLinear(key.at("project"), features, columns, layer(initializer)),
    out: initLinear(key.at("out"), heads * headSize, features, layer(outInitializer)),
    ...initTalkingHeads(heads, options),
    ...(options.relative === true && {
      relative: initRelativePositions(
        key.at("relative"),
        { features, heads, keySize },
        initializer,
      ),
    }),
  };
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
    const { offset = 0, ...rest } = options.rotary;
    const earlier = sizeValue(subSize(keys.size(2), q.size(2)), q);
    q = rotary(q, { ...rest, offset });
    keys = rotary(keys, { ...rest, offset: earlier === 0 ? offset : sub(offset, earlier) });
  }
  if (options.cache !== undefined) [keys, values] = remembered(options.cache, keys, values);
  const y = attend(params, [q, keys, values], options, sizes);
  const joined = reshape(transpose(y, [0, 2, 1, 3]), [
    x.size(0),
    x.size(1),
    sizes.heads * sizes.headSize,
  ]);
  return { y: linear(params.out, joined), cache: { keys, values } };
}

/** Earlier keys and values with those of x: behind them, or at its place among them. */
function remembered(
  { keys, values, position }: AttentionCache,
  newKeys: Value,
  newValues: Value,
): [keys: Value, values: Value] {
  if (position === undefined) return [concat([keys, newKeys], 2), concat([values, newValues], 2)];
  if (newKeys.size(2) !== 1) {
    throw new ShapeError(
      "multiHeadAttention",
      `a cache with a position takes one row at a time, got ${newKeys.size(2)}.`,
    );
  }
  const here = reshape(equal(range(keys.size(2), position.dtype), position), [1, 1, -1, 1]);
  return [where(here, newKeys, keys), where(here, newValues, values)];
}

/** Attention with what the layer adds to logits and mixes, [B, h, T, d]. */
function attend(
  { relative, mix, mixWeights }: AttentionParams,
  [q, keys, values]: readonly [Value, Value, Value],
  options: MultiHeadAttentionOptions,
  { heads, keySize }: FullSizes,
): Value {
  const { mask = "none", visible, bias, alibi = false, dropout } = options;
  const scale = options.scale ?? 1 / Math.sqrt(keySize);
  const S = keys.size(2);
  const terms = bias === undefined ? [] : [bias];
  if (alibi) terms.push(alibiBias(heads, q.size(2), S, q.dtype));
  const distances =
    relative && relativeLogits(relative, q, S, { scale, causal: mask === "causal" });
  if (distances !== undefined) terms.push(distances.bias);
  return scaledDotProductAttention(distances?.q ?? q, keys, values, {
    mask,
    scale,
    ...(visible !== undefined && { visible }),
    ...(terms.length > 0 && { bias: terms.reduce((sum, term) => sum.add(term)) }),
    ...(dropout !== undefined && { dropout }),
    ...(mix !== undefined && { mix: talkingHeads(mix) }),
    ...(mixWeights !== undefined && { mixWeights: talkingHeads(mixWeights) }),
  });
}

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
