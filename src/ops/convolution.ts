/**
 * Two-dimensional convolution as three operations, one for each side of the trilinear form
 * Σ x[b, c, y·s − p + i·d, …] · w[o, c, i, j] · y[b, o, y, x]. The gradients of each are the other two, so
 * derivatives of any order stay in the family.
 *
 * B batch, Ci and Co channels in and out, H and W the image, Ho and Wo the response, kh and kw the kernel.
 */
import {
  divideExactly,
  formatShape,
  isFloat,
  mulSize,
  type Shape,
  ShapeError,
  type Size,
  type Tensor,
} from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, type Op, type Value } from "../trace/index.ts";
import { sameShape } from "./broadcast.ts";
import {
  lowerConvolution,
  lowerInputGradient,
  lowerWeightGradient,
} from "./convolution-lowering.ts";
import {
  evaluateConvolution,
  evaluateInputGradient,
  evaluateWeightGradient,
} from "./convolution-reference.ts";
import { lowerGrouped, lowerGroupedInput, lowerGroupedWeight } from "./grouped-lowering.ts";
import { sum } from "./reduce.ts";
import {
  expandedSize,
  type Padding2d,
  type Pair,
  pairOf,
  positions,
  type Window,
  windowOf,
} from "./window.ts";

type Plane = readonly [Size, Size];

const responsePlane = (x: Value, window: Window): Plane => [
  positions(x.size(2), window, 0),
  positions(x.size(3), window, 1),
];

const convolutionOp: Op<Window> = defineOp<Window>({
  name: "conv2d",
  infer: ([x, w], window) => {
    const [image, kernel] = [x as Value, w as Value];
    const shape: Shape = [image.size(0), kernel.size(0), ...responsePlane(image, window)];
    return [{ dtype: image.dtype, shape }];
  },
  grad: ({ dy, xs: [x, w, bias], wanted, attributes }) => [
    wanted[0] ? inputGradient(dy, w as Value, attributes, planeOf(x as Value)) : undefined,
    wanted[1] ? weightGradient(x as Value, dy, attributes) : undefined,
    ...(bias === undefined ? [] : [wanted[2] ? sum(dy, [0, 2, 3]) : undefined]),
  ],
  lower: (to, xs, node, window) => [
    (window.groups > 1 ? lowerGrouped : lowerConvolution)(to, xs, node, window),
  ],
  evaluate: ([x, w, bias], window, [out]) => [
    evaluateConvolution(x as Tensor, w as Tensor, bias, window, out as EvaluatedSpec),
  ],
});

interface ImageAttributes extends Window {
  /** Height and width of the image, which a stride above 1 leaves open. */
  readonly plane: Plane;
}

const inputGradientOp: Op<ImageAttributes> = defineOp<ImageAttributes>({
  name: "conv2dInputGradient",
  infer: ([dy, w], { plane, groups }) => [
    {
      dtype: (dy as Value).dtype,
      shape: [(dy as Value).size(0), mulSize((w as Value).size(1), groups), ...plane],
    },
  ],
  grad: ({ dy, xs: [g, w], wanted, attributes: { plane: _, ...window } }) => [
    wanted[0] ? (convolutionOp.apply([dy, w as Value], window)[0] as Value) : undefined,
    wanted[1] ? weightGradient(dy, g as Value, window) : undefined,
  ],
  lower: (to, xs, node, attributes) => [
    (attributes.groups > 1 ? lowerGroupedInput : lowerInputGradient)(to, xs, node, attributes),
  ],
  evaluate: ([dy, w], window, [out]) => [
    evaluateInputGradient(dy as Tensor, w as Tensor, window, out as EvaluatedSpec),
  ],
});

const weightGradientOp: Op<Window> = defineOp<Window>({
  name: "conv2dWeightGradient",
  infer: ([x, dy], { kernel, groups }) => [
    {
      dtype: (x as Value).dtype,
      shape: [
        (dy as Value).size(1),
        divideExactly((x as Value).size(1), groups) as Size,
        ...kernel,
      ],
    },
  ],
  grad: ({ dy, xs: [x, g], wanted, attributes }) => [
    wanted[0] ? inputGradient(g as Value, dy, attributes, planeOf(x as Value)) : undefined,
    wanted[1] ? (convolutionOp.apply([x as Value, dy], attributes)[0] as Value) : undefined,
  ],
  lower: (to, xs, node, window) => [
    (window.groups > 1 ? lowerGroupedWeight : lowerWeightGradient)(to, xs, node, window),
  ],
  evaluate: ([x, dy], window, [out]) => [
    evaluateWeightGradient(x as Tensor, dy as Tensor, window, out as EvaluatedSpec),
  ],
});

const planeOf = (x: Value): Plane => [x.size(2), x.size(3)];

/** Cotangent of the image: dy [B, Co, Ho, Wo], w [Co, Ci, kh, kw] → [B, Ci, H, W]. */
export const inputGradient = (dy: Value, w: Value, window: Window, plane: Plane): Value =>
  inputGradientOp.apply([dy, w], { ...window, plane })[0] as Value;

/** Cotangent of the kernel: x [B, Ci, H, W], dy [B, Co, Ho, Wo] → [Co, Ci, kh, kw]. */
const weightGradient = (x: Value, dy: Value, window: Window): Value =>
  weightGradientOp.apply([x, dy], window)[0] as Value;

export interface ConvolutionOptions {
  /** Added to every output channel, [Co]: cheaper here than afterwards. */
  readonly bias?: Value;
  readonly stride?: number | Pair;
  readonly padding?: Padding2d;
  readonly dilation?: number | Pair;
  /** Parts of the channels, each with its share of the filters; as many as channels is depthwise. */
  readonly groups?: number;
}

