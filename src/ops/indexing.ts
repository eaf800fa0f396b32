import {
  allocate,
  type DType,
  elementCount,
  formatShape,
  isFloat,
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
  elementTypes,
  type Lowering,
  type Op,
  type Value,
} from "../trace/index.ts";
import { numbers } from "./broadcast.ts";
import { takes } from "./forms.ts";
import { axisOf } from "./movement.ts";

/** Up to this many rows the transpose of a lookup is faster as a product with one-hot rows than as a scatter. */
const oneHotRows = 256;

/** Elements along and behind an axis. */
interface Split {
  readonly rows: number;
  readonly inner: number;
}

const product = (shape: readonly number[]): number => elementCount(shape);

const splitAt = (shape: readonly number[], axis: number): Split => ({
  rows: shape[axis] as number,
  inner: product(shape.slice(axis + 1)),
});

/** Positions as non-negative numbers. Throws where one is outside of the axis, as the runtime does. */
function positionsOf(op: string, indices: Tensor, rows: number): number[] {
  return Array.from(numbers(indices), (i) => {
    if (i < -rows || i >= rows)
      throw new ReparamError(`${op}: index ${i} is outside of an axis of ${rows}.`);
    return i < 0 ? i + rows : i;
  });
}

function checkIndices(op: string, indices: Value): void {
  if (indices.dtype !== "int32" && indices.dtype !== "int64") {
    throw new ShapeError(op, `indices must be int32 or int64, got ${indices}. Use cast().`);
  }
}

interface GatherAttributes extends Readonly<Record<string, unknown>> {
  readonly axis: number;
}

const gatherOp: Op<GatherAttributes> = defineOp<GatherAttributes>({
  name: "gather",
  infer: ([x, indices], { axis }) => {
    const { dtype, shape } = x as Value;
    const picked = (indices as Value).shape;
    return [{ dtype, shape: [...shape.slice(0, axis), ...picked, ...shape.slice(axis + 1)] }];
  },
  grad: ({ dy, xs: [x, indices], attributes: { axis } }) => {
    const rows = (x as Value).shape[axis] as Size;
    return [gatherGradientOp.apply([dy, indices as Value], { axis, rows })[0], undefined];
  },
  lower: (to, xs, _node, { axis }) => [to.emit("Gather", xs, { axis })],
  evaluate: ([x, indices], { axis }, [out]) => {
    const { rows, inner } = splitAt((x as Tensor).shape, axis);
    const from = positionsOf("gather", indices as Tensor, rows);
    const { dtype, shape } = out as EvaluatedSpec;
    const data = allocate(dtype, product(shape));
    for (let i = 0; i < data.length; i++) {
      const [block, at] = [Math.floor(i / inner), i % inner];
      const row = from[block % from.length] as number;
      const source = (Math.floor(block / from.length) * rows + row) * inner + at;
      data[i] = (x as Tensor).data[source] as number;
    }
    return [{ dtype, shape, data }];
  },
});

interface GatherGradientAttributes extends GatherAttributes {
  /** Size of the axis that was looked up. */
  readonly rows: Size;
}

/** Adds the parts of dy that came from one row: the transpose of gather, whose gradient is gather. */
const gatherGradientOp: Op<GatherGradientAttributes> = defineOp<GatherGradientAttributes>({
  name: "gatherGradient",
  infer: ([dy, indices], { axis, rows }) => {
    const { dtype, shape } = dy as Value;
    const behind = shape.slice(axis + (indices as Value).rank);
    return [{ dtype, shape: [...shape.slice(0, axis), rows, ...behind] }];
  },
  grad: ({ dy, xs: [, indices], attributes: { axis } }) => [
    gatherOp.apply([dy, indices as Value], { axis })[0],
    undefined,
  ],
  lower: (to, [dy, indices], node, attributes) => {
    const [g, index] = node.inputs as unknown as [Value, Value];
    return [lowerGatherGradient(to, dy as string, indices as string, g, index, attributes)];
  },
  evaluate: ([dy, indices], { axis }, [out]) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const { rows, inner } = splitAt(shape, axis);
    const from = positionsOf("gatherGradient", indices as Tensor, rows);
    const sums = new Float64Array(product(shape));
    for (const [i, v] of numbers(dy as Tensor).entries()) {
      const block = Math.floor(i / inner);
      const row = from[block % from.length] as number;
      const target = (Math.floor(block / from.length) * rows + row) * inner + (i % inner);
      sums[target] = (sums[target] as number) + v;
    }
    return [rounded(sums, dtype, shape)];
  },
});

