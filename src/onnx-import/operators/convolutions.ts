import { conv2d, convTranspose2d, expandDims, pad, slice, squeeze } from "../../ops/index.ts";
import { addSize, type Size, subSize } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";
import { type WindowSettings, windowSettings } from "./window.ts";

type Pair = readonly [number, number];

/** Sequences are images of height 1: their numbers get one before. */
const both = (list: readonly number[], first: number): Pair =>
  list.length === 1 ? [first, list[0] as number] : (list as Pair);

const fixedKernel = (call: Call, w: Value): number[] =>
  w.shape
    .slice(2)
    .map((size) => (typeof size === "number" ? size : call.fail("wants a kernel of fixed size")));

/** Images, and sequences as images. */
function spatial(call: Call, x: Value): 1 | 2 {
  if (x.rank === 4) return 2;
  return x.rank === 3 ? 1 : call.fail(`is for sequences and images here, got ${x}`);
}

const convolution: Operator = (call) =>
  convolve(call, call.value(0), call.value(1), call.optional(2));

/** By the attributes of the node. */
export function convolve(call: Call, x: Value, w: Value, bias: Value | undefined): Value {
  const axes = spatial(call, x);
  const window = windowSettings(call, x.shape.slice(2), fixedKernel(call, w));
  const [top, left] = both(window.before, 0);
  const [bottom, right] = both(window.after, 0);
  const lift = (v: Value): Value => (axes === 1 ? expandDims(v, 2) : v);
  const y = conv2d(lift(x), lift(w), {
    stride: both(window.strides, 1),
    dilation: both(window.dilations, 1),
    padding: [top, left, bottom, right],
    groups: call.integer("group", 1),
    ...(bias === undefined ? {} : { bias }),
  });
  return axes === 1 ? squeeze(y, 2) : y;
}

/** The transposed convolution without borders, which are then cut off or added. */
const transposed: Operator = (call) => {
  const [x, w, bias] = [call.value(0), call.value(1), call.optional(2)];
  const axes = spatial(call, x);
  const kernel = fixedKernel(call, w);
  const window = windowSettings(call, x.shape.slice(2), kernel);
  const extra = call.list("output_padding") ?? Array(axes).fill(0);
  const margins = transposedMargins(call, x, window, extra);
  const lift = (v: Value): Value => (axes === 1 ? expandDims(v, 2) : v);
  let y = convTranspose2d(lift(x), lift(w), {
    stride: both(window.strides, 1),
    dilation: both(window.dilations, 1),
    groups: call.integer("group", 1),
  });
  for (const [i, [before, after]] of margins.entries()) {
    y = cut(y, i + 4 - axes, before, after);
  }
  if (bias !== undefined) y = y.add(expandDims(expandDims(bias, 1), 2));
  return axes === 1 ? squeeze(y, 2) : y;
};

/** What is cut at both ends of every axis; below 0 is added. */
function transposedMargins(
  call: Call,
  x: Value,
  { kernel, strides, dilations, before, after }: WindowSettings,
  extra: readonly number[],
): readonly (readonly [number, number])[] {
  const wanted = call.list("output_shape");
  const auto = call.text("auto_pad", "NOTSET");
  return kernel.map((k, i) => {
    const [stride = 1, dilation = 1, add = 0] = [strides[i], dilations[i], extra[i]];
    const reach = (k - 1) * dilation + 1;
    const size = x.shape[i + 2] as Size;
    const same = auto.startsWith("SAME");
    if (wanted === undefined && !same) return [before[i] ?? 0, (after[i] ?? 0) - add];
    if (typeof size !== "number") return call.fail("wants a fixed image size for its output shape");
    const target =
      wanted === undefined ? size * stride : (wanted.slice(-kernel.length)[i] as number);
    const total = stride * (size - 1) + add + reach - target;
    const half = Math.floor(total / 2);
    const [start, end] = auto === "SAME_UPPER" ? [half, total - half] : [total - half, half];
    return [start, end - add];
  });
}

function cut(y: Value, axis: number, before: number, after: number): Value {
  const padded =
    before < 0 || after < 0 ? pad(y, { [axis]: [Math.max(-before, 0), Math.max(-after, 0)] }) : y;
  const size = padded.shape[axis] as Size;
  const end = subSize(size, Math.max(after, 0));
  return before > 0 || after > 0
    ? slice(padded, axis, addSize(Math.max(before, 0), 0), end)
    : padded;
}

export const convolutions: Operators = {
  Conv: convolution,
  ConvTranspose: transposed,
};
