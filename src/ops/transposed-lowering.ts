import type { Tensor } from "../tensor/index.ts";
import type { Lowering, Node } from "../trace/index.ts";
import { convolveBlocked } from "./blocked.ts";
import {
  columnChannels,
  fewPixels,
  gatherColumns,
  type Image,
  lacksConv,
  marginFor,
  type Taps,
} from "./columns.ts";
import { covers, transposedCovering } from "./covering.ts";
import { takes } from "./forms.ts";
import { isDense, isPointwise, turnedPadding, type Window, windowAttributes } from "./window.ts";

/**
 * Fast forms of the input gradient (the transposed convolution) for images of fixed size, or undefined
 * where ConvTranspose is to be taken: response [B, Co, Ho, Wo], w [Co, Ci, kh, kw] → [B, Ci, H, W].
 */
export function lowerTransposed(
  to: Lowering,
  response: Image,
  w: string,
  image: Image,
  node: Node,
  window: Window,
): string | undefined {
  const double = lacksConv(to, node);
  if (covers(image, response, window) && (double || takes(to, "columns"))) {
    return transposedCovering(to, response, w, image);
  }
  const channels = Math.min(response.channels, image.channels);
  const wide = channels >= columnChannels;
  // ConvTranspose works on one thread: with many channels columns pay as long as the response is small, whatever a
  // stride makes of it (U-Net step with 64 → 64 at 16×16 → 32×32: 0.95 of the time; 32 channels at 14×14: 1.01).
  const strided = channels >= 64 && !isDense(window) && fewPixels(response, window);
  const small = wide && (strided || fewPixels(image, window)) && takes(to, "columns");
  if (isPointwise(window) && !small) {
    const products = double || takes(to, "pointwise");
    return products ? transposedPointwise(to, response, w, image) : undefined;
  }
  if (double || small) return subPixel(to, response, w, image, window);
  // ConvTranspose adds its columns up on one thread; with few channels in the image, or a stride, that is
  // still the fastest: 32 → 1 at 14×14 → 28×28 takes 0.6 ms against 1.3 ms for the sum of shifted planes.
  const padding = turnedPadding(window);
  const dense = isDense(window) && padding !== undefined;
  if (dense && (wide || response.channels < image.channels) && takes(to, "turned")) {
    return flipped(to, response, w, image, { ...window, padding });
  }
  return undefined;
}

function transposedPointwise(to: Lowering, response: Image, w: string, image: Image): string {
  const turned = to.emit("Transpose", [to.reshape(w, [response.channels, image.channels])], {
    perm: [1, 0],
  });
  const pixels = image.height * image.width;
  const product = to.emit("MatMul", [
    turned,
    to.reshape(response.name, [image.batch, response.channels, pixels]),
  ]);
  return to.reshape(product, [image.batch, image.channels, image.height, image.width]);
}

/** Stride 1: a convolution with the kernel turned by 180 degrees, and the padding that goes with it. */
function flipped(to: Lowering, response: Image, w: string, image: Image, window: Window): string {
  const [rows, columns] = window.kernel;
  const taps = rows * columns;
  const swapped = to.emit("Transpose", [to.reshape(w, [response.channels, image.channels, taps])], {
    perm: [1, 0, 2],
  });
  const turned = to.emit("Gather", [swapped, countDown(to, taps)], { axis: 2 });
  const kernel = to.reshape(turned, [image.channels, response.channels, rows, columns]);
  return (
    convolveBlocked(to, response, image, kernel, undefined, window) ??
    to.emit("Conv", [response.name, kernel], windowAttributes(window))
  );
}

/** Indices n − 1 … 0. */
export const countDown = (to: Lowering, n: number): string =>
  indexTensor(
    to,
    Array.from({ length: n }, (_, i) => n - 1 - i),
  );

const indexTensor = (to: Lowering, values: readonly number[]): string => {
  const tensor: Tensor = { dtype: "int32", shape: [values.length], data: Int32Array.from(values) };
  return to.constant(tensor);
};

