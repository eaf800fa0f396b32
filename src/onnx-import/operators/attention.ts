// Attention and rotary positions as single operators, since operator set 23.
import {
  add,
  and,
  broadcastTo,
  cast,
  concat,
  expandDims,
  gather,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  matmul,
  max,
  pad,
  range,
  reshape,
  sizeValue,
  slice,
  softmax,
  stack,
  tanh,
  transpose,
  where,
} from "../../ops/index.ts";
import { type Size, subSize } from "../../tensor/index.ts";
import type { Operand, Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";

/** Far below any score, and finite: a row without any key must not become NaN. */
const hidden = -1e30;

/** [B, T, h·k] as [B, h, T, k]; four axes stay. */
function headsOf(call: Call, x: Value, attribute: string): Value {
  if (x.rank === 4) return x;
  const [B, T, width] = x.shape as [Size, Size, Size];
  const heads = call.integer(attribute, 0);
  if (typeof width !== "number" || heads < 1 || width % heads !== 0) {
    return call.fail(`has ${width} features, which ${heads} heads (${attribute}) do not share`);
  }
  return transpose(reshape(x, [B, T, heads, width / heads]), [0, 2, 1, 3]);
}

/** Heads of keys or values, one after the other as often as queries share them. */
function shared(x: Value, heads: number): Value {
  const [B, groups, S, size] = x.shape as [Size, number, Size, Size];
  if (groups === heads) return x;
  const times = heads / groups;
  const wide = broadcastTo(expandDims(x, 2), [B, groups, times, S, size]);
  return reshape(wide, [B, heads, S, size]);
}

/** Attention of the ONNX standard: softmax(mask(softcap(q·kᵀ·scale)))·v, heads of q in groups that share keys. */
const attention: Operator = (call) => {
  const q = headsOf(call, call.value(0), "q_num_heads");
  const [newKeys, newValues] = [1, 2].map((i) => headsOf(call, call.value(i), "kv_num_heads")) as [
    Value,
    Value,
  ];
  const [pastKeys, pastValues] = [call.optional(4), call.optional(5)];
  const keys = pastKeys === undefined ? newKeys : concat([pastKeys, newKeys], 2);
  const values = pastValues === undefined ? newValues : concat([pastValues, newValues], 2);
  const [heads, size] = [q.size(1), q.size(-1)];
  if (typeof heads !== "number" || typeof size !== "number") {
    return call.fail("wants a fixed number of heads, and of features of each");
  }
  const scale = Math.sqrt(call.number("scale", 1 / Math.sqrt(size)));
  const k = shared(keys, heads);
  const products = matmul(q.mul(scale), k.mul(scale), { transposeB: true }); // (B, h, T, S)
  const cap = call.number("softcap", 0);
  const capped = cap === 0 ? products : tanh(products.div(cap)).mul(cap);
  const { bias, allowed } = maskOf(call, capped, pastKeys);
  const biased = bias === undefined ? capped : capped.add(bias);
  const scores = allowed === undefined ? biased : where(allowed, biased, hidden);
  let weights = softmax(scores, -1);
  if (allowed !== undefined) {
    // A query that may look nowhere gives zeros.
    const some = max(cast(broadcastTo(allowed, scores.shape), "float32"), -1, { keepDims: true });
    weights = weights.mul(some);
  }
  const y = matmul(weights, shared(values, heads)); // (B, h, T, d)
  const shown = [
    products,
    capped,
    allowed === undefined ? biased : where(allowed, biased, Number.NEGATIVE_INFINITY),
    weights,
  ][call.integer("qk_matmul_output_mode", 0)];
  return [call.value(0).rank === 4 ? y : joined(y), keys, values, shown];
};

/** [B, h, T, d] as [B, T, h·d]. */
function joined(y: Value): Value {
  const [B, heads, T, size] = y.shape as [Size, number, Size, number];
  return reshape(transpose(y, [0, 2, 1, 3]), [B, T, heads * size]);
}

interface Mask {
  /** Added to the scores. */
  readonly bias: Value | undefined;
  /** True where a query may look; all where absent. */
  readonly allowed: Value | undefined;
}

/** Of the mask that is given, of padded keys, of the order of time, and of windows around the query. */
function maskOf(call: Call, scores: Value, past: Value | undefined): Mask {
  const [T, S] = [scores.size(2), scores.size(3)];
  const parts: Value[] = [];
  const given = givenMask(call, S);
  if (given?.dtype === "bool") parts.push(given);
  // A number of −∞ is a place that is masked.
  else if (given !== undefined) parts.push(greater(given, hidden));
  const keys = range(S, "int64");
  const kept = call.optional(6);
  const lengths = kept && reshape(cast(kept, "int64"), [-1, 1, 1, 1]);
  if (lengths !== undefined) parts.push(less(keys, lengths));
  const [left, right] = [call.integer("left_window_size", -1), rightWindow(call)];
  if (left >= 0 || right >= 0) {
    const zero = range(T, "int64");
    const before: Operand = past === undefined ? 0 : sizeValue(past.size(2), zero);
    const offset = lengths === undefined ? before : lengths.sub(sizeValue(T, zero));
    const here = expandDims(zero, 1).add(offset);
    if (right >= 0) parts.push(lessOrEqual(keys, here.add(right)));
    if (left >= 0) parts.push(greaterOrEqual(keys, here.sub(left)));
  }
  return {
    bias: given?.dtype === "bool" ? undefined : given,
    allowed: parts.length === 0 ? undefined : parts.reduce((a, b) => and(a, b)),
  };
}

/** Keys behind the query that it may see; −1 for all. */
const rightWindow = (call: Call): number => {
  const window = call.integer("right_window_size", -1);
  if (call.integer("is_causal", 0) !== 1) return window;
  return 0;
};

/** The mask [.., T, S]; keys beyond its end are masked. */
function givenMask(call: Call, S: Size): Value | undefined {
  const mask = call.optional(3);
  const missing = mask === undefined ? 0 : subSize(S, mask.size(-1));
  if (mask === undefined || typeof missing !== "number" || missing <= 0) return mask;
  const axis = mask.rank - 1;
  if (mask.dtype !== "bool") return pad(mask, { [axis]: [0, missing] }, Number.NEGATIVE_INFINITY);
  return greater(pad(cast(mask, "float32"), { [axis]: [0, missing] }), 0.5);
}

/**
 * Rotary positions (Su et al., "RoFormer", 2021): pairs of features turned by angles whose cosines and sines are given,
 * by position or for every token.
 */
const rotary: Operator = (call) => {
  const given = call.value(0);
  const x = headsOf(call, given, "num_heads"); // (B, h, T, k)
  const size = x.size(-1);
  if (typeof size !== "number") return call.fail("wants a fixed number of features");
  const turned = call.integer("rotary_embedding_dim", 0) || size;
  const angles = [1, 2].map((i) => {
    const table = call.value(i);
    return expandDims(call.has(3) ? gather(table, call.value(3), 0) : table, 1); // (B, 1, T, k/2)
  }) as [Value, Value];
  const interleaved = call.integer("interleaved", 0) === 1;
  const y = turn(slice(x, 3, 0, turned), turned / 2, angles, interleaved);
  const all = turned === size ? y : concat([y, slice(x, 3, turned)], 3);
  return given.rank === 4 ? all : joined(all);
};

/** Pairs are neighbours, or one of each half. */
function turn(
  x: Value,
  half: number,
  [cosine, sine]: readonly [Value, Value],
  interleaved: boolean,
): Value {
  const leading = x.shape.slice(0, 3);
  const axis = interleaved ? 4 : 3;
  const pairs = reshape(x, interleaved ? [...leading, half, 2] : [...leading, 2, half]);
  const [a, b] = [0, 1].map((i) => reshape(slice(pairs, axis, i, i + 1), [...leading, half])) as [
    Value,
    Value,
  ];
  const real = cosine.mul(a).sub(sine.mul(b));
  const imaginary = add(sine.mul(a), cosine.mul(b));
  return reshape(stack([real, imaginary], axis), x.shape);
}

export const attentions: Operators = {
  Attention: attention,
  RotaryEmbedding: rotary,
};
