import type { Lowering } from "../trace/index.ts";
import { channelsLast, type Image } from "./columns.ts";
import type { Window } from "./window.ts";

/*
 * A kernel that covers the whole image has one position: the convolution is a product of two matrices, with
 * pixels and channels of the image as one axis. Channels come last, as in the columns of the layers around it.
 */

/** Whether the kernel reads every pixel exactly once. */
export const covers = (
  image: Image,
  response: Image,
  { kernel, padding, dilation }: Window,
): boolean =>
  response.height * response.width === 1 &&
  kernel[0] === image.height &&
  kernel[1] === image.width &&
  [...padding.map((p) => p + 1), ...dilation].every((n) => n === 1);

const rowsOf = (to: Lowering, image: Image): string =>
  to.reshape(channelsLast(to, image), [image.batch, sizeOf(image)]);

const sizeOf = ({ height, width, channels }: Image): number => height * width * channels;

const kernelRows = (to: Lowering, w: string, image: Image, response: Image): string =>
  to.reshape(to.emit("Transpose", [w], { perm: [0, 2, 3, 1] }), [response.channels, sizeOf(image)]);

export function convolveCovering(
  to: Lowering,
  image: Image,
  response: Image,
  w: string,
  bias: string | undefined,
): string {
  const operands = [rowsOf(to, image), kernelRows(to, w, image, response)];
  const product = to.emit("Gemm", bias === undefined ? operands : [...operands, bias], {
    transB: 1,
  });
  return to.reshape(product, [response.batch, response.channels, 1, 1]);
}

export function transposedCovering(to: Lowering, response: Image, w: string, image: Image): string {
  const dy = to.reshape(response.name, [response.batch, response.channels]);
  const product = to.emit("Gemm", [dy, kernelRows(to, w, image, response)]);
  const { batch, height, width, channels } = image;
  const last = to.reshape(product, [batch, height, width, channels]);
  return to.emit("Transpose", [last], { perm: [0, 3, 1, 2] });
}

export function weightsFromCovering(to: Lowering, image: Image, response: Image): string {
  const dy = to.reshape(response.name, [response.batch, response.channels]);
  const product = to.emit("Gemm", [dy, rowsOf(to, image)], { transA: 1 });
  const last = to.reshape(product, [response.channels, image.height, image.width, image.channels]);
  return to.emit("Transpose", [last], { perm: [0, 3, 1, 2] });
}
