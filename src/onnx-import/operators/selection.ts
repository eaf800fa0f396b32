import {
  and,
  broadcastTo,
  cast,
  concat,
  constant,
  equal,
  expandDims,
  gather,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  max,
  maximum,
  min,
  minimum,
  oneHot,
  prod,
  range,
  reshape,
  scatterAlongAxis,
  sizeValue,
  slice,
  stack,
  takeAlongAxis,
  transpose,
  where,
} from "../../ops/index.ts";
import { isFloat, type Shape, type Size, sizeOf } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";

/** Rows outside of the axis are wrong by the standard, so only negative ones need a turn. */
const counted = (indices: Value, size: Size): Value => {
  const operand = sizeValue(size, indices);
  return where(less(indices, 0), indices.add(operand), indices);
};

const asIndices = (x: Value): Value =>
  x.dtype === "int32" || x.dtype === "int64" ? x : cast(x, "int64");

const gatherRule: Operator = (call) =>
  gather(call.value(0), asIndices(call.value(1)), call.integer("axis", 0));

/** Elements along an axis; indices may cover less than x on the other axes. */
const gatherElements: Operator = (call) => {
  const [x, indices] = [call.value(0), asIndices(call.value(1))];
  const axis = call.integer("axis", 0);
  return takeAlongAxis(trimmed(x, indices, axis), indices, axis);
};

/** x without what no index can reach: the first rows of every other axis. */
function trimmed(x: Value, indices: Value, axis: number): Value {
  const at = axis < 0 ? axis + x.rank : axis;
  return x.shape.reduce<Value>((y, size, i) => {
    const wanted = indices.shape[i] as Size;
    if (i === at || size === wanted || typeof wanted !== "number") return y;
    return gather(y, range(wanted, "int64"), i);
  }, x);
}

/** Places of a tensor by tuples of indices, as places of its flattened leading axes. */
function flatPlaces(call: Call, indices: Value, leading: Shape): Value {
  const last = indices.size(-1);
  if (typeof last !== "number") return call.fail("wants index tuples of fixed length");
  const parts = Array.from({ length: last }, (_, i) => {
    const picked = gather(indices, constant(i, "int64"), indices.rank - 1);
    const stride = sizeOf(leading.slice(i + 1));
    return counted(picked, leading[i] as Size).mul(sizeValue(stride, indices));
  });
  return parts.reduce((a, b) => a.add(b));
}

const gatherTuples: Operator = (call) => {
  const [x, indices] = [call.value(0), asIndices(call.value(1))];
  const batchAxes = call.integer("batch_dims", 0);
  const depth = indices.size(-1) as number;
  if (batchAxes > 0) {
    const batch = x.shape.slice(0, batchAxes);
    const count = sizeOf(batch);
    const flat = reshape(x, [count, ...x.shape.slice(batchAxes)]);
    const tuples = reshape(indices, [count, ...indices.shape.slice(batchAxes)]);
    const shape = Array.from({ length: tuples.rank }, (_, i) => (i === 0 ? count : 1));
    const row = reshape(range(count, indices.dtype), shape);
    const first = broadcastTo(row, [...tuples.shape.slice(0, -1), 1]);
    const full = stackLast(first, tuples);
    const y = tupleRows(call, flat, full, depth + 1);
    return reshape(y, [...batch, ...y.shape.slice(1)]);
  }
  return tupleRows(call, x, indices, depth);
};

const stackLast = (first: Value, rest: Value): Value => {
  const depth = rest.size(-1) as number;
  const parts = Array.from({ length: depth }, (_, i) =>
    gather(rest, constant(i, "int64"), rest.rank - 1),
  );
  return stack([reshape(first, first.shape.slice(0, -1)), ...parts], rest.rank - 1);
};

function tupleRows(call: Call, x: Value, indices: Value, depth: number): Value {
  const leading = x.shape.slice(0, depth);
  const rest = x.shape.slice(depth);
  const rows = reshape(x, [sizeOf(leading), ...rest]);
  return gather(rows, flatPlaces(call, indices, leading), 0);
}

/**
 * What is written at given places of an axis, and where anything is written. Places must differ unless they are added
 * to: which of two values stays is not defined by the standard either.
 */
function scattered(updates: Value, indices: Value, axis: number, rows: Size): [Value, Value] {
  const numbers = isFloat(updates.dtype) ? updates : cast(updates, "float64");
  const values = scatterAlongAxis(numbers, indices, axis, rows);
  const marks = scatterAlongAxis(numbers.mul(0).add(1), indices, axis, rows);
  return [cast(values, updates.dtype), greater(marks, 0.5)];
}

const scatterElements: Operator = (call) => scatteredInto(call, call.value(0));

/** Updates may cover less than x on the other axes: the rest stays. */
function scatteredInto(call: Call, x: Value): Value {
  const axis = call.integer("axis", 0);
  const at = axis < 0 ? axis + x.rank : axis;
  const indices = counted(asIndices(call.value(1)), x.shape[at] as Size);
  const updates = call.value(2);
  const reduction = call.text("reduction", "none");
  const reduce = reducers[reduction];
  const partial = x.shape.findIndex((size, i) => i !== at && size !== updates.shape[i]);
  if (partial >= 0) {
    const covered = updates.shape[partial] as Size;
    const first = scatteredInto(call, slice(x, partial, 0, covered));
    return concat([first, slice(x, partial, covered)], partial);
  }
  if (reduce !== undefined) {
    // Every row of x beside every update: (…, rows, updates, …).
    const rows = expandDims(range(x.shape[at] as Size, indices.dtype), 1);
    const shape = [x.shape[at] as Size, 1, ...Array(x.rank - at - 1).fill(1)];
    const hit = equal(reshape(rows, shape), expandDims(indices, at));
    return reduce.join(x, reduce.over(where(hit, expandDims(updates, at), reduce.none), at + 1));
  }
  const [values, marks] = scattered(updates, indices, at, x.shape[at] as Size);
  if (reduction === "add") return x.add(values);
  if (reduction === "none") return where(marks, values, x);
  return call.fail(`scatters by "${reduction}"`);
}

