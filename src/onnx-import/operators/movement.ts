import {
  broadcastShapes,
  broadcastTo,
  concat,
  constant,
  expandDims,
  flip,
  gather,
  pad,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  tile,
  transpose,
} from "../../ops/index.ts";
import { addSize, divideExactly, mulSize, type Size, sizeOf, subSize } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";

const axisAt = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** 0 keeps a size, unless `allowzero`; −1 follows from the rest. */
const reshapeRule: Operator = (call) => {
  const x = call.value(0);
  const keep = call.integer("allowzero", 0) === 0;
  const wanted = call.sizes(1).map((size, i) => (size === 0 && keep ? (x.shape[i] as Size) : size));
  return reshape(x, wanted);
};

const squeezeRule: Operator = (call) => {
  const x = call.value(0);
  const given = call.axes(1, 13);
  const axes =
    given === undefined || given.length === 0
      ? x.shape.flatMap((size, i) => (size === 1 ? [i] : []))
      : given.map((axis) => axisAt(axis, x.rank));
  return axes.sort((a, b) => b - a).reduce((y, axis) => squeeze(y, axis), x);
};

const unsqueezeRule: Operator = (call) => {
  const x = call.value(0);
  const given = call.axes(1, 13) ?? call.fail("lacks its axes");
  const rank = x.rank + given.length;
  const axes = given.map((axis) => axisAt(axis, rank)).sort((a, b) => a - b);
  return axes.reduce((y, axis) => expandDims(y, axis), x);
};

const flattenRule: Operator = (call) => {
  const x = call.value(0);
  const axis = axisAt(call.integer("axis", 1), x.rank);
  return reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
};

const expandRule: Operator = (call) => {
  const x = call.value(0);
  return broadcastTo(x, broadcastShapes("Expand", x.shape, call.sizes(1)));
};

const splitRule = (call: Call): readonly Value[] => {
  const x = call.value(0);
  const axis = call.integer("axis", 0);
  const size = x.size(axis);
  const listed = call.opset < 13 ? call.list("split") : call.has(1) ? call.sizes(1) : undefined;
  if (listed !== undefined && listed.length > 0) return split(x, axis, listed);
  const count = call.integer("num_outputs", call.node.outputs.length);
  const even = divideExactly(size, count);
  if (even !== undefined) return split(x, axis, count);
  if (typeof size !== "number") return call.fail(`cannot divide ${size} into ${count} equal parts`);
  // The last part is smaller where it does not come out even.
  const part = Math.ceil(size / count);
  const parts = Array.from({ length: count }, (_, i) => Math.min(part, size - i * part));
  return split(x, axis, parts);
};

/** Starts, ends, axes and steps are inputs since operator set 10. */
const sliceRule: Operator = (call) => {
  const x = call.value(0);
  const old = call.opset < 10;
  const starts = old ? (call.list("starts") ?? []) : call.sizes(1);
  const ends = old ? (call.list("ends") ?? []) : call.sizes(2);
  const places = old ? call.list("axes") : call.has(3) ? call.integers(3) : undefined;
  const steps = !old && call.has(4) ? call.integers(4) : starts.map(() => 1);
  const axes = places ?? starts.map((_, i) => i);
  return axes.reduce((y, axis, i) => {
    const range = [starts[i] as Size, ends[i] as Size, steps[i] as number] as const;
    return sliceAxis(call, y, axisAt(axis, x.rank), range);
  }, x);
};

function sliceAxis(
  call: Call,
  x: Value,
  axis: number,
  [start, end, step]: readonly [Size, Size, number],
): Value {
  const size = x.shape[axis] as Size;
  if (step < 0) return sliceBackwards(call, x, axis, [start, end, step]);
  const from = bounded(start, size, 0);
  const to = bounded(end, size, 0);
  const empty = typeof from === "number" && typeof to === "number" && to <= from;
  if (empty) return slice(x, axis, from, from);
  return slice(x, axis, from, to, { step });
}

