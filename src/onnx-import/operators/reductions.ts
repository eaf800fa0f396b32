import {
  abs,
  argMax,
  argMin,
  cast,
  cumulativeSum,
  equal,
  flip,
  log,
  logSumExp,
  max,
  mean,
  min,
  norm,
  prod,
  type ReduceOptions,
  sqrt,
  sum,
  topK,
  where,
} from "../../ops/index.ts";
import { isFloat, type Size } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";

type Reduce = (x: Value, axes: readonly number[], options: ReduceOptions) => Value;

/** Axes are an input since the given operator set; none are all, or with `noop_with_empty_axes` none. */
const reduction =
  (reduce: Reduce, inputSince = 18, before: (x: Value) => Value = (x) => x): Operator =>
  (call) => {
    const x = before(call.value(0));
    const given = call.axes(1, inputSince) ?? [];
    if (given.length === 0 && call.integer("noop_with_empty_axes", 0) === 1) return x;
    const all = Array.from({ length: x.rank }, (_, i) => i);
    const axes = given.length === 0 ? all : given;
    return reduce(x, axes, { keepDims: call.integer("keepdims", 1) === 1 });
  };

/** Products go axis by axis, from the last one. */
const product: Reduce = (x, axes, { keepDims = false }) => {
  const places = axes.map((axis) => (axis < 0 ? axis + x.rank : axis)).sort((a, b) => b - a);
  return places.reduce((y, axis) => prod(y, axis, { keepDims }), x);
};

/** Mean of integers, towards zero. */
const average: Reduce = (x, axes, options) =>
  isFloat(x.dtype)
    ? mean(x, axes, options)
    : cast(mean(cast(x, "float64"), axes, options), x.dtype);

const position =
  (first: (x: Value, axis: number, options: ReduceOptions) => Value): Operator =>
  (call) => {
    const x = call.value(0);
    const axis = call.integer("axis", 0);
    const options = { keepDims: call.integer("keepdims", 1) === 1 };
    if (call.integer("select_last_index", 0) === 0) return first(x, axis, options);
    const turned = first(flip(x, axis), axis, options);
    const size = x.size(axis);
    if (typeof size !== "number") return call.fail("wants the last index along a free axis");
    return turned.neg().add(size - 1);
  };

/** The axis is an input; sums run from the start or the end, with or without the element itself. */
const runningSum: Operator = (call) => {
  const x = call.value(0);
  const [axis = 0] = call.integers(1);
  return cumulativeSum(x, axis, {
    exclusive: call.integer("exclusive", 0) === 1,
    reverse: call.integer("reverse", 0) === 1,
  });
};

const largest = (call: Call): readonly Value[] => {
  const [k = 1] = call.sizes(1) as readonly [Size];
  const axis = call.integer("axis", -1);
  const [values, indices] = topK(call.value(0), k, axis, {
    largest: call.integer("largest", 1) === 1,
  });
  return [values, indices];
};

/** (x − E x) / √Var x over some axes. */
const meanVariance: Operator = (call) => {
  const x = call.value(0);
  const axes = call.list("axes") ?? [0, 2, 3];
  const centred = x.sub(mean(x, axes, { keepDims: true }));
  return centred.div(sqrt(mean(centred.square(), axes, { keepDims: true })).add(1e-9));
};

/** Vectors along an axis divided by their length. */
const lengthNormalized: Operator = (call) => {
  const x = call.value(0);
  const axis = call.integer("axis", -1);
  const p = call.integer("p", 2);
  const length =
    p === 1 ? sum(abs(x), [axis], { keepDims: true }) : norm(x, [axis], { keepDims: true });
  return x.div(where(equal(length, 0), 1, length));
};

export const reductions: Operators = {
  ReduceSum: reduction(sum, 13),
  ReduceMean: reduction(average),
  ReduceMax: reduction(max),
  ReduceMin: reduction(min),
  ReduceProd: reduction(product),
  ReduceL1: reduction(sum, 18, abs),
  ReduceL2: reduction(norm),
  ReduceSumSquare: reduction(sum, 18, (x) => x.square()),
  ReduceLogSum: reduction((x, axes, options) => log(sum(x, axes, options))),
  ReduceLogSumExp: reduction(logSumExp),
  ArgMax: position(argMax),
  ArgMin: position(argMin),
  CumSum: runningSum,
  TopK: largest,
  MeanVarianceNormalization: meanVariance,
  LpNormalization: lengthNormalized,
};
