import { mulSize, type Size, subSize } from "../tensor/index.ts";
import type { Lowering, Node, Value } from "../trace/index.ts";
import { convolveBlocked } from "./blocked.ts";
import {
  columnChannels,
  fewPixels,
  type Image,
  imageOf,
  lacksConv,
  needFloat32,
  turnedColumns,
  windowColumns,
} from "./columns.ts";
import { convolveCovering, covers, weightsFromCovering } from "./covering.ts";
import { takes } from "./forms.ts";
import { convolveByTaps, fewFilters, weightsFromPlanes } from "./planes.ts";
import { countDown, lowerTransposed } from "./transposed-lowering.ts";
import {
  isDense,
  isPointwise,
  reach,
  turnedPadding,
  type Window,
  windowAttributes,
} from "./window.ts";

export function lowerConvolution(
  to: Lowering,
  names: readonly string[],
  node: Node,
  window: Window,
): string {
  const [x, w, bias] = names as [string, string, string | undefined];
  const image = imageOf(x, node.inputs[0] as Value);
  const response = imageOf("", node.outputs[0] as Value);
  if (image !== undefined && response !== undefined) {
    const form = fastForm(to, image, response, w, bias, node, window);
    if (form !== undefined) return form;
  }
  needFloat32("conv2d", node);
  return to.emit("Conv", bias === undefined ? [x, w] : [x, w, bias], windowAttributes(window));
}

/** The form that beats Conv, if there is one. */
function fastForm(
  to: Lowering,
  image: Image,
  response: Image,
  w: string,
  bias: string | undefined,
  node: Node,
  window: Window,
): string | undefined {
  const double = lacksConv(to, node);
  if (covers(image, response, window) && (double || takes(to, "columns"))) {
    return convolveCovering(to, image, response, w, bias);
  }
  const small =
    image.channels >= columnChannels && fewPixels(response, window) && takes(to, "columns");
  if (isPointwise(window) && !small) {
    const cheap = double || (bias === undefined && takes(to, "pointwise"));
    return cheap ? convolvePointwise(to, image, response, w, bias) : undefined;
  }
  if (!isPointwise(window) && fewFilters(image, response, window) && takes(to, "planes")) {
    return convolveByTaps(to, image, response, w, bias, window);
  }
  if (double || small) {
    return convolveColumns(to, image, response, w, bias, window);
  }
  return convolveBlocked(to, image, response, w, bias, window);
}

export function convolveColumns(
  to: Lowering,
  image: Image,
  { batch, channels, height, width }: Image,
  w: string,
  bias: string | undefined,
  window: Window,
): string {
  const columns = windowColumns(to, image, { name: "", batch, channels, height, width }, window);
  const kernel = to.reshape(to.emit("Transpose", [w], { perm: [0, 2, 3, 1] }), [
    channels,
    window.kernel[0] * window.kernel[1] * image.channels,
  ]);
  const operands = bias === undefined ? [columns, kernel] : [columns, kernel, bias];
  const product = to.emit("Gemm", operands, { transB: 1 }); // (B·Ho·Wo, Co)
  const last = to.reshape(product, [batch, height, width, channels]);
  return to.emit("Transpose", [last], { perm: [0, 3, 1, 2] });
}

function convolvePointwise(
  to: Lowering,
  image: Image,
  response: Image,
  w: string,
  bias: string | undefined,
): string {
  const pixels = image.height * image.width;
  const matrix = to.reshape(w, [response.channels, image.channels]);
  const product = to.emit("MatMul", [
    matrix,
    to.reshape(image.name, [image.batch, image.channels, pixels]),
  ]);
  const y = to.reshape(product, [image.batch, response.channels, image.height, image.width]);
  return bias === undefined ? y : to.emit("Add", [y, to.reshape(bias, [response.channels, 1, 1])]);
}

export function lowerInputGradient(
  to: Lowering,
  names: readonly string[],
  node: Node,
  window: Window,
): string {
  const [dy, w] = names as [string, string];
  const response = imageOf(dy, node.inputs[0] as Value);
  const image = imageOf("", node.outputs[0] as Value);
  if (image !== undefined && response !== undefined) {
    const form = lowerTransposed(to, response, w, image, node, window);
    if (form !== undefined) return form;
  }
  needFloat32("convTranspose2d", node);
  return plainTransposed(to, dy, w, node, window);
}

/**
 * ConvTranspose with the size it gives by itself, where that is the size wanted; else without a bottom
 * and right border, and then cut or filled to the size, which may be known only when the graph runs.
 */
export function plainTransposed(
  to: Lowering,
  dy: string,
  w: string,
  node: Node,
  window: Window,
): string {
  const [, , height, width] = (node.outputs[0] as Value).shape as readonly [Size, Size, Size, Size];
  const [top, left, bottom, right] = window.padding;
  const natural = ([0, 1] as const).map((axis) => {
    const n = (node.inputs[0] as Value).size(axis + 2);
    return subSize(mulSize(n, window.stride[axis]), window.stride[axis] - reach(window, axis));
  }) as [Size, Size];
  const extra = [
    subSize(height, subSize(natural[0], top + bottom)),
    subSize(width, subSize(natural[1], left + right)),
  ];
  if (extra.every((n) => typeof n === "number")) {
    return to.emit("ConvTranspose", [dy, w], {
      ...windowAttributes(window),
      output_padding: extra as number[],
    });
  }
  const whole = to.emit("ConvTranspose", [dy, w], {
    ...windowAttributes({ ...window, padding: [top, left, 0, 0] }),
  });
  const missing = [
    subSize(height, subSize(natural[0], top)),
    subSize(width, subSize(natural[1], left)),
  ];
  return to.emit("Pad", [whole, to.shape([0, 0, 0, 0, 0, 0, ...missing])]);
}

