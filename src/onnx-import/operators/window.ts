import type { Size } from "../../tensor/index.ts";
import type { Call } from "../call.ts";

/** Kernel, steps and borders of a node that goes over an image with a window; one number an axis. */
export interface WindowSettings {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros before the start of every axis, then after the end. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Reads the attributes of a convolution or pool over the axes of x after the first two. */
export function windowSettings(
  call: Call,
  image: readonly Size[],
  kernel: readonly number[],
): WindowSettings {
  const axes = image.length;
  const ones = (name: string): readonly number[] => call.list(name) ?? Array(axes).fill(1);
  const [strides, dilations] = [ones("strides"), ones("dilations")];
  const pads = call.list("pads") ?? Array(2 * axes).fill(0);
  const settings = { kernel, strides, dilations };
  const auto = call.text("auto_pad", "NOTSET");
  if (auto === "VALID") {
    return { ...settings, before: Array(axes).fill(0), after: Array(axes).fill(0) };
  }
  if (auto === "NOTSET" || auto === "") {
    return { ...settings, before: pads.slice(0, axes), after: pads.slice(axes) };
  }
  const margins = image.map((size, i) => sameMargin(call, size, settings, i, auto));
  return { ...settings, before: margins.map(([a]) => a), after: margins.map(([, b]) => b) };
}

/** Zeros that give ⌈size / stride⌉ outputs, an odd one at the end (SAME_UPPER) or the start. */
function sameMargin(
  call: Call,
  size: Size,
  { kernel, strides, dilations }: Omit<WindowSettings, "before" | "after">,
  axis: number,
  auto: string,
): readonly [number, number] {
  const [k = 1, stride = 1, dilation = 1] = [kernel[axis], strides[axis], dilations[axis]];
  const reach = (k - 1) * dilation + 1;
  let total = Math.max(reach - stride, 0);
  if (typeof size === "number") {
    total = Math.max((Math.ceil(size / stride) - 1) * stride + reach - size, 0);
  } else if (stride !== 1) {
    call.fail(`pads by ${auto}, which with a stride needs a fixed image size`);
  }
  const [small, large] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return auto === "SAME_UPPER" ? [small, large] : [large, small];
}

/** The number of a free axis with the padding that makes the last window whole, for `ceil_mode`. */
export function roundedUp(size: Size, settings: WindowSettings, axis: number): number {
  if (typeof size !== "number") return 0;
  const { kernel, strides, dilations, before, after } = settings;
  const [k = 1, stride = 1, dilation = 1] = [kernel[axis], strides[axis], dilations[axis]];
  const reach = (k - 1) * dilation + 1;
  const room = size + (before[axis] ?? 0) + (after[axis] ?? 0) - reach;
  let count = Math.ceil(room / stride) + 1;
  // A window may not begin in the padding after the end.
  if ((count - 1) * stride >= size + (before[axis] ?? 0)) count -= 1;
  return Math.max((count - 1) * stride - room, 0);
}
