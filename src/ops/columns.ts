import { mulSize, ShapeError, type Size, staticShape, type Tensor } from "../tensor/index.ts";
import type { Lowering, Node, Value } from "../trace/index.ts";
import type { Window } from "./window.ts";

/**
 * Where columns and one matrix product beat the runtime's own convolution, measured for a layer's forward
 * pass and both gradients together, which share the columns: from 16 channels on, up to 16×16 pixels with a
 * stride and 12×12 without. Weights of a training graph are inputs, which keeps the runtime from choosing
 * its blocked layout.
 */
export const columnChannels = 16;

export const fewPixels = ({ height, width }: Image, { stride }: Window): boolean =>
  height * width <= (stride[0] * stride[1] > 1 ? 256 : 144);

/** A batch of images of fixed size, [batch, channels, height, width], in a graph under construction. */
export interface Image {
  readonly name: string;
  readonly batch: Size;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** For every output row (or column) the image rows that its taps read. Outside of the image is zero. */
export type Taps = readonly (readonly number[])[];

/** Image rows under a window sliding over an axis. */
export const slidingTaps = (
  outputs: number,
  kernel: number,
  stride: number,
  dilation: number,
  before: number,
): Taps =>
  Array.from({ length: outputs }, (_, o) =>
    Array.from({ length: kernel }, (_, i) => o * stride - before + i * dilation),
  );

/** Zeros needed before and after an axis so that all taps fall inside. */
export function marginFor(taps: readonly Taps[], size: number): readonly [number, number] {
  const rows = taps.flat(2);
  const lowest = rows.reduce((a, b) => Math.min(a, b), 0);
  const highest = rows.reduce((a, b) => Math.max(a, b), size - 1);
  return [-lowest, highest - size + 1];
}

interface Frame {
  readonly vertical: readonly [number, number];
  readonly horizontal: readonly [number, number];
}

/** Channels last: a tap then reads all of its channels as one block of memory. */
export function channelsLast(
  to: Lowering,
  { name, batch, channels, height, width }: Image,
): string {
  if (channels === 1) return to.reshape(name, [batch, height, width, 1]);
  return to.emit("Transpose", [name], { perm: [0, 2, 3, 1] });
}

/**
 * The columns of a convolution by one Gather with constant indices: [batch · outputs, taps · channels],
 * a row for every output pixel, ready for one matrix product with the kernel.
 */
export function gatherColumns(
  to: Lowering,
  image: Image,
  rows: Taps,
  columns: Taps,
  frame: Frame = {
    vertical: marginFor([rows], image.height),
    horizontal: marginFor([columns], image.width),
  },
): string {
  const { batch, channels } = image;
  const [top, bottom] = frame.vertical;
  const [left, right] = frame.horizontal;
  const framed = top + bottom + left + right > 0;
  let pixels = channelsLast(to, image);
  if (framed) {
    pixels = to.emit("Pad", [pixels, to.integers([0, top, left, 0, 0, bottom, right, 0])]);
  }
  const taps = (rows[0]?.length ?? 0) * (columns[0]?.length ?? 0);
  const shape = [mulSize(batch, rows.length * columns.length), taps * channels];
  // One tap on every pixel: the image itself.
  const whole = rows.length === image.height && columns.length === image.width;
  if (taps === 1 && !framed && whole && rows.every(isAt) && columns.every(isAt)) {
    return to.reshape(pixels, shape);
  }
  const width = image.width + left + right;
  const flat = to.reshape(pixels, [batch, (image.height + top + bottom) * width, channels]);
  const indices = to.constant(pixelIndices(rows, columns, top, left, width, "pixels"));
  return to.reshape(to.emit("Gather", [flat, indices], { axis: 1 }), shape);
}

const isAt = (reads: readonly number[], position: number): boolean => reads[0] === position;

const made = new Map<string, Tensor>();

/**
 * For every output pixel the positions of its taps, or for every tap those of its pixels. Kept by content:
 * equal ones must be the same object for the graph to share what reads them.
 */
function pixelIndices(
  rows: Taps,
  columns: Taps,
  top: number,
  left: number,
  width: number,
  first: "pixels" | "taps",
): Tensor {
  const key = JSON.stringify([rows, columns, top, left, width, first]);
  const known = made.get(key);
  if (known !== undefined) return known;
  const position = (y: number, x: number): number => (y + top) * width + x + left;
  const byPixel = rows.flatMap((down) =>
    columns.map((across) => down.flatMap((y) => across.map((x) => position(y, x)))),
  );
  const indices =
    first === "pixels" ? byPixel.flat() : byPixel[0]?.flatMap((_, k) => byPixel.map((t) => t[k]));
  const data = Int32Array.from(indices as number[]);
  const tensor: Tensor = { dtype: "int32", shape: [data.length], data };
  made.set(key, tensor);
  return tensor;
}

/** A value as an image, if its channels, height and width are numbers. */
export function imageOf(name: string, { shape }: Value): Image | undefined {
  const [channels, height, width] = staticShape(shape.slice(1)) ?? [];
  if (channels === undefined || height === undefined || width === undefined) return undefined;
  return { name, batch: shape[0] as Size, channels, height, width };
}

/** Whether products of matrices must stand in for the runtime's convolutions, which have no float64. */
export const lacksConv = (to: Lowering, node: Node): boolean =>
  node.outputs[0]?.dtype === "float64" && (to.target === "cpu" || to.target === "wasm");

/** The runtime has no float64 convolutions. */
export function needFloat32(op: string, node: Node): void {
  if (node.outputs[0]?.dtype === "float64") {
    throw new ShapeError(
      op,
      "in float64 needs fixed height and width, and runs on the CPU only. Use float32 or fix the image size.",
    );
  }
}

/**
 * The columns with the batch innermost: [Ci · taps, outputs · B], a row for every channel and tap. Read along
 * its rows, the product with the response is faster than that of `gatherColumns` (25.5 ms against 34.5 for
 * 128 × 9 rows, 64 filters, 32 images of 32×32), but it serves the weight gradient only.
 */
export function turnedColumns(to: Lowering, image: Image, outputs: Image, window: Window): string {
  const { kernel, stride, padding, dilation } = window;
  const { batch, channels, height, width } = image;
  const rows = slidingTaps(outputs.height, kernel[0], stride[0], dilation[0], padding[0]);
  const columns = slidingTaps(outputs.width, kernel[1], stride[1], dilation[1], padding[1]);
  const [top, bottom] = marginFor([rows], height);
  const [left, right] = marginFor([columns], width);
  const last = to.emit("Transpose", [image.name], { perm: [1, 2, 3, 0] });
  const framed =
    top + bottom + left + right > 0
      ? to.emit("Pad", [last, to.integers([0, top, left, 0, 0, bottom, right, 0])])
      : last;
  const [rowsIn, columnsIn] = [height + top + bottom, width + left + right];
  const flat = to.reshape(framed, [channels, rowsIn * columnsIn, batch]);
  const indices = to.constant(pixelIndices(rows, columns, top, left, columnsIn, "taps"));
  const gathered = to.emit("Gather", [flat, indices], { axis: 1 });
  const pixels = outputs.height * outputs.width;
  return to.reshape(gathered, [channels * kernel[0] * kernel[1], mulSize(batch, pixels)]);
}

/** Columns of an image under a window: [B·Ho·Wo, kh·kw·Ci]. */
export function windowColumns(to: Lowering, image: Image, outputs: Image, window: Window): string {
  const { kernel, stride, padding, dilation } = window;
  const rows = slidingTaps(outputs.height, kernel[0], stride[0], dilation[0], padding[0]);
  const columns = slidingTaps(outputs.width, kernel[1], stride[1], dilation[1], padding[1]);
  return gatherColumns(to, image, rows, columns);
}
