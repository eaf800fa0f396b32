/**
 * Alignment and uniformity of vectors on the unit sphere: Wang, Isola, "Understanding Contrastive Representation
 * Learning through Alignment and Uniformity on the Hypersphere" (2020), section 4.1.
 */
import { formatShape, ShapeError, type Tensor } from "../tensor/index.ts";

function unitRows(who: string, { shape, data }: Tensor): Float64Array[] {
  const [rows = 0, size = 0] = shape;
  if (shape.length !== 2 || rows * size === 0) {
    throw new ShapeError(who, `wants vectors [N, D], got ${formatShape(shape)}.`);
  }
  return Array.from({ length: rows }, (_, i) => {
    const part = data.subarray(i * size, (i + 1) * size) as unknown as ArrayLike<number>;
    const row = Float64Array.from(part, Number);
    const length = Math.hypot(...row);
    return length > 0 ? row.map((v) => v / length) : row;
  });
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += ((a[d] as number) - (b[d] as number)) ** 2;
  return sum;
}

/** E‖f(x) − f(x′)‖² over pairs of rows that belong together; 0 is perfect, 2 that of unrelated directions. */
export function alignment(first: Tensor, second: Tensor): number {
  const [a, b] = [unitRows("alignment", first), unitRows("alignment", second)];
  if (a.length !== b.length || a[0]?.length !== b[0]?.length) {
    throw new ShapeError(
      "alignment",
      `row i of both must belong together, got ${formatShape(first.shape)} and ${formatShape(second.shape)}.`,
    );
  }
  return a.reduce((sum, row, i) => sum + squaredDistance(row, b[i] as Float64Array), 0) / a.length;
}

/**
 * log E exp(−2‖f(x) − f(y)‖²) over all pairs of different rows, 0 at most; the lower, the more evenly spread.
 * Compared pair by pair: a few thousand rows are plenty.
 */
export function uniformity(vectors: Tensor): number {
  const rows = unitRows("uniformity", vectors);
  if (rows.length < 2) throw new ShapeError("uniformity", "wants at least 2 vectors.");
  let sum = 0;
  for (let i = 1; i < rows.length; i++) {
    for (let j = 0; j < i; j++) {
      sum += Math.exp(-2 * squaredDistance(rows[i] as Float64Array, rows[j] as Float64Array));
    }
  }
  return Math.log((2 * sum) / (rows.length * (rows.length - 1)));
}
