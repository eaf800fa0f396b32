import {
  addSize,
  divideExactly,
  formatShape,
  ShapeError,
  type Size,
  staticShape,
  type Tensor,
} from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, type Value } from "../trace/index.ts";
import { eachOffset } from "./broadcast.ts";
import { full } from "./constant.ts";
import { axisOf, pick, stridesOf } from "./movement.ts";
import { concat, slice } from "./slicing.ts";

const splitOp = defineOp<{ axis: number; sizes: readonly number[] }>({
  name: "split",
  infer: ([x], { axis, sizes }) => {
    const { dtype, shape } = x as Value;
    return sizes.map((size) => ({ dtype, shape: shape.map((d, i) => (i === axis ? size : d)) }));
  },
  grad: ({ dys, ys, attributes: { axis } }) => [
    concat(
      dys.map((dy, i) => dy ?? full((ys[i] as Value).shape, 0, (ys[i] as Value).dtype)),
      axis,
    ),
  ],
  lower: (to, [x], _node, { axis, sizes }) =>
    to.emitAll("Split", [x as string, to.integers(sizes)], sizes.length, { axis }),
  evaluate: ([x], { axis, sizes }, outs) => {
    const strides = stridesOf((x as Tensor).shape);
    let start = 0;
    return outs.map((out: EvaluatedSpec, i) => {
      const base = start * (strides[axis] as number);
      start += sizes[i] as number;
      return pick(x as Tensor, out, (visit) =>
        eachOffset(out.shape, [strides], (at, [p]) => visit(at, base + (p as number))),
      );
    });
  },
});

/**
 * Consecutive parts along an axis: a count of equal ones, or their sizes. Parts of fixed sizes are one
 * operation whose gradient is one concatenation; those of free sizes are slices, padded and added back.
 */
export function split(x: Value, axis: number, parts: number | readonly Size[]): Value[] {
  const at = axisOf("split", axis, x.rank);
  const size = x.shape[at] as Size;
  const equalPart = typeof parts === "number" ? divideExactly(size, parts) : undefined;
  if (typeof parts === "number" && equalPart === undefined) {
    throw new ShapeError(
      "split",
      `axis ${axis} of ${formatShape(x.shape)} has no ${parts} equal parts.`,
    );
  }
  const sizes = typeof parts === "number" ? new Array<Size>(parts).fill(equalPart as Size) : parts;
  if (sizes.reduce<Size>((n, d) => addSize(n, d), 0) !== size) {
    throw new ShapeError("split", `sizes ${formatShape(sizes)} do not add up to ${size}.`);
  }
  if (sizes.length === 1) return [x];
  const known = staticShape(sizes);
  if (known !== undefined) return [...splitOp.apply([x], { axis: at, sizes: known })];
  let start: Size = 0;
  return sizes.map((d) => {
    const from = start;
    start = addSize(start, d);
    return slice(x, at, from, start);
  });
}
