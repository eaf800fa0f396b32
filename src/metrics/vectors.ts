import { formatShape, ShapeError, type Tensor } from "../tensor/index.ts";

/** Vectors [N, D] in float64, row by row. */
export interface VectorSet {
  readonly count: number;
  readonly size: number;
  readonly data: Float64Array<ArrayBuffer>;
}

/** Throws ShapeError unless `x` is [N, D] with N ≥ `least` and D ≥ 1. */
export function vectorSet(who: string, x: Tensor, least = 1): VectorSet {
  const [count = 0, size = 0] = x.shape;
  if (x.shape.length !== 2 || count < least || size < 1) {
    throw new ShapeError(
      who,
      `wants vectors [N, D] of at least ${least} samples, got ${formatShape(x.shape)}.`,
    );
  }
  return { count, size, data: Float64Array.from(x.data as ArrayLike<number>, Number) };
}

/** Two sets of vectors of one size. Throws ShapeError where they are not. */
export function vectorPair(
  who: string,
  x: Tensor,
  y: Tensor,
  least = 1,
): readonly [VectorSet, VectorSet] {
  const [a, b] = [vectorSet(who, x, least), vectorSet(who, y, least)];
  if (a.size === b.size) return [a, b];
  throw new ShapeError(
    who,
    `both sets must have vectors of one size, got ${a.size} and ${b.size}.`,
  );
}

/** As a tensor, rows `from` … `to` − 1 of it. */
export const rowsOf = ({ size, count, data }: VectorSet, from = 0, to = count): Tensor => ({
  dtype: "float64",
  shape: [to - from, size],
  data: data.subarray(from * size, to * size),
});

/** The rows at `indices`, in that order. */
export function pickRows({ size, data }: VectorSet, indices: ArrayLike<number>): VectorSet {
  const picked = new Float64Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const at = (indices[i] as number) * size;
    picked.set(data.subarray(at, at + size), i * size);
  }
  return { count: indices.length, size, data: picked };
}
