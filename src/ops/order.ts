import {
  allocate,
  elementCount,
  formatShape,
  ShapeError,
  type Size,
  type Tensor,
} from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, type Op, type Value } from "../trace/index.ts";
import { numbers } from "./broadcast.ts";
import { scatterAlongAxis } from "./indexing.ts";
import { axisOf } from "./movement.ts";

interface TopKAttributes extends Readonly<Record<string, unknown>> {
  readonly k: Size;
  readonly axis: number;
  readonly largest: boolean;
}

/** Outputs: the values in order, and their positions. */
const topKOp: Op<TopKAttributes> = defineOp<TopKAttributes>({
  name: "topK",
  infer: ([x], { k, axis }) => {
    const shape = (x as Value).shape.map((d, i) => (i === axis ? k : d));
    return [
      { dtype: (x as Value).dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  grad: ({ dy, xs: [x], ys, attributes: { axis } }) => [
    scatterAlongAxis(dy, ys[1] as Value, axis, (x as Value).shape[axis] as Size),
  ],
  lower: (to, [x], _node, { k, axis, largest }) =>
    to.emitAll("TopK", [x as string, to.shape([k])], 2, {
      axis,
      largest: largest ? 1 : 0,
      sorted: 1,
    }),
  evaluate: ([x], { axis, largest }, [out]) =>
    ordered(x as Tensor, axis, largest, out as EvaluatedSpec),
});

/** Every lane sorted as a whole, equal elements by their position, and cut to the output's size. */
function ordered(
  x: Tensor,
  axis: number,
  largest: boolean,
  { dtype, shape }: EvaluatedSpec,
): [Tensor, Tensor] {
  const from = numbers(x);
  const size = x.shape[axis] as number;
  const k = shape[axis] as number;
  const inner = elementCount(x.shape.slice(axis + 1));
  const count = elementCount(shape);
  const data = allocate(dtype, count);
  const at = new BigInt64Array(count);
  for (let lane = 0; lane < from.length / size; lane++) {
    const [block, column] = [Math.floor(lane / inner), lane % inner];
    const value = (i: number): number => from[(block * size + i) * inner + column] as number;
    const order = Array.from({ length: size }, (_, i) => i).sort((a, b) =>
      value(a) === value(b) ? a - b : largest ? value(b) - value(a) : value(a) - value(b),
    );
    for (let i = 0; i < k; i++) {
      const source = order[i] as number;
      const target = (block * k + i) * inner + column;
      data[target] = x.data[(block * size + source) * inner + column] as number;
      at[target] = BigInt(source);
    }
  }
  return [
    { dtype, shape, data },
    { dtype: "int64", shape, data: at },
  ];
}

export interface TopKOptions {
  /** false: the smallest elements, smallest first. */
  readonly largest?: boolean;
}

/**
 * The k largest elements along an axis, largest first, and their positions as int64: both have x's shape
 * with k on the axis. Of equal elements the first comes first.
 * @throws ShapeError where k is below 1 or above the size of the axis.
 */
export function topK(
  x: Value,
  k: Size,
  axis = -1,
  { largest = true }: TopKOptions = {},
): [values: Value, indices: Value] {
  const at = axisOf("topK", axis, x.rank);
  const size = x.shape[at] as Size;
  const outside = typeof k === "number" && typeof size === "number" && k > size;
  if (outside || (typeof k === "number" && (!Number.isInteger(k) || k < 1))) {
    throw new ShapeError(
      "topK",
      `k must be a whole number from 1 to the size of axis ${axis} of ${formatShape(x.shape)}, got ${k}.`,
    );
  }
  const [values, indices] = topKOp.apply([x], { k, axis: at, largest });
  return [values as Value, indices as Value];
}

export interface SortOptions {
  /** Largest first. */
  readonly descending?: boolean;
}

const sorted = (x: Value, axis: number, { descending = false }: SortOptions): [Value, Value] =>
  topK(x, x.shape[axisOf("sort", axis, x.rank)] as Size, axis, { largest: descending });

/** Elements in ascending (or descending) order along an axis. */
export const sort = (x: Value, axis = -1, options: SortOptions = {}): Value =>
  sorted(x, axis, options)[0];

/** Positions (int64) of the elements in the order of `sort`; equal elements keep theirs. */
export const argSort = (x: Value, axis = -1, options: SortOptions = {}): Value =>
  sorted(x, axis, options)[1];
