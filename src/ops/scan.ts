import {
  allocate,
  elementCount,
  formatShape,
  ShapeError,
  type Size,
  sizeOf,
  type Tensor,
} from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, likeFirst, type Op, type Value } from "../trace/index.ts";
import { numbers } from "./broadcast.ts";
import { axisOf, broadcastTo, pick, reshape } from "./movement.ts";
import type { ReduceOptions } from "./reduce.ts";
import { slice } from "./slicing.ts";

export interface CumulativeOptions {
  /** Leave an element's own term out: the first sum is 0. */
  readonly exclusive?: boolean;
  /** Sum from the end. */
  readonly reverse?: boolean;
}

interface CumulativeAttributes extends Readonly<Record<string, unknown>> {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

const cumulativeSumOp: Op<CumulativeAttributes> = defineOp<CumulativeAttributes>({
  name: "cumulativeSum",
  infer: likeFirst,
  grad: ({ dy, attributes }) => [
    cumulativeSumOp.apply([dy], { ...attributes, reverse: !attributes.reverse })[0],
  ],
  lower: (to, [x], _node, { axis, exclusive, reverse }) => [
    to.emit("CumSum", [x as string, to.reshape(to.integers([axis]), [])], {
      exclusive: exclusive ? 1 : 0,
      reverse: reverse ? 1 : 0,
    }),
  ],
  evaluate: ([x], attributes, [out]) => [accumulate(x as Tensor, attributes, out as EvaluatedSpec)],
});

/** Sums in float64 and rounds every one once. */
function accumulate(
  x: Tensor,
  { axis, exclusive, reverse }: CumulativeAttributes,
  { dtype, shape }: EvaluatedSpec,
): Tensor {
  const from = numbers(x);
  const size = shape[axis] as number;
  const inner = elementCount(shape.slice(axis + 1));
  const data = allocate(dtype, from.length);
  for (let lane = 0; lane < from.length / size; lane++) {
    const base = Math.floor(lane / inner) * size * inner + (lane % inner);
    let sum = 0;
    for (let k = 0; k < size; k++) {
      const at = base + (reverse ? size - 1 - k : k) * inner;
      const next = sum + (from[at] as number);
      const value = exclusive ? sum : next;
      data[at] = dtype === "int64" ? BigInt(value) : value;
      sum = next;
    }
  }
  return { dtype, shape, data };
}

/** Running sums along an axis, y[i] = Σ x[j] over j ≤ i; the options say which j. */
export function cumulativeSum(
  x: Value,
  axis = -1,
  { exclusive = false, reverse = false }: CumulativeOptions = {},
): Value {
  const at = axisOf("cumulativeSum", axis, x.rank);
  return cumulativeSumOp.apply([x], { axis: at, exclusive, reverse })[0] as Value;
}

/**
 * Product along an axis of fixed size. Halves are multiplied until one is left: no division, so that the
 * derivatives hold where elements are 0.
 */
export function prod(x: Value, axis = -1, { keepDims = false }: ReduceOptions = {}): Value {
  const at = axisOf("prod", axis, x.rank);
  const size = x.shape[at];
  if (typeof size !== "number" || size < 1) {
    throw new ShapeError(
      "prod",
      `axis ${axis} of ${formatShape(x.shape)} must have a fixed size of at least 1. ` +
        "For positive numbers of any count take exp(sum(log(x))).",
    );
  }
  let product = x;
  let rest: Value | undefined;
  for (let n = size; n > 1; n = Math.floor(n / 2)) {
    const half = Math.floor(n / 2);
    if (n % 2 === 1) {
      const last = slice(product, at, n - 1, n);
      rest = rest === undefined ? last : rest.mul(last);
    }
    product = slice(product, at, 0, half).mul(slice(product, at, half, 2 * half));
  }
  if (rest !== undefined) product = product.mul(rest);
  return keepDims
    ? product
    : reshape(
        product,
        x.shape.filter((_, i) => i !== at),
      );
}

const flipOp: Op<{ axis: number }> = defineOp<{ axis: number }>({
  name: "flip",
  infer: likeFirst,
  grad: ({ dy, attributes }) => [flipOp.apply([dy], attributes)[0]],
  // On the last axis a Gather with the positions takes seven times as long; on others they are equal.
  lower: (to, [x], _node, { axis }) => {
    const bounds = [[-1], [-(2 ** 31)], [axis], [-1]].map((n) => to.integers(n));
    return [to.emit("Slice", [x as string, ...bounds])];
  },
  evaluate: ([x], { axis }, [out]) => {
    const { shape } = out as EvaluatedSpec;
    const size = shape[axis] as number;
    const inner = elementCount(shape.slice(axis + 1));
    return [
      pick(x as Tensor, out as EvaluatedSpec, (visit) => {
        for (let i = 0; i < (x as Tensor).data.length; i++) {
          const row = Math.floor(i / inner) % size;
          visit(i, i + (size - 1 - 2 * row) * inner);
        }
      }),
    ];
  },
});

/** Elements in the opposite order along one or several axes. */
export function flip(x: Value, axes: number | readonly number[]): Value {
  const list = typeof axes === "number" ? [axes] : axes;
  const wanted = new Set(list.map((axis) => axisOf("flip", axis, x.rank)));
  return [...wanted].reduce<Value>((y, axis) => flipOp.apply([y], { axis })[0] as Value, x);
}

/** The whole of x repeated along its axes, `repeats` (sizes, one an axis) times. */
export function tile(x: Value, repeats: readonly Size[]): Value {
  if (repeats.length !== x.rank) {
    throw new ShapeError(
      "tile",
      `wants a count for each axis of ${formatShape(x.shape)}, got ${formatShape(repeats)}.`,
    );
  }
  if (repeats.some((n) => typeof n === "number" && (!Number.isInteger(n) || n < 1))) {
    throw new ShapeError(
      "tile",
      `repeats must be whole numbers of at least 1, got ${formatShape(repeats)}.`,
    );
  }
  const apart = x.shape.flatMap((d, i): Size[] => (repeats[i] === 1 ? [d] : [1, d]));
  const copied = x.shape.flatMap((d, i): Size[] =>
    repeats[i] === 1 ? [d] : [repeats[i] as Size, d],
  );
  const shape = x.shape.map((d, i) => sizeOf([repeats[i] as Size, d]));
  return reshape(broadcastTo(reshape(x, apart), copied), shape);
}
