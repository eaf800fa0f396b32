// Householder's factorization (Golub & Van Loan, Matrix Computations, algorithm 5.2.1).

/** X = Q·[R; 0] of X [rows, columns], rows ≥ columns. */
export interface QrFactors {
  /** Orthogonal, [rows, rows]: its first columns span X's, the others their complement. */
  readonly q: Float64Array;
  /** Upper triangular, [columns, columns]. */
  readonly r: Float64Array;
  /** Determinant of Q: 1 or −1. */
  readonly sign: number;
}

/** Factors X [rows, columns]; R's diagonal has either sign, and zeros where columns depend. */
export function qrFactor(x: Float64Array, rows: number, columns: number): QrFactors {
  const a = x.slice();
  const q = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) q[i * rows + i] = 1;
  const v = new Float64Array(rows);
  let sign = 1;
  for (let k = 0; k < Math.min(columns, rows - 1); k++) {
    let norm = 0;
    for (let i = k; i < rows; i++) norm = Math.hypot(norm, a[i * columns + k]!);
    if (norm === 0) continue;
    const head = a[k * columns + k]!;
    // Away from zero, so that nothing cancels.
    const alpha = head > 0 ? -norm : norm;
    for (let i = k; i < rows; i++) v[i] = a[i * columns + k]! / norm;
    v[k]! -= alpha / norm;
    let square = 0;
    for (let i = k; i < rows; i++) square += v[i]! * v[i]!;
    for (let j = k; j < columns; j++) reflect(a, v, 2 / square, k, rows, columns, j);
    reflectRows(q, v, 2 / square, k, rows);
    sign = -sign;
  }
  const r = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    for (let j = i; j < columns; j++) r[i * columns + j] = a[i * columns + j]!;
  }
  return { q, r, sign };
}

/** Column j of a −= v·(scale·vᵀa_j). */
function reflect(
  a: Float64Array,
  v: Float64Array,
  scale: number,
  from: number,
  rows: number,
  columns: number,
  j: number,
): void {
  let dot = 0;
  for (let i = from; i < rows; i++) dot += v[i]! * a[i * columns + j]!;
  dot *= scale;
  for (let i = from; i < rows; i++) a[i * columns + j]! -= dot * v[i]!;
}

/** Every row of q −= (scale·q v)·vᵀ. */
function reflectRows(q: Float64Array, v: Float64Array, scale: number, from: number, n: number) {
  for (let i = 0; i < n; i++) {
    let dot = 0;
    for (let j = from; j < n; j++) dot += q[i * n + j]! * v[j]!;
    dot *= scale;
    for (let j = from; j < n; j++) q[i * n + j]! -= dot * v[j]!;
  }
}

/** R⁻¹·b of an upper triangular R [n, n] and b [n, columns]. */
export function solveUpper(
  r: Float64Array,
  b: Float64Array,
  n: number,
  columns: number,
): Float64Array {
  const x = b.slice(0, n * columns);
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) {
      const factor = r[i * n + k]!;
      for (let j = 0; j < columns; j++) x[i * columns + j]! -= factor * x[k * columns + j]!;
    }
    for (let j = 0; j < columns; j++) x[i * columns + j]! /= r[i * n + i]!;
  }
  return x;
}