function rounded(sums: Float64Array, dtype: DType, shape: readonly number[]): Tensor {
  const data = allocate(dtype, sums.length);
  for (let i = 0; i < sums.length; i++) data[i] = sums[i] as number;
  return { dtype, shape, data };
}

/** Never ScatterND: its reduction "add" is a data race on two threads. */
function lowerGatherGradient(
  to: Lowering,
  dy: string,
  indices: string,
  g: Value,
  index: Value,
  { axis, rows }: GatherGradientAttributes,
): string {
  const lead = sizeOf(g.shape.slice(0, axis));
  const count = sizeOf(index.shape);
  const behind = g.shape.slice(axis + index.rank);
  const inner = sizeOf(behind);
  const result = [...g.shape.slice(0, axis), rows, ...behind];
  const flat = to.reshape(indices, [count]);
  if (lead === 1 && typeof rows === "number" && rows <= oneHotRows && takes(to, "one-hot-sums")) {
    const hot = emitOneHot(to, flat, index.dtype, rows, g.dtype); // (count, rows)
    const sums = to.emit("Gemm", [hot, to.reshape(dy, [count, inner])], { transA: 1 });
    return to.reshape(sums, result);
  }
  const spread = to.emit("Expand", [
    to.reshape(flat, [1, count, 1]),
    to.shape([lead, count, inner]),
  ]);
  const zeros = emitZeros(to, [lead, rows, inner], g.dtype);
  const parts = to.reshape(dy, [lead, count, inner]);
  const sums = to.emit("ScatterElements", [zeros, spread, parts], { axis: 1, reduction: "add" });
  return to.reshape(sums, result);
}

const emitZeros = (to: Lowering, shape: Shape, dtype: DType): string =>
  to.emit("Expand", [
    to.constant({ dtype, shape: [1], data: allocate(dtype, 1) }),
    to.shape(shape),
  ]);

/**
 * Rows of x picked along an axis: x.shape[:axis] + indices.shape + x.shape[axis + 1:]. Indices are int32
 * or int64; negative ones count from the end, others outside of the axis are an error when running.
 */
export function gather(x: Value, indices: Value, axis = 0): Value {
  checkIndices("gather", indices);
  return gatherOp.apply([x, indices], { axis: axisOf("gather", axis, x.rank) })[0] as Value;
}

/** Numbers of the ONNX element types. */

/** OneHot has kernels for float32 only where indices are int32, so other dtypes are cast. */
function emitOneHot(
  to: Lowering,
  indices: string,
  from: DType,
  depth: number,
  dtype: DType,
): string {
  const size = from === "int64" ? to.integers([depth]) : to.constant(int32([depth]));
  const values = to.constant({ dtype: "float32", shape: [2], data: Float32Array.of(0, 1) });
  const hot = to.emit("OneHot", [indices, size, values], { axis: -1 });
  return dtype === "float32" ? hot : to.emit("Cast", [hot], { to: elementTypes[dtype] });
}

const int32 = (values: readonly number[]): Tensor => ({
  dtype: "int32",
  shape: [values.length],
  data: Int32Array.from(values),
});

const oneHotOp = defineOp<{ depth: number; dtype: DType }>({
  name: "oneHot",
  infer: ([indices], { depth, dtype }) => [{ dtype, shape: [...(indices as Value).shape, depth] }],
  grad: null,
  lower: (to, [indices], node, { depth, dtype }) => [
    emitOneHot(to, indices as string, (node.inputs[0] as Value).dtype, depth, dtype),
  ],
  evaluate: ([indices], { depth, dtype }, [out]) => {
    const { shape } = out as EvaluatedSpec;
    const data = allocate(dtype, product(shape));
    for (const [row, i] of numbers(indices as Tensor).entries()) {
      if (i >= -depth && i < depth) {
        data[row * depth + (i < 0 ? i + depth : i)] = dtype === "int64" ? 1n : 1;
      }
    }
    return [{ dtype, shape, data }];
  },
});

/**
 * A new last axis of size `depth` with 1 at the index and 0 elsewhere; negative indices count from the end,
 * and those outside give zeros only.
 */
