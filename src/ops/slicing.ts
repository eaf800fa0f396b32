import {
  addSize,
  allocate,
  elementCount,
  floorDivSize,
  formatShape,
  mulSize,
  ShapeError,
  type Size,
  subSize,
  type Tensor,
} from "../tensor/index.ts";
import { type Attributes, defineOp, type EvaluatedSpec, type Value } from "../trace/index.ts";
import { eachOffset } from "./broadcast.ts";
import { axisOf, expandDims, pick, reshape, stridesOf } from "./movement.ts";

const concatOp = defineOp<{ axis: number }>({
  name: "concat",
  infer: (xs, { axis }) => {
    const [first] = xs as [Value];
    for (const x of xs) {
      const fits =
        x.rank === first.rank && x.shape.every((d, i) => i === axis || d === first.shape[i]);
      if (!fits || x.dtype !== first.dtype) {
        throw new ShapeError("concat", `${first} and ${x} differ outside of axis ${axis}.`);
      }
    }
    const size = xs.reduce<Size>((n, x) => addSize(n, x.shape[axis] as Size), 0);
    return [{ dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? size : d)) }];
  },
  grad: ({ dy, xs, attributes: { axis } }) => {
    let at: Size = 0;
    return xs.map((x) => {
      const from = at;
      at = addSize(at, x.shape[axis] as Size);
      return slice(dy, axis, from, at);
    });
  },
  lower: (to, xs, _node, { axis }) => [to.emit("Concat", xs, { axis })],
  evaluate: (xs, { axis }, [out]) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const data = allocate(dtype, elementCount(shape));
    const inner = elementCount(shape.slice(axis));
    let offset = 0;
    for (const x of xs) {
      const block = elementCount(x.shape.slice(axis));
      for (let p = 0, q = offset; p < x.data.length; p += block, q += inner) {
        (data as Float32Array).set((x.data as Float32Array).subarray(p, p + block), q);
      }
      offset += block;
    }
    return [{ dtype, shape, data }];
  },
  simplify: (xs) => (xs.length === 1 ? xs : undefined),
});

/** Tensors one after the other along an axis. */
export function concat(xs: readonly Value[], axis: number): Value {
  const [first] = xs;
  if (first === undefined) throw new ShapeError("concat", "wants at least one tensor.");
  return concatOp.apply(xs, { axis: axisOf("concat", axis, first.rank) })[0] as Value;
}

/** Tensors of one shape along a new axis. */
export const stack = (xs: readonly Value[], axis = 0): Value =>
  concat(
    xs.map((x) => expandDims(x, axis)),
    axis,
  );

interface SliceAttributes extends Attributes {
  readonly axis: number;
  readonly start: Size;
  readonly end: Size;
  readonly step: number;
}

const sliceOp = defineOp<SliceAttributes>({
  name: "slice",
  infer: ([x], { axis, start, end, step }) => {
    const count = floorDivSize(addSize(subSize(end, start), step - 1), step);
    const { dtype, shape } = x as Value;
    return [{ dtype, shape: shape.map((d, i) => (i === axis ? count : d)) }];
  },
  grad: ({ dy, xs: [x], attributes: { axis, start, end, step } }) => {
    const after = subSize((x as Value).shape[axis] as Size, end);
    return [pad(apart(dy, axis, step, subSize(end, start)), { [axis]: [start, after] })];
  },
  lower: (to, [x], _node, { axis, start, end, step }) => {
    const bounds = [to.shape([start]), to.shape([end]), to.integers([axis])];
    if (step > 1) bounds.push(to.integers([step]));
    return [to.emit("Slice", [x as string, ...bounds])];
  },
  evaluate: ([x], { axis, start, step }, [out], size) => {
    const { shape } = out as EvaluatedSpec;
    const strides = stridesOf((x as Tensor).shape);
    const steps = strides.map((n, i) => (i === axis ? n * step : n));
    const base = size(start) * (strides[axis] as number);
    return [
      pick(x as Tensor, out as EvaluatedSpec, (visit) =>
        eachOffset(shape, [steps], (i, [p]) => visit(i, base + (p as number))),
      ),
    ];
  },
});

