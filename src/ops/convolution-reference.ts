import { allocate, elementCount, type Tensor } from "../tensor/index.ts";
import type { EvaluatedSpec } from "../trace/index.ts";
import type { Window } from "./window.ts";

/** Shapes of the three tensors of a convolution: image, kernel and response. */
interface Sides {
  readonly image: readonly number[];
  readonly kernel: readonly number[];
  readonly response: readonly number[];
}

/**
 * Calls `visit` with the positions of every product: a convolution is the form
 * Σ image[b, c, y·s − p + i·d, …] · kernel[o, c, i, j] · response[b, o, y, x],
 * and each of the three operations contracts two of its sides to give the third. Where the kernel has fewer
 * channels than the image they are groups of channels, each with its share of the filters.
 */
function eachProduct(
  { image, kernel, response }: Sides,
  { stride, padding, dilation }: Window,
  visit: (image: number, kernel: number, response: number) => void,
): void {
  const [batch, channels, height, width] = image as [number, number, number, number];
  const [filters, members, rows, columns] = kernel as [number, number, number, number];
  const share = filters / (channels / members);
  const [, , outHeight, outWidth] = response as [number, number, number, number];
  const pixel = (y: number, x: number, i: number, j: number, planes: readonly number[]): void => {
    const v = y * stride[0] - padding[0] + i * dilation[0];
    const u = x * stride[1] - padding[1] + j * dilation[1];
    if (v < 0 || v >= height || u < 0 || u >= width) return;
    const [b, o, c] = planes as [number, number, number];
    visit(
      ((b * channels + Math.floor(o / share) * members + c) * height + v) * width + u,
      ((o * members + c) * rows + i) * columns + j,
      ((b * filters + o) * outHeight + y) * outWidth + x,
    );
  };
  const taps = rows * columns;
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < filters; o++) {
      for (let c = 0; c < members; c++) {
        for (let at = 0; at < outHeight * outWidth; at++) {
          for (let k = 0; k < taps; k++) {
            const [y, x] = [Math.floor(at / outWidth), at % outWidth];
            pixel(y, x, Math.floor(k / columns), k % columns, [b, o, c]);
          }
        }
      }
    }
  }
}

/** Sums in float64 and rounds once. */
function accumulated({ dtype, shape }: EvaluatedSpec, fill: (sums: Float64Array) => void): Tensor {
  const sums = new Float64Array(elementCount(shape));
  fill(sums);
  const data = allocate(dtype, sums.length);
  for (let i = 0; i < sums.length; i++) data[i] = sums[i] as number;
  return { dtype, shape, data };
}

const values = (x: Tensor): Float64Array => x.data as Float64Array;

/** y = x ∗ w (+ bias): [B, Ci, H, W], [Co, Ci, kh, kw] → [B, Co, Ho, Wo]. */
export function evaluateConvolution(
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  window: Window,
  out: EvaluatedSpec,
): Tensor {
  const plane = (out.shape[2] as number) * (out.shape[3] as number);
  const filters = out.shape[1] as number;
  return accumulated(out, (sums) => {
    if (bias !== undefined) {
      for (let i = 0; i < sums.length; i++) {
        sums[i] = values(bias)[Math.floor(i / plane) % filters] as number;
      }
    }
    eachProduct({ image: x.shape, kernel: w.shape, response: out.shape }, window, (p, q, r) => {
      sums[r] = (sums[r] as number) + (values(x)[p] as number) * (values(w)[q] as number);
    });
  });
}

/** The image side from response and kernel. */
export function evaluateInputGradient(
  dy: Tensor,
  w: Tensor,
  window: Window,
  out: EvaluatedSpec,
): Tensor {
  return accumulated(out, (sums) => {
    eachProduct({ image: out.shape, kernel: w.shape, response: dy.shape }, window, (p, q, r) => {
      sums[p] = (sums[p] as number) + (values(dy)[r] as number) * (values(w)[q] as number);
    });
  });
}

/** The kernel side from image and response. */
export function evaluateWeightGradient(
  x: Tensor,
  dy: Tensor,
  window: Window,
  out: EvaluatedSpec,
): Tensor {
  return accumulated(out, (sums) => {
    eachProduct({ image: x.shape, kernel: out.shape, response: dy.shape }, window, (p, q, r) => {
      sums[q] = (sums[q] as number) + (values(x)[p] as number) * (values(dy)[r] as number);
    });
  });
}