export function oneHot(indices: Value, depth: number, dtype: DType = "float32"): Value {
  checkIndices("oneHot", indices);
  if (!Number.isInteger(depth) || depth < 1) {
    throw new ShapeError("oneHot", `depth must be a whole number of at least 1, got ${depth}.`);
  }
  return oneHotOp.apply([indices], { depth, dtype })[0] as Value;
}

/** Source position of every element of an index tensor along an axis. */
function alongAxis(op: string, indices: Tensor, shape: readonly number[], axis: number): number[] {
  const { rows, inner } = splitAt(shape, axis);
  const picked = indices.shape[axis] as number;
  return positionsOf(op, indices, rows).map((row, i) => {
    const block = Math.floor(i / inner);
    return (Math.floor(block / picked) * rows + row) * inner + (i % inner);
  });
}

const takeOp: Op<GatherAttributes> = defineOp<GatherAttributes>({
  name: "takeAlongAxis",
  infer: ([x, indices]) => [{ dtype: (x as Value).dtype, shape: (indices as Value).shape }],
  grad: ({ dy, xs: [x, indices], attributes: { axis } }) => [
    scatterAlongAxis(dy, indices as Value, axis, (x as Value).shape[axis] as Size),
    undefined,
  ],
  lower: (to, xs, _node, { axis }) => [to.emit("GatherElements", xs, { axis })],
  evaluate: ([x, indices], { axis }, [out]) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const data = allocate(dtype, product(shape));
    for (const [i, p] of alongAxis(
      "takeAlongAxis",
      indices as Tensor,
      (x as Tensor).shape,
      axis,
    ).entries()) {
      data[i] = (x as Tensor).data[p] as number;
    }
    return [{ dtype, shape, data }];
  },
});

const scatterOp: Op<GatherGradientAttributes> = defineOp<GatherGradientAttributes>({
  name: "scatterAlongAxis",
  infer: ([x], { axis, rows }) => [
    { dtype: (x as Value).dtype, shape: (x as Value).shape.map((d, i) => (i === axis ? rows : d)) },
  ],
  grad: ({ dy, xs: [, indices], attributes: { axis } }) => [
    takeAlongAxis(dy, indices as Value, axis),
    undefined,
  ],
  lower: (to, [x, indices], node, { axis }) => {
    const { dtype, shape } = node.outputs[0] as Value;
    return [emitScatterSum(to, x as string, indices as string, { axis, dtype, shape })];
  },
  evaluate: ([x, indices], { axis }, [out]) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const sums = new Float64Array(product(shape));
    const from = numbers(x as Tensor);
    for (const [i, p] of alongAxis("scatterAlongAxis", indices as Tensor, shape, axis).entries()) {
      sums[p] = (sums[p] as number) + (from[i] as number);
    }
    return [rounded(sums, dtype, shape)];
  },
});

/** Zeros of a shape, to which every element of x is added at its index along an axis. */
export const emitScatterSum = (
  to: Lowering,
  x: string,
  indices: string,
  { axis, dtype, shape }: { readonly axis: number; readonly dtype: DType; readonly shape: Shape },
): string =>
  to.emit("ScatterElements", [emitZeros(to, shape, dtype), indices, x], {
    axis,
    reduction: "add",
  });

/**
 * x[…, indices[…, i, …], …] along an axis; the result has the shape of the indices, which agrees with x on
 * all other axes.
 */
export function takeAlongAxis(x: Value, indices: Value, axis: number): Value {
  checkIndices("takeAlongAxis", indices);
  const at = axisOf("takeAlongAxis", axis, x.rank);
  if (indices.rank !== x.rank || !indices.shape.every((d, i) => i === at || d === x.shape[i])) {
    throw new ShapeError(
      "takeAlongAxis",
      `indices ${formatShape(indices.shape)} and x ${formatShape(x.shape)} differ outside of axis ${axis}.`,
    );
  }
  return takeOp.apply([x, indices], { axis: at })[0] as Value;
}

/**
 * Zeros of x's shape with `rows` along the axis, to which every element of x is added at its index there:
 * the transpose of takeAlongAxis.
 */
export function scatterAlongAxis(x: Value, indices: Value, axis: number, rows: Size): Value {
  checkIndices("scatterAlongAxis", indices);
  if (!isFloat(x.dtype))
    throw new ShapeError("scatterAlongAxis", `wants floating-point numbers, got ${x}.`);
  return scatterOp.apply([x, indices], {
    axis: axisOf("scatterAlongAxis", axis, x.rank),
    rows,
  })[0] as Value;
}
