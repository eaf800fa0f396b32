// Small dense matrices in float64, row by row in one Float64Array: entry (i, j) of [rows, columns]
// is at i·columns + j. Sizes are passed along, since the inner loops of the solvers call these.
import { ReparamError } from "../tensor/index.ts";

/** A matrix as rows of numbers, or row by row in one Float64Array. */
export type MatrixLike = readonly (readonly number[] | Float64Array)[] | Float64Array;

/** A copy of `matrix` [rows, columns] in one array. Throws on another size, naming `name`. */
export function flatten(
  matrix: MatrixLike,
  rows: number,
  columns: number,
  name = "matrix",
): Float64Array {
  if (matrix instanceof Float64Array) {
    if (matrix.length === rows * columns) return matrix.slice();
    const got = `${matrix.length} numbers`;
    throw new ReparamError(`${name}: must be [${rows}, ${columns}], got ${got} row by row.`);
  }
  const wrong = matrix.find((row) => row.length !== columns);
  if (matrix.length !== rows || wrong !== undefined) {
    const got = `${matrix.length} rows of ${wrong?.length ?? matrix[0]?.length ?? 0}`;
    throw new ReparamError(`${name}: must be [${rows}, ${columns}], got ${got}.`);
  }
  const flat = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) flat.set(matrix[i]!, i * columns);
  return flat;
}

/** The rows of a matrix as plain arrays. */
export function toRows(flat: Float64Array, columns: number): number[][] {
  const rows = flat.length / columns;
  return Array.from({ length: rows }, (_, i) =>
    Array.from(flat.subarray(i * columns, (i + 1) * columns)),
  );
}

/** The identity of size n. */
export function identity(n: number): Float64Array {
  const flat = new Float64Array(n * n);
  for (let i = 0; i < n; i++) flat[i * n + i] = 1;
  return flat;
}

/** a [rows, inner] times b [inner, columns]. */
export function multiply(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const product = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const factor = a[i * inner + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < columns; j++) product[i * columns + j]! += factor * b[k * columns + j]!;
    }
  }
  return product;
}

/** The transpose of a [rows, columns]. */
export function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = a[i * columns + j]!;
  }
  return result;
}

/** Σ coefficients[i]·vectors[i], all of one length. */
export function linearCombination(
  coefficients: readonly number[],
  vectors: readonly Float64Array[],
): Float64Array {
  const result = new Float64Array(vectors[0]?.length ?? 0);
  for (let i = 0; i < vectors.length; i++) {
    const factor = coefficients[i]!;
    const vector = vectors[i]!;
    if (factor === 0) continue;
    for (let j = 0; j < result.length; j++) result[j]! += factor * vector[j]!;
  }
  return result;
}

/** Largest column sum of magnitudes of a square matrix. */
export function norm1(a: Float64Array, n: number): number {
  let largest = 0;
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.abs(a[i * n + j]!);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** Square root of the sum of squares, safe against overflow. */
export function norm2(vector: ArrayLike<number>): number {
  let scale = 0;
  for (let i = 0; i < vector.length; i++) scale = Math.max(scale, Math.abs(vector[i]!));
  if (scale === 0 || !Number.isFinite(scale)) return scale;
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i]! / scale) ** 2;
  return scale * Math.sqrt(sum);
}

/** Whether every number is finite. */
export function allFinite(vector: ArrayLike<number>): boolean {
  for (let i = 0; i < vector.length; i++) if (!Number.isFinite(vector[i]!)) return false;
  return true;
}