/** What rows (or columns) of one remainder modulo the stride read: kernel taps and response positions. */
interface Phase {
  readonly taps: readonly number[];
  readonly reads: Taps;
}

/**
 * Image row h = a·s + r receives tap i from response row a + (r + p − i·d)/s where that is whole. A phase
 * without taps reads one zero row, so that all phases have the same form.
 */
function phaseOf(remainder: number, count: number, window: Window, axis: 0 | 1): Phase {
  const [stride, before, dilation] = [
    window.stride[axis],
    window.padding[axis],
    window.dilation[axis],
  ];
  const taps: number[] = [];
  for (let i = 0; i < window.kernel[axis]; i++) {
    if ((remainder + before - i * dilation) % stride === 0) taps.push(i);
  }
  const shifts = taps.map((i) => (remainder + before - i * dilation) / stride);
  const positions = Array.from({ length: count }, (_, a) => a);
  if (taps.length === 0) return { taps: [0], reads: positions.map(() => [-1]) };
  return { taps, reads: positions.map((a) => shifts.map((shift) => a + shift)) };
}

const phasesOf = (size: number, window: Window, axis: 0 | 1): Phase[] =>
  Array.from({ length: window.stride[axis] }, (_, r) =>
    phaseOf(r, Math.ceil(size / window.stride[axis]), window, axis),
  );

/**
 * Sub-pixel form (Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?"): each
 * remainder of the position modulo the stride is an ordinary convolution of the response, and the results
 * are interleaved, columns first, then rows. With stride 1 it is the convolution with the turned kernel.
 */
export function subPixel(
  to: Lowering,
  response: Image,
  w: string,
  image: Image,
  window: Window,
): string {
  const { batch, channels } = image;
  const vertical = phasesOf(image.height, window, 0);
  const horizontal = phasesOf(image.width, window, 1);
  const frame = {
    vertical: marginFor(
      vertical.map((p) => p.reads),
      response.height,
    ),
    horizontal: marginFor(
      horizontal.map((p) => p.reads),
      response.width,
    ),
  };
  const height = vertical[0]?.reads.length ?? 0;
  const width = horizontal[0]?.reads.length ?? 0;
  const kernel = to.emit(
    "Transpose",
    [to.reshape(w, [response.channels, channels, window.kernel[0] * window.kernel[1]])],
    { perm: [2, 0, 1] },
  ); // (taps, Co, Ci)
  const bands = vertical.map((down) => {
    const parts = horizontal.map((across) => {
      const columns = gatherColumns(to, response, down.reads, across.reads, frame);
      return to.emit("Gemm", [
        columns,
        phaseKernel(to, kernel, down, across, response, channels, window),
      ]);
    });
    const joined =
      parts.length === 1 ? (parts[0] as string) : to.emit("Concat", parts, { axis: 1 });
    return to.reshape(joined, [batch, height, 1, parts.length * width * channels]);
  });
  const joined = bands.length === 1 ? (bands[0] as string) : to.emit("Concat", bands, { axis: 2 });
  const full = [height * vertical.length, width * horizontal.length] as const;
  let pixels = to.reshape(joined, [batch, ...full, channels]);
  if (full[0] !== image.height || full[1] !== image.width) {
    const bounds = [
      to.integers([0, 0]),
      to.integers([image.height, image.width]),
      to.integers([1, 2]),
    ];
    pixels = to.emit("Slice", [pixels, ...bounds]);
  }
  return to.emit("Transpose", [pixels], { perm: [0, 3, 1, 2] });
}

/** The taps of one phase: [taps · Co, Ci]. */
function phaseKernel(
  to: Lowering,
  kernel: string,
  down: Phase,
  across: Phase,
  response: Image,
  channels: number,
  window: Window,
): string {
  const taps = down.taps.flatMap((i) => across.taps.map((j) => i * window.kernel[1] + j));
  const all = taps.length === window.kernel[0] * window.kernel[1];
  const chosen = all ? kernel : to.emit("Gather", [kernel, indexTensor(to, taps)], { axis: 0 });
  return to.reshape(chosen, [taps.length * response.channels, channels]);
}
