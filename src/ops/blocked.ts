import type { Lowering } from "../trace/index.ts";
import type { Image } from "./columns.ts";
import { takes } from "./forms.ts";
import { type Window, windowAttributes } from "./window.ts";

const domain = "com.microsoft.nchwc";

/**
 * ONNX Runtime's convolution on channels in blocks of `to.block` (its MLAS library), which it would choose
 * by itself for constant weights only. It is not documented, and wrong for another block than that of the
 * processor: hence the probe in onnx/probe.ts, and 0 for `to.block` where that fails. Milliseconds, least of
 * many, 3×3 kernels, 2 threads with AVX-512, against Conv, with reordering both ways and without:
 *
 *     batch 32, 64 → 64, 32×32     13.7    11.8   10.9
 *     batch 32, 128 → 64, 32×32    26.9    22.9   21.2
 *     batch 32, 128 → 128, 16×16   12.7    11.5   11.1
 *     batch 64, 32 → 64, 28×28     22.9    21.5   17.8
 */
export function convolveBlocked(
  to: Lowering,
  image: Image,
  response: Image,
  w: string,
  bias: string | undefined,
  window: Window,
): string | undefined {
  const { block } = to;
  if (block === 0 || !takes(to, "blocked")) return undefined;
  const [parts, filters] = [image.channels / block, response.channels / block];
  if (!Number.isInteger(parts) || !Number.isInteger(filters)) return undefined;
  const [rows, columns] = window.kernel;
  const split = to.reshape(w, [filters, block, parts, block, rows, columns]);
  const inner = to.emit("Transpose", [split], { perm: [0, 2, 4, 5, 3, 1] });
  const kernel = to.reshape(inner, [response.channels, image.channels, rows, columns]);
  const x = to.emit("ReorderInput", [image.name], {}, domain);
  const operands = bias === undefined ? [x, kernel] : [x, kernel, bias];
  const attributes = { ...windowAttributes(window), kernel_shape: window.kernel };
  const y = to.emit("Conv", operands, attributes, domain);
  return to.emit("ReorderOutput", [y], { channels: response.channels }, domain);
}
