import {
  allocate,
  divideExactly,
  elementCount,
  formatShape,
  type Shape,
  ShapeError,
  type Size,
  sizeOf,
  type Tensor,
} from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, type Value } from "../trace/index.ts";
import { broadcastShapes, broadcastStrides, eachOffset, sameShape } from "./broadcast.ts";
import { sum } from "./reduce.ts";

/** A non-negative axis. Throws when there is no such axis. */
export function axisOf(op: string, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank) {
    throw new ShapeError(op, `axis ${axis} is outside of a tensor with ${rank} axes.`);
  }
  return positive;
}

/** Copies elements into a new tensor, `from[i]` being the source position of element i. */
export function pick(
  x: Tensor,
  out: EvaluatedSpec,
  from: (visit: (i: number, p: number) => void) => void,
): Tensor {
  const data = allocate(out.dtype, elementCount(out.shape));
  from((i, p) => {
    data[i] = x.data[p] as number;
  });
  return { dtype: out.dtype, shape: out.shape, data };
}

/** Row-major strides. */
export const stridesOf = (shape: readonly number[]): number[] => {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i] as number;
  }
  return strides;
};

const reshapeOp = defineOp<{ shape: Shape }>({
  name: "reshape",
  infer: ([x], { shape }) => [{ dtype: (x as Value).dtype, shape }],
  grad: ({ dy, xs: [x] }) => [reshape(dy, (x as Value).shape)],
  lower: (to, [x], _node, { shape }) => [to.reshape(x as string, shape)],
  evaluate: ([x], _a, [out]) => [{ ...(x as Tensor), shape: (out as EvaluatedSpec).shape }],
  simplify: ([x], { shape }) => {
    const { node } = x as Value;
    if (sameShape((x as Value).shape, shape)) return [x as Value];
    if (node.op.name === "reshape") return [reshape(node.inputs[0] as Value, shape)];
    return undefined;
  },
});

/** The same elements in another shape; one size may be −1 and follows from the rest. */
export function reshape(x: Value, shape: Shape): Value {
  const total = sizeOf(x.shape);
  const hole = shape.indexOf(-1);
  let full = shape;
  if (hole >= 0) {
    const rest = divideExactly(total, sizeOf(shape.filter((_, i) => i !== hole)));
    if (rest !== undefined) full = shape.map((d, i) => (i === hole ? rest : d));
  }
  if (sizeOf(full) !== total) {
    throw new ShapeError(
      "reshape",
      `${formatShape(x.shape)} has ${total} elements and cannot become ${formatShape(shape)}.`,
    );
  }
  return reshapeOp.apply([x], { shape: full })[0] as Value;
}

/** All elements from axis `from` on in one axis. */
export const flatten = (x: Value, from = 1): Value =>
  reshape(x, [...x.shape.slice(0, from), sizeOf(x.shape.slice(from))]);

/** A new axis of size 1. */
export function expandDims(x: Value, axis: number): Value {
  const at = axisOf("expandDims", axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Without the given axis, which must have size 1. */
export function squeeze(x: Value, axis: number): Value {
  const at = axisOf("squeeze", axis, x.rank);
  if (x.shape[at] !== 1)
    throw new ShapeError("squeeze", `axis ${axis} of ${formatShape(x.shape)} is not 1.`);
  return reshape(
    x,
    x.shape.filter((_, i) => i !== at),
  );
}

const transposeOp = defineOp<{ order: readonly number[] }>({
  name: "transpose",
  infer: ([x], { order }) => [
    { dtype: (x as Value).dtype, shape: order.map((a) => (x as Value).shape[a] as Size) },
  ],
  grad: ({ dy, attributes: { order } }) => [
    transpose(
      dy,
      order.map((_, i) => order.indexOf(i)),
    ),
  ],
  lower: (to, [x], _node, { order }) => [to.emit("Transpose", [x as string], { perm: order })],
  evaluate: ([x], { order }, [out]) => {
    const strides = stridesOf((x as Tensor).shape);
    const permuted = order.map((a) => strides[a] as number);
    const { shape } = out as EvaluatedSpec;
    return [
      pick(x as Tensor, out as EvaluatedSpec, (visit) =>
        eachOffset(shape, [permuted], (i, [p]) => visit(i, p as number)),
      ),
    ];
  },
  simplify: ([x], { order }) => {
    const { node } = x as Value;
    if (order.every((a, i) => a === i)) return [x as Value];
    if (node.op.name !== "transpose") return undefined;
    const inner = node.attributes.order as readonly number[];
    return [
      transpose(
        node.inputs[0] as Value,
        order.map((a) => inner[a] as number),
      ),
    ];
  },
});

/** Axes in another order; without one, the last two are exchanged. */
export function transpose(x: Value, order?: readonly number[]): Value {
  const axes = Array.from({ length: x.rank }, (_, i) => i);
  const last = x.rank - 1;
  const wanted = order ?? [...axes.slice(0, -2), last, last - 1];
  if (wanted.length !== x.rank || !axes.every((a) => wanted.includes(a))) {
    throw new ShapeError(
      "transpose",
      `${formatShape(wanted)} is not an order of the axes of ${x}.`,
    );
  }
  return transposeOp.apply([x], { order: wanted })[0] as Value;
}

const broadcastOp = defineOp<{ shape: Shape }>({
  name: "broadcast",
  infer: ([x], { shape }) => [{ dtype: (x as Value).dtype, shape }],
  grad: ({ dy, xs: [x] }) => [sumTo(dy, (x as Value).shape)],
  lower: (to, [x], _node, { shape }) => [to.emit("Expand", [x as string, to.shape(shape)])],
  evaluate: ([x], _a, [out]) => {
    const { shape } = out as EvaluatedSpec;
    const strides = broadcastStrides((x as Tensor).shape, shape);
    return [
      pick(x as Tensor, out as EvaluatedSpec, (visit) =>
        eachOffset(shape, [strides], (i, [p]) => visit(i, p as number)),
      ),
    ];
  },
  simplify: ([x], { shape }) => (sameShape((x as Value).shape, shape) ? [x as Value] : undefined),
});

/** x stretched to a shape it broadcasts to. */
export function broadcastTo(x: Value, shape: Shape): Value {
  if (!sameShape(broadcastShapes("broadcastTo", x.shape, shape), shape)) {
    throw new ShapeError(
      "broadcastTo",
      `${formatShape(x.shape)} does not stretch to ${formatShape(shape)}.`,
    );
  }
  return broadcastOp.apply([x], { shape })[0] as Value;
}

/** Sums over the axes that broadcasting stretched: the transpose of `broadcastTo`. */
export function sumTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.rank - shape.length;
  const axes = x.shape.flatMap((d, i) =>
    i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : [],
  );
  return reshape(sum(x, axes), shape);
}
