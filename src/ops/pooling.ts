import {
  allocate,
  divideExactly,
  elementCount,
  formatShape,
  isFloat,
  mulSize,
  ReparamError,
  type Shape,
  ShapeError,
  type Size,
  sizeOf,
  type Tensor,
} from "../tensor/index.ts";
import {
  defineOp,
  type EvaluatedSpec,
  type Lowering,
  type Node,
  type Op,
  type Value,
} from "../trace/index.ts";
import { type Image, imageOf, needFloat32, windowColumns } from "./columns.ts";
import { constant } from "./constant.ts";
import { inputGradient } from "./convolution.ts";
import { takes } from "./forms.ts";
import { emitScatterSum, takeAlongAxis } from "./indexing.ts";
import { broadcastTo, reshape } from "./movement.ts";
import { max, mean } from "./reduce.ts";
import { upsampleNearest2d } from "./resampling.ts";
import {
  type Padding2d,
  type Pair,
  pairOf,
  positions,
  type Window,
  windowAttributes,
  windowOf,
} from "./window.ts";

const pooledShape = (x: Value, window: Window): Shape => [
  x.size(0),
  x.size(1),
  positions(x.size(2), window, 0),
  positions(x.size(3), window, 1),
];

/** Calls `visit` for every output with the positions in x that its window sees, in row-major order. */
function eachWindow(
  x: readonly number[],
  out: readonly number[],
  { kernel, stride, padding }: Window,
  visit: (output: number, seen: readonly number[]) => void,
): void {
  const [height, width] = x.slice(2) as [number, number];
  const [rows, columns] = out.slice(2) as [number, number];
  const planes = (out[0] as number) * (out[1] as number);
  for (let i = 0; i < planes * rows * columns; i++) {
    const top = (Math.floor(i / columns) % rows) * stride[0] - padding[0];
    const left = (i % columns) * stride[1] - padding[1];
    const plane = Math.floor(i / (rows * columns)) * height;
    const seen: number[] = [];
    for (let y = Math.max(top, 0); y < Math.min(top + kernel[0], height); y++) {
      for (let u = Math.max(left, 0); u < Math.min(left + kernel[1], width); u++) {
        seen.push((plane + y) * width + u);
      }
    }
    visit(i, seen);
  }
}

/** Activations that never fall: the largest of a window stays the largest. */
const rising = new Set(["relu", "leakyRelu"]);