/** A bound counted from the start and held inside of the axis, where that can be decided. */
function bounded(bound: Size, size: Size, lowest: number): Size {
  if (typeof bound !== "number") return bound;
  if (bound < 0) {
    const moved = addSize(size, bound);
    return typeof moved === "number"
      ? Math.max(moved, lowest)
      : bound < -(2 ** 30)
        ? lowest
        : moved;
  }
  if (typeof size === "number") return Math.min(bound, size);
  // Files write "to the end" as a number that no axis reaches.
  return bound >= 2 ** 30 ? size : bound;
}

function sliceBackwards(
  call: Call,
  x: Value,
  axis: number,
  [start, end, step]: readonly [Size, Size, number],
): Value {
  const size = x.shape[axis] as Size;
  const turned = flip(x, axis);
  if (typeof size !== "number") {
    const whole = typeof start === "number" && typeof end === "number";
    if (whole && (start === -1 || start >= 2 ** 30) && end < -(2 ** 30)) {
      return slice(turned, axis, 0, size, { step: -step });
    }
    return call.fail("goes backwards over a part of an axis of free size");
  }
  if (typeof start !== "number" || typeof end !== "number") {
    return call.fail("goes backwards from a place that is not a plain number");
  }
  const first = Math.min(start < 0 ? start + size : start, size - 1);
  const last = Math.max(end < 0 ? end + size : end, -1);
  const [from, to] = [size - 1 - first, size - 1 - last];
  return slice(turned, axis, from, Math.max(from, to), { step: -step });
}

/** Pads are an input since operator set 11, its axes since 18. Below 0 they cut. */
const padRule: Operator = (call) => {
  const x = call.value(0);
  const listed = call.opset < 11 ? (call.list("pads") ?? []) : call.integers(1);
  const axes = call.has(3) ? call.integers(3) : x.shape.map((_, i) => i);
  const mode = call.text("mode", "constant");
  const value =
    call.opset < 11 ? call.number("value", 0) : call.has(2) ? (call.numbers(2)[0] ?? 0) : 0;
  return axes.reduce((y, axis, i) => {
    const at = axisAt(axis, x.rank);
    const [before, after] = [listed[i] as number, listed[i + axes.length] as number];
    const cutOff = slice(
      y,
      at,
      Math.max(-before, 0),
      subSize(y.shape[at] as Size, Math.max(-after, 0)),
    );
    return padAxis(call, cutOff, at, [Math.max(before, 0), Math.max(after, 0)], { mode, value });
  }, x);
};

function padAxis(
  call: Call,
  x: Value,
  axis: number,
  [before, after]: readonly [number, number],
  { mode, value }: { readonly mode: string; readonly value: number },
): Value {
  if (before === 0 && after === 0) return x;
  if (mode === "constant") return pad(x, { [axis]: [before, after] }, value);
  const size = x.shape[axis] as Size;
  const end = (n: number): Size => subSize(size, n);
  const parts = {
    edge: () => [copies(x, axis, 0, before), x, copies(x, axis, end(1), after)],
    reflect: () => [
      flip(slice(x, axis, 1, before + 1), axis),
      x,
      flip(slice(x, axis, end(after + 1), end(1)), axis),
    ],
    wrap: () => [slice(x, axis, end(before), size), x, slice(x, axis, 0, after)],
  }[mode];
  if (parts === undefined) return call.fail(`pads by "${mode}", which is not known`);
  const [first, middle, last] = parts() as [Value, Value, Value];
  const kept = [before > 0 ? first : undefined, middle, after > 0 ? last : undefined];
  return concat(
    kept.filter((part) => part !== undefined),
    axis,
  );
}

/** The element at a place of an axis, `count` times. */
function copies(x: Value, axis: number, at: Size, count: number): Value {
  const one = slice(x, axis, at, addSize(at, 1));
  return tile(
    one,
    x.shape.map((_, i) => (i === axis ? Math.max(count, 1) : 1)),
  );
}

