import {
  addSize,
  floorDivSize,
  formatShape,
  type Shape,
  ShapeError,
  type Size,
  subSize,
} from "../tensor/index.ts";
import type { Attributes, OnnxAttributes } from "../trace/index.ts";

/** Vertical and horizontal. */
export type Pair = readonly [number, number];

/** top, left, bottom, right. */
export type Margins = readonly [number, number, number, number];

/**
 * Zeros around an image: one number, `[vertical, horizontal]`, `[top, left, bottom, right]`, "valid" (none),
 * or "same": ⌈size / stride⌉ outputs, an odd rest going to the bottom and right as in ONNX's SAME_UPPER.
 */
export type Padding2d = number | Pair | Margins | "same" | "valid";

/** Where a kernel visits an image: attributes of convolutions and pools. */
export interface Window extends Attributes {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Margins;
  readonly dilation: Pair;
  /** Parts of the channels that do not meet; 1 unless a convolution says otherwise. */
  readonly groups: number;
}

export const pairOf = (x: number | Pair): Pair => (typeof x === "number" ? [x, x] : x);

/** Rows or columns that a kernel spans, with its holes. */
export const reach = (window: Window, axis: 0 | 1): number =>
  (window.kernel[axis] - 1) * window.dilation[axis] + 1;

export const windowAttributes = ({
  kernel,
  stride,
  padding,
  dilation,
  groups,
}: Window): OnnxAttributes => ({
  kernel_shape: kernel,
  strides: stride,
  pads: padding,
  dilations: dilation,
  ...(groups > 1 ? { group: groups } : {}),
});

/** One tap, no stride, no border: a matrix product over channels. */
export const isPointwise = ({ kernel, stride, padding }: Window): boolean =>
  [...kernel, ...stride].every((n) => n === 1) && padding.every((n) => n === 0);

/** No stride: every position is visited. */
export const isDense = ({ stride }: Window): boolean => stride.every((n) => n === 1);

/**
 * Padding of the convolution with the turned kernel that is the input gradient of a dense one, or undefined
 * where the padding exceeds the kernel.
 */
export function turnedPadding(window: Window): Margins | undefined {
  const turned = window.padding.map((p, i) => reach(window, (i % 2) as 0 | 1) - 1 - p);
  return turned.every((n) => n >= 0) ? (turned as unknown as Margins) : undefined;
}

/** Number of positions of the window along an image axis: ⌊(size + padding − reach) / stride⌋ + 1. */
export function positions(size: Size, window: Window, axis: 0 | 1): Size {
  const margin = window.padding[axis] + window.padding[(axis + 2) as 2 | 3];
  const room = addSize(size, margin - reach(window, axis));
  return addSize(floorDivSize(room, window.stride[axis]), 1);
}

/** Size of the image of a transposed convolution: (n − 1)·stride + reach − padding + extra. */
export function expandedSize(n: Size, window: Window, axis: 0 | 1, extra: number): Size {
  const margin = window.padding[axis] + window.padding[(axis + 2) as 2 | 3];
  const gaps = subSize(n, 1);
  let size: Size = reach(window, axis) - margin + extra;
  for (let i = 0; i < window.stride[axis]; i++) size = addSize(size, gaps);
  return size;
}

export interface WindowOptions {
  readonly stride?: number | Pair;
  readonly padding?: Padding2d;
  readonly dilation?: number | Pair;
}

/** Checks options and resolves the padding for an image of the given height and width. */
export function windowOf(
  op: string,
  image: Shape,
  kernel: Pair,
  { stride = 1, padding = 0, dilation = 1 }: WindowOptions,
): Window {
  const steps = { kernel, stride: pairOf(stride), dilation: pairOf(dilation) };
  for (const [name, pair] of Object.entries(steps)) {
    if (!pair.every((n) => Number.isInteger(n) && n >= 1)) {
      throw new ShapeError(
        op,
        `${name} must be whole numbers of at least 1, got ${formatShape(pair)}.`,
      );
    }
  }
  const window: Window = { ...steps, padding: [0, 0, 0, 0], groups: 1 };
  const [top, left, bottom, right] = marginsOf(op, image, window, padding);
  if (![top, left, bottom, right].every((n) => Number.isInteger(n) && n >= 0)) {
    throw new ShapeError(op, `padding must be whole numbers of at least 0, got ${padding}.`);
  }
  return { ...window, padding: [top, left, bottom, right] };
}

function marginsOf(op: string, image: Shape, window: Window, padding: Padding2d): Margins {
  if (padding === "valid") return [0, 0, 0, 0];
  if (padding === "same") {
    const [top, bottom] = sameMargins(op, image[0] as Size, window, 0);
    const [left, right] = sameMargins(op, image[1] as Size, window, 1);
    return [top, left, bottom, right];
  }
  if (typeof padding === "number") return [padding, padding, padding, padding];
  if (padding.length === 4) return padding;
  return [padding[0], padding[1], padding[0], padding[1]];
}

function sameMargins(op: string, size: Size, window: Window, axis: 0 | 1): Pair {
  const stride = window.stride[axis];
  let total = reach(window, axis) - 1;
  if (stride > 1) {
    if (typeof size !== "number") {
      throw new ShapeError(
        op,
        `padding "same" with stride ${stride} needs a fixed size, got ${size}. Give numbers.`,
      );
    }
    const outputs = Math.ceil(size / stride);
    total = Math.max(0, (outputs - 1) * stride + reach(window, axis) - size);
  }
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}