/** Outputs: the maxima, and their positions in x taken as one long vector. */
const maxPoolOp: Op<Window> = defineOp<Window>({
  name: "maxPool2d",
  // Pooled before a rising activation, it and its derivative have only the maxima to do.
  simplify: ([x], window) => {
    const { node } = x as Value;
    if (!rising.has(node.op.name)) return undefined;
    const [pooled, at] = maxPoolOp.apply(node.inputs, window);
    return [node.op.apply([pooled as Value], node.attributes)[0] as Value, at as Value];
  },
  infer: ([x], window) => {
    const shape = pooledShape(x as Value, window);
    return [
      { dtype: (x as Value).dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  grad: ({ dy, xs: [x], ys, attributes }) => {
    const { shape } = x as Value;
    return [unpoolOp.apply([dy, ys[1] as Value], { ...attributes, shape })[0]];
  },
  lower: (to, xs, node, window) => {
    const attributes = windowAttributes(window);
    if (to.uses(node.outputs[1] as Value) === 0) return [to.emit("MaxPool", xs, attributes), ""];
    if (to.target === "webgpu") {
      throw new ReparamError(
        "maxPool2d: WebGPU's kernel gives no positions, which the gradient needs. Take averagePool2d or a stride there.",
      );
    }
    return to.emitAll("MaxPool", xs, 2, attributes);
  },
  evaluate: ([x], window, [out]) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const values = (x as Tensor).data as Float64Array;
    const data = allocate(dtype, elementCount(shape));
    const at = new BigInt64Array(data.length);
    eachWindow((x as Tensor).shape, shape, window, (i, seen) => {
      const best = seen.reduce((a, b) => ((values[b] as number) > (values[a] as number) ? b : a));
      data[i] = values[best] as number;
      at[i] = BigInt(best);
    });
    return [
      { dtype, shape, data },
      { dtype: "int64", shape, data: at },
    ];
  },
});

interface UnpoolAttributes extends Window {
  /** Of the image that was pooled. */
  readonly shape: Shape;
}

/** The transpose of picking the maxima: every element of dy is added at its position in the pooled image. */
const unpoolOp: Op<UnpoolAttributes> = defineOp<UnpoolAttributes>({
  name: "maxUnpool2d",
  infer: ([dy], { shape }) => [{ dtype: (dy as Value).dtype, shape }],
  grad: ({ dy, xs: [, at] }) => {
    const { shape } = at as Value;
    const positionsInX = reshape(at as Value, [sizeOf(shape)]);
    const picked = takeAlongAxis(reshape(dy, [sizeOf(dy.shape)]), positionsInX, 0);
    return [reshape(picked, shape), undefined];
  },
  lower: (to, [dy, at], node, window) => {
    const { dtype, shape } = node.outputs[0] as Value;
    const once = dtype === "float32" && tiles(node.outputs[0] as Value, window);
    if (once && takes(to, "unpooling")) {
      const { kernel, stride } = window;
      const attributes = { kernel_shape: kernel, strides: stride };
      return [to.emit("MaxUnpool", [dy as string, at as string], attributes)];
    }
    const outputs = [sizeOf((node.inputs[0] as Value).shape)];
    const [parts, positionsInX] = [dy, at].map((x) => to.reshape(x as string, outputs));
    const sums = emitScatterSum(to, parts as string, positionsInX as string, {
      ...{ axis: 0, dtype },
      shape: [sizeOf(shape)],
    });
    return [to.reshape(sums, shape)];
  },
  evaluate: ([dy, at], _window, [out]) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const data = allocate(dtype, elementCount(shape)) as Float64Array;
    const parts = (dy as Tensor).data as Float64Array;
    for (const [i, p] of ((at as Tensor).data as BigInt64Array).entries()) {
      data[Number(p)] = (data[Number(p)] as number) + (parts[i] as number);
    }
    return [{ dtype, shape, data } as Tensor];
  },
});

const averagePoolOp = defineOp<Window>({
  name: "averagePool2d",
  infer: ([x], window) => [{ dtype: (x as Value).dtype, shape: pooledShape(x as Value, window) }],
  grad: ({ dy, xs: [x], attributes }) => [spreadAverage(dy, x as Value, attributes)],
  lower: (to, [x], node, window) => [lowerAverage(to, x as string, node, window)],
  evaluate: ([x], window, [out]) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const values = (x as Tensor).data as Float64Array;
    const data = allocate(dtype, elementCount(shape));
    eachWindow((x as Tensor).shape, shape, window, (i, seen) => {
      const total = seen.reduce((s, p) => s + (values[p] as number), 0);
      data[i] = total / (window.kernel[0] * window.kernel[1]);
    });
    return [{ dtype, shape, data }];
  },
});

/** The runtime has no float64 AveragePool: there the mean is taken over gathered columns. */
function lowerAverage(to: Lowering, x: string, node: Node, window: Window): string {
  const { dtype, shape } = node.outputs[0] as Value;
  if (dtype === "float32") {
    const { kernel, stride, padding } = window;
    const attributes = {
      kernel_shape: kernel,
      strides: stride,
      pads: padding,
      count_include_pad: 1,
    };
    return to.emit("AveragePool", [x], attributes);
  }
  const image = imageOf(x, node.inputs[0] as Value);
  const pooled = imageOf(x, node.outputs[0] as Value);
  if (image === undefined || pooled === undefined) needFloat32("averagePool2d", node);
  const planes = mulSize((image as Image).batch, (image as Image).channels);
  const columns = windowColumns(
    to,
    { ...(image as Image), batch: planes, channels: 1 },
    pooled as Image,
    window,
  );
  return to.reshape(to.emit("ReduceMean", [columns, to.integers([1])], { keepdims: 0 }), shape);
}