/** [B, C·r², H, W] → [B, C, r·H, r·W], with the r² of a channel apart (DCR) or together (CRD). */
const depthToSpace: Operator = (call) => {
  const x = call.value(0);
  const r = call.integer("blocksize", 1);
  const [batch, depth, height, width] = x.shape as unknown as [Size, Size, Size, Size];
  const channels = divideExactly(depth, r * r) ?? call.fail("has channels that do not divide");
  const apart = call.text("mode", "DCR") === "DCR";
  const split5 = apart
    ? transpose(reshape(x, [batch, r, r, channels, height, width]), [0, 3, 4, 1, 5, 2])
    : transpose(reshape(x, [batch, channels, r, r, height, width]), [0, 1, 4, 2, 5, 3]);
  return reshape(split5, [batch, channels, mulSize(height, r), mulSize(width, r)]);
};

const spaceToDepth: Operator = (call) => {
  const x = call.value(0);
  const r = call.integer("blocksize", 1);
  const [batch, channels, height, width] = x.shape as unknown as [Size, Size, Size, Size];
  const rows = divideExactly(height, r) ?? call.fail("has a height that does not divide");
  const columns = divideExactly(width, r) ?? call.fail("has a width that does not divide");
  const order = call.text("mode", "DCR") === "DCR" ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4];
  const blocks = transpose(reshape(x, [batch, channels, rows, r, columns, r]), order);
  return reshape(blocks, [batch, mulSize(channels, r * r), rows, columns]);
};

const transposeRule: Operator = (call) => {
  const x = call.value(0);
  const backwards = Array.from({ length: x.rank }, (_, i) => x.rank - 1 - i);
  return transpose(x, call.list("perm") ?? backwards);
};

/** The middle of every axis, or zeros around where the wanted shape is larger. */
const centerCropPad: Operator = (call) => {
  const x = call.value(0);
  const wanted = call.integers(1);
  const axes = call.list("axes") ?? wanted.map((_, i) => i);
  return axes.reduce((y, axis, i) => {
    const at = axisAt(axis, x.rank);
    const size = y.shape[at];
    const target = wanted[i] as number;
    if (typeof size !== "number") return call.fail("wants fixed sizes");
    const gap = Math.abs(size - target);
    const before = Math.floor(gap / 2);
    if (target > size) return pad(y, { [at]: [before, gap - before] });
    return slice(y, at, before, before + target);
  }, x);
};

export const movement: Operators = {
  Reshape: reshapeRule,
  Flatten: flattenRule,
  Squeeze: squeezeRule,
  Unsqueeze: unsqueezeRule,
  Transpose: transposeRule,
  Expand: expandRule,
  Tile: (call) => {
    const x = call.value(0);
    return tile(x, call.sizes(1));
  },
  Concat: (call) => {
    const values = call.values();
    // An empty list of numbers has no dtype of its own in some files.
    const kept = values.filter((v) => v.rank !== 1 || v.shape[0] !== 0);
    return kept.length === 0 ? (values[0] as Value) : concat(kept, call.integer("axis", 0));
  },
  ConcatFromSequence: (call) => {
    const axis = call.integer("axis", 0);
    const values = call.values();
    return call.integer("new_axis", 0) === 1 ? stack(values, axis) : concat(values, axis);
  },
  Split: splitRule,
  Slice: sliceRule,
  Pad: padRule,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  CenterCropPad: centerCropPad,
  Identity: (call) => call.known(0),
  ReverseSequence: (call) => {
    const x = call.value(0);
    const lengths = call.integers(1);
    const time = call.integer("time_axis", 0);
    const batch = call.integer("batch_axis", 1);
    const size = x.shape[time];
    if (typeof size !== "number") return call.fail("wants a fixed count of steps");
    const rows = lengths.map((length, i) => {
      const order = Array.from({ length: size }, (_, t) => (t < length ? length - 1 - t : t));
      const indices = constant({ dtype: "int32", shape: [size], data: Int32Array.from(order) });
      return gather(slice(x, batch, i, i + 1), indices, time);
    });
    return concat(rows, batch);
  },
};
