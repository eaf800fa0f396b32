/**
 * Images [batch, channels, height, width] made larger or smaller by whole factors. All are linear and made
 * of slices, copies and sums, so that gradients of every order are the transposed maps.
 */
import {
  allocate,
  type DType,
  divideExactly,
  formatShape,
  mulSize,
  ReparamError,
  ShapeError,
  type Size,
  type Tensor,
} from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, type Value } from "../trace/index.ts";
import { eachOffset } from "./broadcast.ts";
import { matmul } from "./linalg.ts";
import { pick, reshape, transpose } from "./movement.ts";
import { averagePool2d } from "./pooling.ts";
import { sum } from "./reduce.ts";
import { concat, slice, stack } from "./slicing.ts";
import { type Pair, pairOf } from "./window.ts";

type ImageShape = readonly [Size, Size, Size, Size];

function imageShape(op: string, x: Value): ImageShape {
  if (x.rank !== 4) {
    throw new ShapeError(
      op,
      `wants x [batch, channels, height, width], got ${formatShape(x.shape)}.`,
    );
  }
  return x.shape as unknown as ImageShape;
}

function wholeFactors(op: string, factor: number | Pair): Pair {
  const factors = pairOf(factor);
  if (!factors.every((n) => Number.isInteger(n) && n >= 1)) {
    throw new ReparamError(
      `${op}: factor must be whole numbers of at least 1, got ${formatShape(factors)}.`,
    );
  }
  return factors;
}

function divided(op: string, x: Value, axis: number, factor: number): Size {
  const part = divideExactly(x.size(axis), factor);
  if (part === undefined) {
    throw new ShapeError(
      op,
      `axis ${axis} of ${formatShape(x.shape)} is not a multiple of ${factor}. Crop or pad it.`,
    );
  }
  return part;
}

/**
 * Positions from the corner of a pixel: the runtime has a kernel of its own for them at factor 2, seven times
 * as fast. Other factors keep the default, from its middle, where no rounding can reach a neighbour.
 */
const doubling = {
  coordinate_transformation_mode: "asymmetric",
  nearest_mode: "floor",
} as const;

const upsampleOp = defineOp<{ factors: Pair }>({
  name: "upsampleNearest2d",
  infer: ([x], { factors: [down, across] }) => {
    const [batch, channels, height, width] = (x as Value).shape as unknown as ImageShape;
    const shape = [batch, channels, mulSize(height, down), mulSize(width, across)];
    return [{ dtype: (x as Value).dtype, shape }];
  },
  grad: ({ dy, xs: [x], attributes: { factors } }) => [sumBlocks(dy, x as Value, factors)],
  lower: (to, [x], node, { factors: [down, across] }) => {
    const { dtype, shape } = node.outputs[0] as Value;
    if (dtype === "float32") {
      const scales = Float32Array.of(1, 1, down, across);
      const constant = to.constant({ dtype, shape: [4], data: scales });
      return [
        to.emit("Resize", [x as string, "", constant], {
          mode: "nearest",
          ...(down === 2 && across === 2 ? doubling : {}),
        }),
      ];
    }
    const [batch, channels, height, width] = (node.inputs[0] as Value)
      .shape as unknown as ImageShape;
    const rows = mulSize(mulSize(batch, channels), height);
    const thin = to.reshape(x as string, [rows, 1, width, 1]);
    const stretched = to.emit("Expand", [thin, to.shape([rows, down, width, across])]);
    return [to.reshape(stretched, shape)];
  },
  evaluate: ([x], { factors: [down, across] }, [out]) => {
    const { shape } = out as EvaluatedSpec;
    const [height, width] = shape.slice(2) as [number, number];
    return [
      pick(x as Tensor, out as EvaluatedSpec, (visit) =>
        eachOffset(shape, [], (i) => {
          const [row, column] = [Math.floor(i / width), i % width];
          const line =
            Math.floor(row / height) * (height / down) + Math.floor((row % height) / down);
          visit(i, line * (width / across) + Math.floor(column / across));
        }),
      ),
    ];
  },
});

/** Sums of the blocks that the pixels of `x` became. */
function sumBlocks(dy: Value, x: Value, [down, across]: Pair): Value {
  if (dy.dtype === "float32") {
    return averagePool2d(dy, { size: [down, across] }).mul(down * across);
  }
  const [batch, channels, height, width] = x.shape as unknown as ImageShape;
  const rows = mulSize(mulSize(batch, channels), height);
  return reshape(sum(reshape(dy, [rows, down, width, across]), [1, 3]), x.shape);
}

/** Every pixel as a block of `factor` × `factor` equal ones: [B, C, H, W] → [B, C, factor·H, factor·W]. */
export function upsampleNearest2d(x: Value, factor: number | Pair): Value {
  imageShape("upsampleNearest2d", x);
  const factors = wholeFactors("upsampleNearest2d", factor);
  return upsampleOp.apply([x], { factors })[0] as Value;
}

/** Twice, three times, … as many positions on an axis, between the neighbours in proportion. */
function stretchLinear(x: Value, axis: number, factor: number): Value {
  if (factor === 1) return x;
  const size = x.size(axis);
  if (typeof size === "number" && size <= productSize) {
    return stretchByProduct(x, axis, interpolation(size, factor, x.dtype));
  }
  const padded = concat([slice(x, axis, 0, 1), x, slice(x, axis, -1)], axis);
  const shifted = (by: 0 | 1 | 2): Value =>
    by === 1 ? x : slice(padded, axis, by, by === 0 ? size : undefined);
  const phases = Array.from({ length: factor }, (_, phase) => {
    const offset = (phase + 0.5) / factor - 0.5; // where the new pixel's centre lies, in old pixels
    if (offset === 0) return x;
    const near = x.mul(1 - Math.abs(offset));
    return near.add(shifted(offset < 0 ? 0 : 2).mul(Math.abs(offset)));
  });
  const shape = x.shape.map((d, i) => (i === axis ? mulSize(d, factor) : d));
  return reshape(stack(phases, axis + 1), shape);
}

