import type { Lowering } from "../trace/index.ts";
import type { Image } from "./columns.ts";
import { takes } from "./forms.ts";
import { isDense, reach, turnedPadding, type Window } from "./window.ts";

/**
 * With few channels on one side a gather moves single numbers. Here a tap is a shifted plane of the image
 * instead, cut out by Slice, which copies rows, and no axis has to be moved: B planes stay [B, C, H·W].
 * Milliseconds, least of many, 3×3 kernels, batch 64-100, on 1 and 2 threads of an AVX2 machine:
 *
 *     channels and image      form before          here         |  form before          here
 *     weight gradient         columns, 1   2       1     2      |  input gradient
 *     32 → 1, 28×28           19.1  15     1.8   1.7            |  ConvTranspose 14.8   2.0 (turned kernel)
 *     32 → 8, 28×28           15.7  17.4   5.6   4.7            |  ConvTranspose  8.6   4.4 (turned kernel)
 *     64 → 3, 32×32           36.7  22.3   5.2   3.4            |  forward
 *     3 → 64, 32×32            9.8  16.0   5.1   5.0            |  32 → 1  Conv   6.1   2.3
 *     8 → 32, 28×28           13.9  14.1   8.7   6.2            |  64 → 3  Conv  13.2   7.0
 *     3 → 64, 4×4, stride 2    4.2   6.5   2.9   3.4            |  32 → 4  Conv   8.3   5.7
 *     1 → 32 (Conv before)     3.1   2.4   1.9   1.5            |  32 → 8  Conv   8.0   9.9
 */
const fewChannels = 8;

/** Whether products first and then shifted sums beat the runtime's convolution: see the table. */
export const fewFilters = (image: Image, response: Image, window: Window): boolean =>
  isDense(window) && response.channels <= 4 && 8 * response.channels <= image.channels;

/** Planes at every position of a kernel, kernel rows first. */
function tapPlanes(to: Lowering, image: Image, outputs: Image, window: Window): string[] {
  const { stride, dilation, padding, kernel } = window;
  const sizes = [image.height, image.width] as const;
  const counts = [outputs.height, outputs.width] as const;
  const after = ([0, 1] as const).map((axis) => {
    const used = (counts[axis] - 1) * stride[axis] + reach(window, axis);
    return Math.max(0, used - padding[axis] - sizes[axis]);
  });
  const margins = [0, 0, padding[0], padding[1], 0, 0, ...after];
  const framed = margins.some((n) => n > 0)
    ? to.emit("Pad", [image.name, to.integers(margins)])
    : image.name;
  const cut = (x: string, tap: number, axis: 0 | 1): string => {
    const first = tap * dilation[axis];
    const bounds = [first, first + (counts[axis] - 1) * stride[axis] + 1, axis + 2, stride[axis]];
    return to.emit("Slice", [x, ...bounds.map((n) => to.integers([n]))]);
  };
  const across = (row: string): string[] =>
    Array.from({ length: kernel[1] }, (_, j) => cut(row, j, 1));
  return Array.from({ length: kernel[0] }, (_, i) => cut(framed, i, 0)).flatMap(across);
}

/**
 * The weight gradient from planes of the side with few channels, or undefined where there is none:
 * Σ over the batch of planes [taps · C, pixels] × other sideᵀ [pixels, channels].
 */
export function weightsFromPlanes(
  to: Lowering,
  image: Image,
  response: Image,
  window: Window,
  double: boolean,
): string | undefined {
  if (!double && !takes(to, "planes")) return undefined;
  const turned = turnedPadding(window);
  if (image.channels <= fewChannels && image.channels <= response.channels) {
    const planes = tapPlanes(to, image, response, window);
    const product = overBatch(to, planes, image.channels, response, double); // (taps, Ci, Co)
    return kernelLast(to, product, [...window.kernel, image.channels, response.channels], [3, 2]);
  }
  if (response.channels <= fewChannels && isDense(window) && turned !== undefined) {
    // The image's pixel y meets tap i at the response's y + p − i·d: the planes in the opposite order.
    const planes = tapPlanes(to, response, image, { ...window, padding: turned }).reverse();
    const product = overBatch(to, planes, response.channels, image, double); // (taps, Co, Ci)
    return kernelLast(to, product, [...window.kernel, response.channels, image.channels], [2, 3]);
  }
  return undefined;
}

const kernelLast = (
  to: Lowering,
  x: string,
  shape: readonly number[],
  first: readonly [number, number],
): string => to.emit("Transpose", [to.reshape(x, shape)], { perm: [...first, 0, 1] });

function overBatch(
  to: Lowering,
  planes: readonly string[],
  channels: number,
  other: Image,
  double: boolean,
): string {
  const pixels = other.height * other.width;
  const joined =
    planes.length === 1 ? (planes[0] as string) : to.emit("Concat", planes, { axis: 1 });
  const a = to.reshape(joined, [other.batch, planes.length * channels, pixels]);
  const b = to.reshape(other.name, [other.batch, other.channels, pixels]);
  const products =
    takes(to, "fused-transpose") && !double
      ? to.emit("FusedMatMul", [a, b], { transB: 1 }, "com.microsoft")
      : to.emit("MatMul", [a, to.emit("Transpose", [b], { perm: [0, 2, 1] })]);
  return to.emit("ReduceSum", [products, to.integers([0])], { keepdims: 0 });
}

/**
 * Convolution of stride 1 with few filters: each tap's product with all channels first, [B, taps · Co, H, W],
 * then the sum of the planes of the taps, each shifted to its place.
 */
export function convolveByTaps(
  to: Lowering,
  image: Image,
  response: Image,
  w: string,
  bias: string | undefined,
  window: Window,
): string {
  const { batch, channels, height, width } = image;
  const filters = response.channels;
  const taps = window.kernel[0] * window.kernel[1];
  const kernel = to.emit("Transpose", [to.reshape(w, [filters, channels, taps])], {
    perm: [2, 0, 1],
  });
  const product = to.emit("MatMul", [
    to.reshape(kernel, [taps * filters, channels]),
    to.reshape(image.name, [batch, channels, height * width]),
  ]);
  const [top, left, bottom, right] = window.padding;
  const framed = to.emit("Pad", [
    to.reshape(product, [batch, taps * filters, height, width]),
    to.integers([0, 0, top, left, 0, 0, bottom, right]),
  ]);
  const parts = Array.from({ length: taps }, (_, tap) => {
    const y = Math.floor(tap / window.kernel[1]) * window.dilation[0];
    const x = (tap % window.kernel[1]) * window.dilation[1];
    const from = [tap * filters, y, x];
    const until = [(tap + 1) * filters, y + response.height, x + response.width];
    return to.emit("Slice", [framed, ...[from, until, [1, 2, 3]].map((n) => to.integers(n))]);
  });
  const y = parts.length === 1 ? (parts[0] as string) : to.emit("Sum", parts);
  return bias === undefined ? y : to.emit("Add", [y, to.reshape(bias, [filters, 1, 1])]);
}
