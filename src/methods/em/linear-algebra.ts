// Small dense matrices on the host, row-major float64.

/**
 * The lower triangular L with A = L·Lᵀ of a symmetric matrix [n, n], or undefined where A is not positive
 * definite to working precision.
 */
export function choleskyFactor(
  a: ArrayLike<number>,
  n: number,
): Float64Array<ArrayBuffer> | undefined {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j] as number;
      for (let k = 0; k < j; k++) rest -= (l[i * n + k] as number) * (l[j * n + k] as number);
      if (i === j) {
        // What is left of a pivot after cancellation says nothing below the rounding of what it came from.
        if (!(rest > 4 * Number.EPSILON * (a[i * n + i] as number))) return undefined;
        l[i * n + i] = Math.sqrt(rest);
      } else {
        l[i * n + j] = rest / (l[j * n + j] as number);
      }
    }
  }
  return l;
}

/** The inverse of a lower triangular matrix [n, n]. */
export function lowerInverse(l: ArrayLike<number>, n: number): Float64Array<ArrayBuffer> {
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    inverse[j * n + j] = 1 / (l[j * n + j] as number);
    for (let i = j + 1; i < n; i++) {
      let rest = 0;
      for (let k = j; k < i; k++) rest -= (l[i * n + k] as number) * (inverse[k * n + j] as number);
      inverse[i * n + j] = rest / (l[i * n + i] as number);
    }
  }
  return inverse;
}