/**
 * Up to this size of an axis a product with the matrix of weights is faster than shifted copies, for its
 * gradient four times: [32, 64, 16, 16] twice as large takes 3.2 ms against 8.6, with the gradient 4.8
 * against 21, on one thread of an AVX2 machine.
 */
const productSize = 128;

function stretchByProduct(x: Value, axis: number, weights: Tensor): Value {
  const [batch, channels, height, width] = x.shape as unknown as ImageShape;
  const matrix = x.trace.constant(weights);
  const large = weights.shape[1] as number;
  if (axis === 3) return matmul(x, matrix);
  const planes = reshape(x, [mulSize(batch, channels), height, width]);
  const product = matmul(matrix, planes, { transposeA: true });
  return reshape(product, [batch, channels, large, width]);
}

const made = new Map<string, Tensor>();

/** Weight of every old position in every new one, [size, factor · size]. */
function interpolation(size: number, factor: number, dtype: DType): Tensor {
  // Equal constants must be the same object for the graph to share what reads them.
  const key = `${size} ${factor} ${dtype}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const weights = allocate(dtype, size * size * factor);
  for (let to = 0; to < size * factor; to++) {
    const centre = (to + 0.5) / factor - 0.5;
    const first = Math.floor(centre);
    for (const [from, share] of [
      [first, first + 1 - centre],
      [first + 1, centre - first],
    ] as const) {
      const at = Math.min(Math.max(from, 0), size - 1) * size * factor + to;
      weights[at] = Number(weights[at]) + share;
    }
  }
  const tensor: Tensor = { dtype, shape: [size, size * factor], data: weights };
  made.set(key, tensor);
  return tensor;
}

/** Every factor-th position on an axis, from the one or two pixels in the middle of its block. */
function thinLinear(x: Value, axis: number, factor: number): Value {
  if (factor === 1) return x;
  const count = divided("resizeBilinear2d", x, axis, factor);
  const lead = x.shape.slice(0, axis);
  const behind = x.shape.slice(axis + 1);
  const blocks = reshape(x, [...lead, count, factor, ...behind]);
  const middle = Math.floor((factor - 1) / 2);
  const at = (i: number): Value =>
    reshape(slice(blocks, axis + 1, i, i + 1), [...lead, count, ...behind]);
  return factor % 2 === 1
    ? at(middle)
    : at(middle)
        .add(at(middle + 1))
        .mul(0.5);
}

/**
 * Bilinear resizing by whole factors, or by their reciprocals: 2 doubles height and width, 1/2 halves them.
 * Pixels are areas and their centres keep their place, borders repeat: PyTorch's `interpolate` with
 * align_corners false and no anti-aliasing. To shrink without aliases take `averagePool2d`.
 * @throws ShapeError where a size is not a multiple of what it is divided by.
 */
export function resizeBilinear2d(x: Value, factor: number | Pair): Value {
  imageShape("resizeBilinear2d", x);
  return pairOf(factor).reduce<Value>((y, scale, i) => {
    const inverse = Math.round(1 / scale);
    if (scale < 1 && Math.abs(inverse * scale - 1) < 1e-9) return thinLinear(y, i + 2, inverse);
    return stretchLinear(y, i + 2, wholeFactors("resizeBilinear2d", scale)[0]);
  }, x);
}

/**
 * Depth to space, the last step of sub-pixel convolution (Shi et al. 2016, equation 4), with PyTorch's order
 * of channels: [B, C·r², H, W] → [B, C, r·H, r·W].
 */
export function pixelShuffle(x: Value, factor: number): Value {
  const [batch, , height, width] = imageShape("pixelShuffle", x);
  const [r] = wholeFactors("pixelShuffle", factor);
  const channels = divided("pixelShuffle", x, 1, r * r);
  const planes = mulSize(batch, channels);
  const pixels = mulSize(height, width);
  // Two moves of one axis each; one Transpose of the six axes would be several times slower.
  const rows = transpose(reshape(x, [mulSize(planes, r), r, pixels]), [0, 2, 1]);
  const lines = reshape(rows, [planes, r, height, mulSize(width, r)]);
  return reshape(transpose(lines, [0, 2, 1, 3]), [
    batch,
    channels,
    mulSize(height, r),
    mulSize(width, r),
  ]);
}

/** Space to depth, the inverse of `pixelShuffle`: [B, C, r·H, r·W] → [B, C·r², H, W]. */
export function pixelUnshuffle(x: Value, factor: number): Value {
  const [batch, channels] = imageShape("pixelUnshuffle", x);
  const [r] = wholeFactors("pixelUnshuffle", factor);
  const height = divided("pixelUnshuffle", x, 2, r);
  const width = divided("pixelUnshuffle", x, 3, r);
  const planes = mulSize(batch, channels);
  const lines = transpose(reshape(x, [planes, height, r, mulSize(width, r)]), [0, 2, 1, 3]);
  const rows = reshape(lines, [mulSize(planes, r), mulSize(height, width), r]);
  return reshape(transpose(rows, [0, 2, 1]), [batch, mulSize(channels, r * r), height, width]);
}
