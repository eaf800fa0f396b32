import { formatShape, ShapeError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { conv2d } from "./convolution.ts";
import { expandDims, squeeze } from "./movement.ts";
import type { Padding2d } from "./window.ts";

export interface Convolution1dOptions {
  /** Added to every output channel, [Co]. */
  readonly bias?: Value;
  readonly stride?: number;
  /** Zeros at both ends: one number, `[start, end]`, "valid" (none) or "same" (⌈L / stride⌉ outputs). */
  readonly padding?: number | readonly [number, number] | "same" | "valid";
  readonly dilation?: number;
  readonly groups?: number;
}

/**
 * Cross-correlation along a sequence: x [B, Ci, L], w [Co, Ci / groups, k] → [B, Co, Lo],
 * Lo = ⌊(L + padding − reach) / stride⌋ + 1 with reach = (k − 1)·dilation + 1. A convolution of images of
 * height 1. Padding [(k − 1)·dilation, 0] makes it causal.
 * @throws ShapeError where ranks, channels or dtypes differ, or the kernel is larger than the padded sequence.
 */
export function conv1d(
  x: Value,
  w: Value,
  { bias, stride = 1, padding = 0, dilation = 1, groups = 1 }: Convolution1dOptions = {},
): Value {
  if (x.rank !== 3 || w.rank !== 3) {
    throw new ShapeError(
      "conv1d",
      `wants x [batch, channels, length] and w of rank 3, got ${formatShape(x.shape)} and ${formatShape(w.shape)}.`,
    );
  }
  const y = conv2d(expandDims(x, 2), expandDims(w, 2), {
    stride: [1, stride],
    padding: marginsOf(padding),
    dilation: [1, dilation],
    groups,
    ...(bias === undefined ? {} : { bias }),
  });
  return squeeze(y, 2);
}

function marginsOf(padding: NonNullable<Convolution1dOptions["padding"]>): Padding2d {
  if (typeof padding === "string") return padding;
  const [start, end] = typeof padding === "number" ? [padding, padding] : padding;
  return [0, start, 0, end];
}
