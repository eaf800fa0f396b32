import { ShapeError, type Tensor } from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, type Value } from "../trace/index.ts";
import { eachOffset } from "./broadcast.ts";
import { full } from "./constant.ts";
import { axisOf, pick, stridesOf } from "./movement.ts";
import { concat } from "./slicing.ts";

const partsOp = defineOp<{ axis: number; sizes: readonly number[] }>({
  name: "parts",
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
 * Consecutive parts of fixed sizes along an axis, all of them used: one operation whose gradient is one
 * concatenation, where `split` makes slices whose gradients are padded and added.
 */
export function parts(x: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  const at = axisOf("parts", axis, x.rank);
  const total = sizes.reduce((n, d) => n + d, 0);
  if (total !== x.shape[at]) {
    throw new ShapeError(
      "parts",
      `sizes [${sizes.join(", ")}] do not add up to axis ${axis} of ${x}.`,
    );
  }
  return sizes.length === 1 ? [x] : partsOp.apply([x], { axis: at, sizes });
}