export function lowerWeightGradient(
  to: Lowering,
  names: readonly string[],
  node: Node,
  window: Window,
): string {
  const [x, dy] = names as [string, string];
  const [image, response] = [
    imageOf(x, node.inputs[0] as Value),
    imageOf(dy, node.inputs[1] as Value),
  ];
  if (image !== undefined && response !== undefined) {
    const double = lacksConv(to, node);
    if (covers(image, response, window) && (double || takes(to, "columns"))) {
      return weightsFromCovering(to, image, response);
    }
    const rows = isPointwise(window) && fewPixels(response, window) && takes(to, "columns");
    const fromPlanes = rows ? undefined : weightsFromPlanes(to, image, response, window, double);
    if (fromPlanes !== undefined) return fromPlanes;
    if (double || (image.channels >= columnChannels && takes(to, "columns"))) {
      // Columns that the forward pass gathers as well cost nothing more here.
      const shared = double || isPointwise(window) || fewPixels(response, window);
      if (shared) return weightsFromColumns(to, image, response, window);
      const form = fitsCrossed(to, response, window) ? weightsCrossed : weightsFromTurnedColumns;
      return form(to, image, response, window);
    }
  }
  needFloat32("conv2dWeightGradient", node);
  return weightsFromConv(to, x, dy, window);
}

/** One product of the response with the columns, which are the ones that the forward pass gathered. */
export function weightsFromColumns(
  to: Lowering,
  image: Image,
  response: Image,
  window: Window,
): string {
  const pixels = response.height * response.width;
  const columns = windowColumns(to, image, response, window);
  // Turned before it is flattened: the runtime joins transposes that follow each other.
  const turned = to.reshape(to.emit("Transpose", [response.name], { perm: [1, 0, 2, 3] }), [
    response.channels,
    mulSize(response.batch, pixels),
  ]);
  const product = to.emit("Gemm", [turned, columns]); // (Co, kh·kw·Ci)
  const last = to.reshape(product, [response.channels, ...window.kernel, image.channels]);
  return to.emit("Transpose", [last], { perm: [0, 3, 1, 2] });
}

function weightsFromTurnedColumns(
  to: Lowering,
  image: Image,
  response: Image,
  window: Window,
): string {
  const pixels = response.height * response.width;
  const turned = to.reshape(to.emit("Transpose", [response.name], { perm: [1, 2, 3, 0] }), [
    response.channels,
    mulSize(response.batch, pixels),
  ]);
  const columns = turnedColumns(to, image, response, window);
  const product = to.emit("Gemm", [columns, turned], { transB: 1 }); // (Ci·kh·kw, Co)
  const kernel = to.emit("Transpose", [product], { perm: [1, 0] });
  return to.reshape(kernel, [response.channels, image.channels, ...window.kernel]);
}

const fitsCrossed = (to: Lowering, response: Image, window: Window): boolean =>
  takes(to, "crossed") &&
  isDense(window) &&
  turnedPadding(window) !== undefined &&
  response.channels <= 64 &&
  response.height * response.width > 256;

/**
 * Columns of the image for the kernel's columns alone, and of the response for its rows alone: their product has all
 * pairs. For a kernel of 3×3 both together are 6 times the image, where all taps of one are 9 times, and the product
 * is nearer to a square. Image row r meets tap i at the response's row r + p − i·d: the taps in the opposite order.
 */
function weightsCrossed(to: Lowering, image: Image, response: Image, window: Window): string {
  const [rows, columns] = window.kernel;
  const outputs = { ...response, height: image.height };
  const [top, left, bottom, right] = window.padding;
  const across = turnedColumns(to, image, outputs, {
    ...window,
    kernel: [1, columns],
    padding: [0, left, 0, right],
  });
  const turned = turnedPadding(window) ?? [top, left, bottom, right];
  const down = turnedColumns(to, response, outputs, {
    ...window,
    kernel: [rows, 1],
    padding: [turned[0], 0, turned[2], 0],
  });
  const product = to.emit("Gemm", [down, across], { transB: 1 }); // (Co·kh, Ci·kw)
  const taps = to.reshape(product, [response.channels, rows, image.channels, columns]);
  const upright = to.emit("Gather", [taps, countDown(to, rows)], { axis: 1 });
  return to.emit("Transpose", [upright], { perm: [0, 2, 1, 3] });
}

/** A convolution of the image by the response, batch and channels exchanged, stride and dilation too. */
function weightsFromConv(to: Lowering, x: string, dy: string, window: Window): string {
  const swap = { perm: [1, 0, 2, 3] };
  const product = to.emit(
    "Conv",
    [to.emit("Transpose", [x], swap), to.emit("Transpose", [dy], swap)],
    {
      strides: window.dilation,
      dilations: window.stride,
      pads: window.padding,
    },
  ); // (Ci, Co, ≥ kh, ≥ kw): a stride leaves rows at the end that no output reads
  const bounds = [to.integers([0, 0]), to.integers([...window.kernel]), to.integers([2, 3])];
  const exact = window.stride.every((n) => n === 1);
  const taps = exact ? product : to.emit("Slice", [product, ...bounds]);
  return to.emit("Transpose", [taps], swap);
}
