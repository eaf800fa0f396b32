// Gaussian elimination with partial pivoting (Golub & Van Loan, Matrix Computations, algorithm 3.4.1).

/** P·A = L·U of a square matrix: L below and U on and above the diagonal of `factors`. */
export interface LuFactors {
  readonly size: number;
  readonly factors: Float64Array;
  /** Row of A that stands at each place. */
  readonly order: Int32Array;
  /** Determinant of P: 1 or −1. */
  readonly sign: number;
  /** Smallest over largest magnitude of U's diagonal; 0 where A is singular. */
  readonly pivotRatio: number;
}

/** Factors a square matrix [n, n]; singular ones too, with pivotRatio 0. */
export function luFactor(matrix: Float64Array, n: number): LuFactors {
  const a = matrix.slice();
  const order = Int32Array.from({ length: n }, (_, i) => i);
  let sign = 1;
  let smallest = Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) {
      if (Math.abs(a[i * n + k]!) > Math.abs(a[pivot * n + k]!)) pivot = i;
    }
    if (pivot !== k) {
      for (let j = 0; j < n; j++) {
        const swapped = a[k * n + j]!;
        a[k * n + j] = a[pivot * n + j]!;
        a[pivot * n + j] = swapped;
      }
      const row = order[k]!;
      order[k] = order[pivot]!;
      order[pivot] = row;
      sign = -sign;
    }
    const diagonal = a[k * n + k]!;
    smallest = Math.min(smallest, Math.abs(diagonal));
    largest = Math.max(largest, Math.abs(diagonal));
    if (diagonal === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k]! / diagonal;
      a[i * n + k] = factor;
      if (factor === 0) continue;
      for (let j = k + 1; j < n; j++) a[i * n + j]! -= factor * a[k * n + j]!;
    }
  }
  const pivotRatio = largest > 0 ? smallest / largest : 0;
  return { size: n, factors: a, order, sign, pivotRatio };
}

/** A⁻¹·b for b [n, columns]. */
export function luSolve(lu: LuFactors, b: Float64Array, columns = 1): Float64Array {
  const { size: n, factors, order } = lu;
  const x = new Float64Array(n * columns);
  for (let i = 0; i < n; i++) {
    const from = order[i]! * columns;
    x.set(b.subarray(from, from + columns), i * columns);
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) eliminate(x, i, k, factors[i * n + k]!, columns);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) eliminate(x, i, k, factors[i * n + k]!, columns);
    const diagonal = factors[i * n + i]!;
    for (let j = 0; j < columns; j++) x[i * columns + j]! /= diagonal;
  }
  return x;
}

/** row i of x −= factor · row k */
function eliminate(x: Float64Array, i: number, k: number, factor: number, columns: number): void {
  if (factor === 0) return;
  for (let j = 0; j < columns; j++) x[i * columns + j]! -= factor * x[k * columns + j]!;
}

/** Sign and natural logarithm of the magnitude of a determinant, which itself may overflow. */
export function logDeterminant(lu: LuFactors): { readonly sign: number; readonly log: number } {
  let { sign } = lu;
  let log = 0;
  for (let i = 0; i < lu.size; i++) {
    const diagonal = lu.factors[i * lu.size + i]!;
    sign *= Math.sign(diagonal);
    log += Math.log(Math.abs(diagonal));
  }
  return { sign, log };
}
