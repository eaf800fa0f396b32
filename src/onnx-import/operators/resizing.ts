import {
  constant,
  matmul,
  resizeBilinear2d,
  transpose,
  upsampleNearest2d,
} from "../../ops/index.ts";
import { allocate, type DType, type Size, type Tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";

/** How one axis is resized. */
interface Axis {
  readonly size: number;
  readonly target: number;
  readonly scale: number;
}

interface Rules {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubic: number;
  readonly exclude: boolean;
  readonly antialias: boolean;
}

/** Where a new pixel lies among the old ones: ONNX Resize, `coordinate_transformation_mode`. */
function place(i: number, { size, target, scale }: Axis, coordinates: string): number {
  switch (coordinates) {
    case "asymmetric":
      return i / scale;
    case "align_corners":
      // By the wanted size, a fraction of a pixel larger than the one that it is cut to.
      return target === 1 ? 0 : (i * (size - 1)) / (scale * size - 1);
    case "pytorch_half_pixel":
      return target > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "half_pixel_symmetric": {
      const wanted = scale * size;
      const offset = (size / 2) * (1 - target / wanted);
      return offset + (i + 0.5) / scale - 0.5;
    }
    default:
      return (i + 0.5) / scale - 0.5;
  }
}

function nearestTo(x: number, mode: string): number {
  if (mode === "floor") return Math.floor(x);
  if (mode === "ceil") return Math.ceil(x);
  const down = Math.ceil(x - 0.5);
  const up = Math.floor(x + 0.5);
  return mode === "round_prefer_ceil" ? up : down;
}

/** Weight of an old pixel at a distance: a triangle, or Keys's cubic with parameter a (1981, equation 4). */
function kernelAt(distance: number, { mode, cubic: a }: Rules): number {
  const x = Math.abs(distance);
  if (mode === "linear") return Math.max(1 - x, 0);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}

/** Weight of every old pixel (rows) in every new one (columns). */
function weightsOf(axis: Axis, rules: Rules, dtype: DType): Tensor {
  const { size, target, scale } = axis;
  const data = allocate(dtype, size * target);
  const add = (from: number, to: number, weight: number): void => {
    const at = Math.min(Math.max(from, 0), size - 1) * target + to;
    data[at] = Number(data[at]) + weight;
  };
  for (let i = 0; i < target; i++) {
    const x = place(i, axis, rules.coordinates);
    if (rules.mode === "nearest") {
      add(nearestTo(x, rules.nearest), i, 1);
      continue;
    }
    // Shrinking with antialiasing widens the kernel to what a new pixel covers.
    const stretch = rules.antialias ? Math.max(1 / scale, 1) : 1;
    const reach = (rules.mode === "linear" ? 1 : 2) * stretch;
    const taps: [number, number][] = [];
    for (let k = Math.floor(x - reach) + 1; k <= Math.ceil(x + reach) - 1; k++) {
      const weight = kernelAt((k - x) / stretch, rules);
      const outside = k < 0 || k >= size;
      taps.push([k, rules.exclude && outside ? 0 : weight]);
    }
    const total = taps.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [k, weight] of taps) add(k, i, weight / total);
  }
  return { dtype, shape: [size, target], data };
}

const resize: Operator = (call) => {
  const x = call.value(0);
  const at = call.opset < 11 ? 1 : 2;
  const scales = call.has(at) && call.tensor(at).data.length > 0 ? call.numbers(at) : undefined;
  const sizes = scales === undefined && call.has(3) ? call.sizes(3) : undefined;
  const axes = (call.list("axes") ?? x.shape.map((_, i) => i)).map((a) => (a < 0 ? a + x.rank : a));
  const linear = call.opset < 11 ? "asymmetric" : "half_pixel";
  const rules: Rules = {
    mode: call.text("mode", "nearest"),
    coordinates: call.text("coordinate_transformation_mode", linear),
    nearest: call.text("nearest_mode", call.opset < 11 ? "floor" : "round_prefer_floor"),
    cubic: call.number("cubic_coeff_a", -0.75),
    exclude: call.integer("exclude_outside", 0) === 1,
    antialias: call.integer("antialias", 0) === 1,
  };
  if (rules.coordinates === "tf_crop_and_resize") return call.fail("crops while resizing");
  if (scales !== undefined) {
    const whole = wholeFactors(x, axes, scales, rules);
    if (whole !== undefined) return whole;
  }
  return axes.reduce(
    (y, axis, i) => {
      const found = targetOf(call, y.shape[axis] as Size, scales?.[i], sizes?.[i]);
      return found === undefined ? y : stretched(y, axis, weightsOf(found, rules, x.dtype));
    },
    kept(call, x, sizes),
  );
};

/** The policy of sizes that keeps the aspect ratio is not followed. */
function kept(call: Call, x: Value, sizes: readonly Size[] | undefined): Value {
  const policy = call.text("keep_aspect_ratio_policy", "stretch");
  if (sizes !== undefined && policy !== "stretch") call.fail(`resizes by the policy ${policy}`);
  return x;
}

function targetOf(
  call: Call,
  size: Size,
  scale: number | undefined,
  wanted: Size | undefined,
): Axis | undefined {
  if (scale === 1 || wanted === size) return undefined;
  if (typeof size !== "number" || (wanted !== undefined && typeof wanted !== "number")) {
    return call.fail("changes an axis of free size by a factor that is not whole");
  }
  if (scale !== undefined) return { size, scale, target: Math.floor(size * scale) };
  const target = wanted ?? call.fail("has neither scales nor sizes");
  return { size, target, scale: target / size };
}

/** Whole factors on height and width only, which need no fixed size. */
function wholeFactors(
  x: Value,
  axes: readonly number[],
  scales: readonly number[],
  { mode, coordinates, nearest, antialias }: Rules,
): Value | undefined {
  if (x.rank !== 4 || antialias) return undefined;
  const factor = (axis: number): number => scales[axes.indexOf(axis)] ?? 1;
  const [b, c, h, w] = [0, 1, 2, 3].map(factor) as [number, number, number, number];
  if (b !== 1 || c !== 1 || ![h, w].every((f) => Number.isInteger(f) && f >= 1)) return undefined;
  const copies =
    mode === "nearest" &&
    ((coordinates === "asymmetric" && nearest === "floor") ||
      (coordinates === "half_pixel" && nearest.startsWith("round")));
  if (copies) return upsampleNearest2d(x, [h, w]);
  const known = typeof x.size(2) === "number" && typeof x.size(3) === "number";
  return mode === "linear" && coordinates === "half_pixel" && !known
    ? resizeBilinear2d(x, [h, w])
    : undefined;
}

/** x times a matrix along one axis. */
function stretched(x: Value, axis: number, weights: Tensor): Value {
  const order = Array.from({ length: x.rank }, (_, i) => i);
  [order[axis], order[x.rank - 1]] = [x.rank - 1, axis];
  return transpose(matmul(transpose(x, order), constant(weights)), order);
}

export const resizing: Operators = { Resize: resize, Upsample: resize };
