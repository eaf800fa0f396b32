import {
  add,
  cast,
  customGradient,
  expandDims,
  full,
  greater,
  less,
  lessOrEqual,
  matmul,
  not,
  or,
  range,
  reshape,
  sizeValue,
  softmax,
  sum,
  sumTo,
} from "../ops/index.ts";
import {
  type DType,
  formatShape,
  mulSize,
  type Shape,
  ShapeError,
  type Size,
  subSize,
} from "../tensor/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import { dropout } from "./dropout.ts";
import type { Scope } from "./scope.ts";

/** Which keys a query sees: all, those up to its own position, or where a bool tensor is true. */
export type AttentionMask = "none" | "causal" | Value;

export interface AttentionOptions {
  /**
   * "none" by default. "causal": query i of T sees keys 0 … S − T + i, so that with a cache of S − T
   * earlier keys the queries are the last T positions. A bool tensor broadcasts to [B, h, T, S], true where
   * a query may look; a query that may look nowhere looks everywhere.
   */
  readonly mask?: AttentionMask;
  /** Beside the mask: true for keys that are there at all, bool that broadcasts to [B, h, T, S]. */
  readonly visible?: Value;
  /** Added to the logits, broadcast to [B, h, T, S]: relative positions, ALiBi. */
  readonly bias?: Value;
  /** Factor of the logits; 1/√k by default. */
  readonly scale?: number;
  /** Mixes the logits [B, h, T, S] of the heads; the mask comes after it, so that it hides all the same. */
  readonly mix?: (logits: Value) => Value;
  /** Mixes the weights [B, h, T, S] of the heads after the softmax. */
  readonly mixWeights?: (weights: Value) => Value;
  /** Drops single weights in training. */
  readonly dropout?: { readonly rate: number; readonly scope: Scope };
}

/** Far below any logit, and finite: a row without a visible key must not become NaN. */
const hidden = -1e30;

/**
 * softmax(q·kᵀ·scale + bias)·v for every head (Vaswani et al. 2017, eq. 1): q [B, h, T, k], k [B, g, S, k],
 * v [B, g, S, d] → [B, h, T, d]. T and S may be free. g divides h: with g < h, heads share keys and values
 * (Ainslie et al., "GQA", 2023; Shazeer 2019 for g = 1), which are not repeated.
 */
export function scaledDotProductAttention(
  q: Value,
  k: Value,
  v: Value,
  options: AttentionOptions = {},
): Value {
  const { heads, groups, T, S } = checkOperands(q, k, v);
  const {
    mask = "none",
    bias,
    mix,
    mixWeights,
    scale = 1 / Math.sqrt(q.size(-1) as number),
  } = options;
  const batch = q.size(0);
  // Heads of a group one below the other are one product with the group's keys. (B,g,h/g·T,k)
  const rows = mulSize(heads / groups, T);
  const stacked = (x: Value): Value => reshape(x, [batch, groups, rows, x.size(-1)]);
  const unstacked = (x: Value): Value => reshape(x, [batch, heads, T, x.size(-1)]);
  let logits = unstacked(matmul(stacked(q.mul(scale)), k, { transposeB: true })); // (B,h,T,S)
  if (bias !== undefined) logits = logits.add(bias);
  if (mix !== undefined) logits = mix(logits);
  const masks = [mask, options.visible].filter((each) => each !== undefined && each !== "none");
  if (masks.length > 0) {
    const full = [batch, heads, T, S];
    logits = logits.add(masks.map((each) => maskBias(each as Mask, full, q.dtype)).reduce(add));
  }
  let weights = softmax(logits);
  if (mixWeights !== undefined) {
    weights = mixWeights(weights);
    if (options.dropout !== undefined) weights = dropped(weights, options.dropout);
    return unstacked(matmul(stacked(weights), v));
  }
  const kept = options.dropout && keepFactor(weights, options.dropout);
  const used = kept === undefined ? weights : weights.mul(kept);
  const y = unstacked(matmul(stacked(used), v));
  // Σ_j P_j·∂P_j = ∂y·y (Dao et al., "FlashAttention", 2022, appendix B.4, eq. 4): a sum over d numbers a row in
  // place of S. Dropped weights keep the identity, since they are missing on both sides.
  return customGradient(y, [logits, v], (dy) => {
    const inner = sum(dy.mul(y), -1, { keepDims: true }); // (B,h,T,1)
    const dUsed = unstacked(matmul(stacked(dy), v, { transposeB: true }));
    const dWeights = kept === undefined ? dUsed : dUsed.mul(kept);
    const dv = matmul(stacked(used), stacked(dy), { transposeA: true });
    return [weights.mul(dWeights.sub(inner)), sumTo(dv, v.shape)];
  });
}