/**
 * Cross-correlation, as every deep learning library's convolution:
 * x [B, Ci, H, W], w [Co, Ci / groups, kh, kw] → [B, Co, Ho, Wo], Ho = ⌊(H + padding − reach) / stride⌋ + 1
 * with reach = (kh − 1)·dilation + 1.
 * @throws ShapeError where ranks, channels or dtypes differ, or the kernel is larger than the padded image.
 */
export function conv2d(
  x: Value,
  w: Value,
  { bias, stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvolutionOptions = {},
): Value {
  checkOperands("conv2d", x, w, bias);
  checkGroups("conv2d", groups, x.size(1), w.size(0));
  const members = divideExactly(x.size(1), groups);
  if (w.shape[1] !== members) {
    throw new ShapeError(
      "conv2d",
      `w must be [out, ${members}, height, width] for x ${formatShape(x.shape)}, got ${formatShape(w.shape)}.`,
    );
  }
  checkBias("conv2d", bias, w.shape[0] as Size);
  const steps = { stride, padding, dilation };
  const window = {
    ...windowOf("conv2d", planeOf(x), kernelOf("conv2d", w), steps),
    groups,
  };
  const response = responsePlane(x, window);
  if (response.some((n) => typeof n === "number" && n < 1)) {
    throw new ShapeError(
      "conv2d",
      `a kernel of ${window.kernel.join("×")} does not fit into x ${formatShape(x.shape)} with padding ` +
        `${formatShape(window.padding)}. Pad more or use a smaller kernel.`,
    );
  }
  return convolutionOp.apply(bias === undefined ? [x, w] : [x, w, bias], window)[0] as Value;
}

export interface TransposedConvolutionOptions {
  readonly stride?: number | Pair;
  /** Rows and columns left away at the borders, as numbers. */
  readonly padding?: number | Pair | readonly [number, number, number, number];
  /** Added to the height and width, below the stride: says which of several sizes is meant. */
  readonly outputPadding?: number | Pair;
  readonly dilation?: number | Pair;
  /** Parts of the channels that do not meet, as for conv2d. */
  readonly groups?: number;
}

/**
 * Transposed convolution, the input gradient of conv2d as a layer:
 * x [B, Ci, H, W], w [Ci, Co / groups, kh, kw] → [B, Co, H′, W′],
 * H′ = (H − 1)·stride + reach − padding top and bottom + outputPadding.
 * @throws ShapeError where ranks, channels or dtypes differ, or outputPadding reaches the stride.
 */
export function convTranspose2d(
  x: Value,
  w: Value,
  {
    stride = 1,
    padding = 0,
    outputPadding = 0,
    dilation = 1,
    groups = 1,
  }: TransposedConvolutionOptions = {},
): Value {
  const op = "convTranspose2d";
  checkOperands(op, x, w, undefined);
  checkGroups(op, groups, x.size(1), 0);
  if (w.shape[0] !== x.shape[1]) {
    throw new ShapeError(
      op,
      `w must be [${x.shape[1]}, out, height, width] for x ${formatShape(x.shape)}, got ${formatShape(w.shape)}.`,
    );
  }
  const steps = { stride, padding, dilation };
  const window = { ...windowOf(op, planeOf(x), kernelOf(op, w), steps), groups };
  const extra = pairOf(outputPadding);
  for (const axis of [0, 1] as const) {
    const fits =
      Number.isInteger(extra[axis]) && extra[axis] >= 0 && extra[axis] < window.stride[axis];
    if (!fits) {
      throw new ShapeError(
        op,
        `outputPadding must be at least 0 and below the stride, got ${extra[axis]}.`,
      );
    }
  }
  const height = expandedSize(x.size(2), window, 0, extra[0]);
  const width = expandedSize(x.size(3), window, 1, extra[1]);
  if ([height, width].some((n) => typeof n === "number" && n < 1)) {
    throw new ShapeError(op, `the result would be ${height}×${width}. Use less padding.`);
  }
  return inputGradient(x, w, window, [height, width]);
}

function checkOperands(op: string, x: Value, w: Value, bias: Value | undefined): void {
  if (x.rank !== 4 || w.rank !== 4) {
    throw new ShapeError(
      op,
      `wants x [batch, channels, height, width] and w of rank 4, got ${formatShape(x.shape)} and ${formatShape(w.shape)}.`,
    );
  }
  for (const p of bias === undefined ? [w] : [w, bias]) {
    if (p.dtype !== x.dtype || !isFloat(x.dtype)) {
      throw new ShapeError(
        op,
        `wants floating-point numbers of one dtype, got ${x} and ${p}. Use cast().`,
      );
    }
  }
}

function checkGroups(op: string, groups: number, channels: Size, filters: Size): void {
  const whole = Number.isInteger(groups) && groups >= 1;
  const parts = [channels, filters].map((n) => whole && divideExactly(n, groups) !== undefined);
  if (!parts.every(Boolean)) {
    const outputs = filters === 0 ? "" : ` and the ${filters} filters`;
    throw new ShapeError(
      op,
      `groups must divide the ${channels} channels of x${outputs}, got ${groups}.`,
    );
  }
}

function checkBias(op: string, bias: Value | undefined, channels: Size): void {
  if (bias !== undefined && !sameShape(bias.shape, [channels])) {
    throw new ShapeError(op, `bias must be [${channels}], got ${formatShape(bias.shape)}.`);
  }
}

function kernelOf(op: string, w: Value): Pair {
  const [, , height, width] = w.shape;
  if (w.shape.some((d) => typeof d !== "number")) {
    throw new ShapeError(op, `w must have fixed sizes, got ${formatShape(w.shape)}.`);
  }
  return [height as number, width as number];
}
