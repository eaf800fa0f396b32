import { allocate, ReparamError, type Tensor } from "../tensor/index.ts";
import { defineOp, likeFirst, normal } from "../trace/index.ts";
import type { Initializer } from "./initializers.ts";

/** On the host only: initial states are evaluated there, and a graph of it would have a node a row. */
const orthogonalizeOp = defineOp({
  name: "orthogonalize",
  infer: likeFirst,
  grad: null,
  lower: () => {
    throw new ReparamError(
      "orthogonal: runs on the host only. Use it in init(), whose state is evaluated there.",
    );
  },
  evaluate: ([x]) => [orthogonalize(x as Tensor)],
});

/**
 * A random matrix with orthonormal rows, or columns where those are fewer, times `gain` (Saxe, McClelland,
 * Ganguli 2014): uniform over all such matrices. Weights of more axes count as [first axis, rest]. For initial
 * states; it cannot be compiled.
 */
export const orthogonal =
  (gain = 1): Initializer =>
  (key, shape, _fans, dtype = "float32") => {
    const x = normal(key, shape, dtype);
    return (orthogonalizeOp.apply([x])[0] as typeof x).mul(gain);
  };

function orthogonalize(x: Tensor): Tensor {
  const rows = x.shape[0] as number;
  const columns = x.data.length / rows;
  const wide = rows <= columns;
  const [count, length] = wide ? [rows, columns] : [columns, rows];
  const [step, next] = wide ? [columns, 1] : [1, columns];
  const vectors = Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length }, (__, k) => Number(x.data[i * step + k * next])),
  );
  gramSchmidt(vectors);
  const data = allocate(x.dtype, x.data.length);
  for (const [i, vector] of vectors.entries()) {
    for (let k = 0; k < length; k++) data[i * step + k * next] = vector[k] as number;
  }
  return { ...x, data };
}

/** In place; two rounds, after which the rest is at rounding (Giraud, Langou, Rozložník 2005). */
function gramSchmidt(vectors: readonly Float64Array[]): void {
  for (const [i, v] of vectors.entries()) {
    for (let round = 0; round < 2; round++) {
      for (const earlier of vectors.slice(0, i)) {
        const along = dot(v, earlier);
        for (let k = 0; k < v.length; k++) v[k] = (v[k] as number) - along * (earlier[k] as number);
      }
    }
    const length = Math.sqrt(dot(v, v));
    for (let k = 0; k < v.length; k++) v[k] = (v[k] as number) / length;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] as number) * (b[k] as number);
  return sum;
}