const dropped = (x: Value, { rate, scope }: { rate: number; scope: Scope }): Value =>
  dropout(x, rate, scope);

/** What dropout multiplies by, or undefined where it does nothing. */
function keepFactor(
  like: Value,
  { rate, scope }: { rate: number; scope: Scope },
): Value | undefined {
  const ones = full(like.shape, 1, like.dtype);
  const kept = dropout(ones, rate, scope);
  return kept === ones ? undefined : kept;
}

type Mask = Exclude<AttentionMask, "none">;

/** 0 where a query may look and a very negative number elsewhere; broadcasts to the logits [B, h, T, S]. */
function maskBias(mask: Mask, logits: Shape, dtype: DType): Value {
  if (mask !== "causal") checkMask(mask, logits);
  const unseen =
    mask === "causal" ? future(logits[2] as Size, logits[3] as Size, dtype) : not(mask);
  return cast(unseen, dtype).mul(hidden);
}

/**
 * The mask of a prefix language model (Raffel et al., "T5", 2020, figure 4): all queries see the first keys, as many
 * as `length` [B] says, and those up to their own position. Bool [B, 1, T, T].
 */
export function prefixMask(length: Value, T: Size): Value {
  if (length.rank !== 1) {
    throw new ShapeError("prefixMask", `length must be [B], got ${length}.`);
  }
  const keys = range(T);
  const inPrefix = less(keys, cast(reshape(length, [length.size(0), 1, 1, 1]), keys.dtype));
  return or(inPrefix, lessOrEqual(queryDistance(T, T), 0));
}

/** Throws unless the mask is bool and broadcasts to the logits [B, h, T, S] without stretching them. */
function checkMask(mask: Value, logits: Shape): void {
  if (mask.dtype !== "bool") {
    throw new ShapeError(
      "attention",
      `a mask must be bool, true where a query may look, got ${mask}. Give numbers to add as bias.`,
    );
  }
  const lead = logits.length - mask.rank;
  const fits = mask.shape.every((size, i) => size === 1 || size === logits[lead + i]);
  if (lead < 0 || !fits) {
    throw new ShapeError(
      "attention",
      `a mask must broadcast to [B, h, T, S] = ${formatShape(logits)}, got ${formatShape(mask.shape)}. Give axes that it is the same for the size 1.`,
    );
  }
}

/** [T, S], true where key j > S − T + i. */
function future(T: Size, S: Size, dtype: DType): Value {
  return greater(queryDistance(T, S, dtype), 0);
}

/** How far key j lies after query i, [T, S]: j − (S − T + i), negative for the past. */
export function queryDistance(T: Size, S: Size, dtype: DType = "float32"): Value {
  if (typeof T === "number" && typeof S === "number" && S < T) {
    throw new ShapeError("attention", `${T} queries cannot be the last of ${S} keys.`);
  }
  const query = range(T, dtype);
  const earlier: Operand = sizeValue(subSize(S, T), query);
  return range(S, dtype).sub(expandDims(query.add(earlier), -1));
}

interface Sizes {
  readonly heads: number;
  readonly groups: number;
  readonly T: Size;
  readonly S: Size;
}

function checkOperands(q: Value, k: Value, v: Value): Sizes {
  const fail = (why: string): never => {
    throw new ShapeError("attention", `${why}: q ${q}, k ${k}, v ${v}.`);
  };
  if (q.rank !== 4 || k.rank !== 4 || v.rank !== 4) {
    fail("wants q [B, h, T, k], k [B, g, S, k], v [B, g, S, d]");
  }
  if (q.size(-1) !== k.size(-1)) fail("q and k have different key sizes");
  if (k.size(1) !== v.size(1) || k.size(2) !== v.size(2)) fail("k and v differ in heads or length");
  const [heads, groups] = [q.size(1), k.size(1)];
  if (typeof heads !== "number" || typeof groups !== "number" || heads % groups !== 0) {
    fail("the heads of k and v must divide those of q");
  }
  return { heads: heads as number, groups: groups as number, T: q.size(2), S: k.size(2) };
}