interface Reducer {
  /** Changes nothing. */
  readonly none: number;
  readonly over: (x: Value, axis: number) => Value;
  readonly join: (a: Value, b: Value) => Value;
}

/** By which updates are joined with what is there, other than sums: these have an operator of the runtime. */
const reducers: Readonly<Record<string, Reducer>> = {
  mul: { none: 1, over: (x, axis) => prod(x, axis), join: (a, b) => a.mul(b) },
  max: { none: Number.NEGATIVE_INFINITY, over: (x, axis) => max(x, axis), join: maximum },
  min: { none: Number.POSITIVE_INFINITY, over: (x, axis) => min(x, axis), join: minimum },
};

const scatterTuples: Operator = (call) => {
  const [x, given, updates] = [call.value(0), asIndices(call.value(1)), call.value(2)];
  const depth = given.size(-1) as number;
  const leading = x.shape.slice(0, depth);
  const inner = sizeOf(x.shape.slice(depth));
  const rows = sizeOf(leading);
  const places = flatPlaces(call, given, leading);
  const count = sizeOf(places.shape);
  const flat = broadcastTo(reshape(places, [count, 1]), [count, inner]);
  const reduction = call.text("reduction", "none");
  const shaped = (v: Value): Value => reshape(v, x.shape);
  const reduce = reducers[reduction];
  if (reduce !== undefined) {
    const hit = equal(
      reshape(range(rows, places.dtype), [rows, 1, 1]),
      reshape(places, [1, count, 1]),
    );
    const all = where(hit, reshape(updates, [1, count, inner]), reduce.none);
    return reduce.join(x, shaped(reduce.over(all, 1)));
  }
  const [values, marks] = scattered(reshape(updates, [count, inner]), flat, 0, rows);
  if (reduction === "add") return x.add(shaped(values));
  if (reduction === "none") return where(shaped(marks), shaped(values), x);
  return call.fail(`scatters by "${reduction}"`);
};

/** 1 at the indices along a new axis, with values for off and on. */
const oneHotRule: Operator = (call) => {
  const [indices, depth, values] = [asIndices(call.value(0)), call.numbers(1)[0], call.value(2)];
  const axis = call.integer("axis", -1);
  const size = Math.trunc(depth ?? 0);
  const hot = oneHot(indices, size, "float32");
  const at = axis < 0 ? axis + hot.rank : axis;
  const order = Array.from({ length: hot.rank - 1 }, (_, i) => i);
  order.splice(at, 0, hot.rank - 1);
  const [off, on] = [0, 1].map((i) => gather(values, constant(i, "int64"), 0)) as [Value, Value];
  return where(greater(transpose(hot, order), 0.5), on, off);
};

/** The upper or lower triangle of the last two axes, other elements 0. */
const triangle: Operator = (call) => {
  const x = call.value(0);
  const k = call.has(1) ? (call.integers(1)[0] ?? 0) : 0;
  const rows = expandDims(range(x.size(-2), "int64"), 1);
  const columns = expandDims(range(x.size(-1), "int64"), 0);
  const distance = columns.sub(rows);
  const kept =
    call.integer("upper", 1) === 1 ? greaterOrEqual(distance, k) : lessOrEqual(distance, k);
  if (x.dtype !== "bool") return where(kept, x, 0);
  return and(x, broadcastTo(kept, x.shape));
};

const eyeLike: Operator = (call) => {
  const x = call.value(0);
  const rows = expandDims(range(x.size(0), "int64"), 1);
  const columns = expandDims(range(x.size(1), "int64"), 0);
  const diagonal = equal(columns.sub(rows), call.integer("k", 0));
  const wanted = call.integer("dtype", 0);
  const dtype = wanted === 0 ? x.dtype : castTypes[wanted];
  return cast(diagonal, dtype ?? "float32");
};

const castTypes: Readonly<Record<number, Value["dtype"]>> = {
  1: "float32",
  6: "int32",
  7: "int64",
  9: "bool",
  11: "float64",
};

/** Rows of an axis for which a known condition holds. */
const compress: Operator = (call) => {
  const x = call.value(0);
  const chosen = call.numbers(1).flatMap((flag, i) => (flag !== 0 ? [i] : []));
  const indices = constant({
    dtype: "int64",
    shape: [chosen.length],
    data: BigInt64Array.from(chosen, BigInt),
  });
  const axis = call.list("axis") === undefined ? undefined : call.integer("axis", 0);
  return axis === undefined
    ? gather(reshape(x, [sizeOf(x.shape)]), indices, 0)
    : gather(x, indices, axis);
};

export const selection: Operators = {
  Gather: gatherRule,
  GatherElements: gatherElements,
  GatherND: gatherTuples,
  ScatterElements: scatterElements,
  Scatter: scatterElements,
  ScatterND: scatterTuples,
  OneHot: oneHotRule,
  Trilu: triangle,
  EyeLike: eyeLike,
  Compress: compress,
};