/** Windows that tile the image: every pixel belongs to exactly one. */
const tiles = (x: Value, { kernel, stride, padding }: Window): boolean =>
  padding.every((p) => p === 0) &&
  ([0, 1] as const).every(
    (i) => kernel[i] === stride[i] && divideExactly(x.size(i + 2), kernel[i]) !== undefined,
  );

/** Every pixel's share of the averages it was part of. */
function spreadAverage(dy: Value, x: Value, window: Window): Value {
  const [rows, columns] = window.kernel;
  const share = dy.mul(1 / (rows * columns));
  const [batch, channels, height, width] = dy.shape as readonly [Size, Size, Size, Size];
  if (tiles(x, window)) return upsampleNearest2d(share, window.kernel);
  const planes = mulSize(batch, channels);
  const kernel = broadcastTo(constant(1, x.dtype), [1, 1, rows, columns]);
  const spread = inputGradient(reshape(share, [planes, 1, height, width]), kernel, window, [
    x.size(2),
    x.size(3),
  ]);
  return reshape(spread, x.shape);
}

export interface PoolOptions {
  /** Height and width of the window. */
  readonly size: number | Pair;
  /** Step between windows; the window's size when absent. */
  readonly stride?: number | Pair;
  /** At most half of the window on every side. */
  readonly padding?: Padding2d;
}

function poolWindow(op: string, x: Value, { size, stride, padding = 0 }: PoolOptions): Window {
  if (x.rank !== 4 || !isFloat(x.dtype)) {
    throw new ShapeError(op, `wants floating-point x [batch, channels, height, width], got ${x}.`);
  }
  const kernel = pairOf(size);
  const window = windowOf(op, [x.size(2), x.size(3)], kernel, {
    stride: stride ?? kernel,
    padding,
  });
  if (kernel.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new ShapeError(
      op,
      `size must be whole numbers of at least 1, got ${formatShape(kernel)}.`,
    );
  }
  if (window.padding.some((p, i) => 2 * p > (kernel[i % 2] as number))) {
    throw new ShapeError(
      op,
      `padding ${formatShape(window.padding)} is more than half of size ${formatShape(kernel)}.`,
    );
  }
  if (pooledShape(x, window).some((n) => typeof n === "number" && n < 1)) {
    throw new ShapeError(
      op,
      `a window of ${kernel.join("×")} does not fit into x ${formatShape(x.shape)}.`,
    );
  }
  return window;
}

/**
 * Largest element of every window: [B, C, H, W] → [B, C, Ho, Wo], Ho = ⌊(H + padding − size) / stride⌋ + 1.
 * Padding never wins. Among equal elements the first in row-major order gets the whole derivative, as in
 * PyTorch.
 */
export const maxPool2d = (x: Value, options: PoolOptions): Value =>
  maxPoolOp.apply([x], poolWindow("maxPool2d", x, options))[0] as Value;

/** Mean of every window, padding counted as zeros: [B, C, H, W] → [B, C, Ho, Wo], sizes as for maxPool2d. */
export function averagePool2d(x: Value, options: PoolOptions): Value {
  const window = poolWindow("averagePool2d", x, options);
  return averagePoolOp.apply([x], window)[0] as Value;
}

/** Mean over height and width: [B, C, H, W] → [B, C]. */
export const globalAveragePool2d = (x: Value): Value => mean(x, [2, 3]);

/** Maximum over height and width: [B, C, H, W] → [B, C]. Equal maxima share the derivative. */
export const globalMaxPool2d = (x: Value): Value => max(x, [2, 3]);