/** Elements `step` places apart with zeros between, on an axis of the given size. */
function apart(dy: Value, axis: number, step: number, size: Size): Value {
  if (step === 1) return dy;
  const padded = pad(expandDims(dy, axis + 1), { [axis + 1]: [0, step - 1] });
  const count = mulSize(dy.shape[axis] as Size, step);
  const joined = reshape(
    padded,
    dy.shape.map((d, i) => (i === axis ? count : d)),
  );
  return slice(joined, axis, 0, size);
}

export interface SliceOptions {
  /** Takes every step-th element only, the first one included. */
  readonly step?: number;
}

/** Elements start … end − 1 along an axis; negative numbers count from the end. */
export function slice(
  x: Value,
  axis: number,
  start: Size,
  end?: Size,
  { step = 1 }: SliceOptions = {},
): Value {
  if (!Number.isInteger(step) || step < 1) {
    throw new ShapeError("slice", `step must be a whole number of at least 1, got ${step}.`);
  }
  const at = axisOf("slice", axis, x.rank);
  const size = x.shape[at] as Size;
  const from = typeof start === "number" && start < 0 ? addSize(size, start) : start;
  const to =
    end === undefined ? size : typeof end === "number" && end < 0 ? addSize(size, end) : end;
  if (typeof from === "number" && typeof to === "number") {
    if (from > to || (typeof size === "number" && to > size)) {
      throw new ShapeError(
        "slice",
        `${from}…${to} is not inside axis ${axis} of ${formatShape(x.shape)}.`,
      );
    }
  }
  if (from === 0 && to === size && step === 1) return x;
  return sliceOp.apply([x], { axis: at, start: from, end: to, step })[0] as Value;
}

type Padding = Readonly<Record<number, readonly [Size, Size]>>;

const padOp = defineOp<{ padding: readonly (readonly [Size, Size])[]; value: number }>({
  name: "pad",
  infer: ([x], { padding }) => [
    {
      dtype: (x as Value).dtype,
      shape: (x as Value).shape.map((d, i) => {
        const [before, after] = padding[i] as readonly [Size, Size];
        return addSize(addSize(d, before), after);
      }),
    },
  ],
  grad: ({ dy, xs: [x], attributes: { padding } }) => [
    padding.reduce((g, [before], axis) => {
      return slice(g, axis, before, addSize(before, (x as Value).shape[axis] as Size));
    }, dy),
  ],
  lower: (to, [x], node, { padding, value }) => {
    const pads = to.shape([
      ...padding.map(([before]) => before),
      ...padding.map(([, after]) => after),
    ]);
    if (value === 0) return [to.emit("Pad", [x as string, pads])];
    const data = allocate((node.outputs[0] as Value).dtype, 1);
    data[0] = value;
    const fill = to.constant({ dtype: (node.outputs[0] as Value).dtype, shape: [], data });
    return [to.emit("Pad", [x as string, pads, fill])];
  },
  evaluate: ([x], { padding, value }, [out], size) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const data = allocate(dtype, elementCount(shape));
    if (value !== 0) (data as Float32Array).fill(value);
    const strides = stridesOf(shape);
    const base = padding.reduce((n, [before], i) => n + size(before) * (strides[i] as number), 0);
    eachOffset((x as Tensor).shape, [strides], (i, [p]) => {
      data[base + (p as number)] = (x as Tensor).data[i] as number;
    });
    return [{ dtype, shape, data }];
  },
});

/** Adds `[before, after]` elements of a constant value on the axes named by number. */
export function pad(x: Value, padding: Padding, value = 0): Value {
  const full = x.shape.map((): readonly [Size, Size] => [0, 0]);
  for (const [axis, amount] of Object.entries(padding))
    full[axisOf("pad", Number(axis), x.rank)] = amount;
  if (full.every(([before, after]) => before === 0 && after === 0)) return x;
  return padOp.apply([x], { padding: full, value })[0] as Value;
}
