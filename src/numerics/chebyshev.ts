// Chebyshev series on [−1, 1] from values at the extrema cos(πj/N), taken in rising order, so that the
// first is −1 and the last 1. The nodes of N are among those of 2N. (Trefethen, Approximation Theory and
// Approximation Practice, chapters 2-4 and 19.)

const nodeCache = new Map<number, Float64Array>();
const cosineCache = new Map<number, Float64Array>();
const integrationCache = new Map<number, Float64Array>();

/** The N + 1 nodes of degree N on [−1, 1], rising. */
export function chebyshevNodes(degree: number): Float64Array {
  let nodes = nodeCache.get(degree);
  if (nodes === undefined) {
    // By the sine, so that they are symmetric to the last bit.
    nodes = Float64Array.from({ length: degree + 1 }, (_, j) =>
      Math.sin((Math.PI * (2 * j - degree)) / (2 * degree)),
    );
    nodeCache.set(degree, nodes);
  }
  return nodes;
}

/** cos(πjk/N) for j, k = 0…N, a row each j. */
function cosines(degree: number): Float64Array {
  let table = cosineCache.get(degree);
  if (table === undefined) {
    const size = degree + 1;
    table = new Float64Array(size * size);
    for (let j = 0; j < size; j++) {
      for (let k = 0; k < size; k++) {
        // The product modulo its period keeps the argument small and the cosine exact.
        table[j * size + k] = Math.cos((Math.PI * ((j * k) % (2 * degree))) / degree);
      }
    }
    cosineCache.set(degree, table);
  }
  return table;
}

/**
 * Coefficients [N + 1, columns] of the series that interpolates `values` [N + 1, columns], given at
 * `chebyshevNodes(N)`.
 */
export function chebyshevCoefficients(values: Float64Array, columns = 1): Float64Array {
  const size = values.length / columns;
  const degree = size - 1;
  const table = cosines(degree);
  const coefficients = new Float64Array(values.length);
  for (let k = 0; k < size; k++) {
    for (let j = 0; j < size; j++) {
      const half = j === 0 || j === degree ? 0.5 : 1;
      // Values rise while cos(πj/N) falls.
      const weight = (2 / degree) * half * table[j * size + k]!;
      const from = (degree - j) * columns;
      for (let c = 0; c < columns; c++)
        coefficients[k * columns + c]! += weight * values[from + c]!;
    }
    if (k === 0 || k === degree) {
      for (let c = 0; c < columns; c++) coefficients[k * columns + c]! /= 2;
    }
  }
  return coefficients;
}

/** Σ c_k T_k(x) for each column of coefficients [N + 1, columns], by Clenshaw's recurrence. */
export function chebyshevValue(coefficients: Float64Array, x: number, columns = 1): Float64Array {
  const result = new Float64Array(columns);
  const size = coefficients.length / columns;
  for (let c = 0; c < columns; c++) {
    let next = 0;
    let afterNext = 0;
    for (let k = size - 1; k > 0; k--) {
      const here = 2 * x * next - afterNext + coefficients[k * columns + c]!;
      afterNext = next;
      next = here;
    }
    result[c] = x * next - afterNext + coefficients[c]!;
  }
  return result;
}

/**
 * Coefficients [N + 2, columns] of the integral from −1: T_k integrates to
 * (T_{k+1}/(k+1) − T_{k−1}/(k−1))/2.
 */
export function chebyshevIntegral(coefficients: Float64Array, columns = 1): Float64Array {
  const size = coefficients.length / columns;
  const result = new Float64Array((size + 1) * columns);
  const at = (k: number, c: number) => (k < size ? coefficients[k * columns + c]! : 0);
  for (let c = 0; c < columns; c++) {
    let constant = 0;
    for (let k = 1; k <= size; k++) {
      const value = ((k === 1 ? 2 : 1) * at(k - 1, c) - at(k + 1, c)) / (2 * k);
      result[k * columns + c] = value;
      // T_k(−1) = (−1)^k, and the integral vanishes there.
      constant += k % 2 === 1 ? value : -value;
    }
    result[c] = constant;
  }
  return result;
}

/** Coefficients [N, columns] of the derivative (one zero row where N = 0). */
export function chebyshevDerivative(coefficients: Float64Array, columns = 1): Float64Array {
  const size = coefficients.length / columns;
  const result = new Float64Array(Math.max(size - 1, 1) * columns);
  for (let c = 0; c < columns; c++) {
    for (let k = size - 1; k > 0; k--) {
      const above = k + 1 < size - 1 ? result[(k + 1) * columns + c]! : 0;
      result[(k - 1) * columns + c] = above + 2 * k * coefficients[k * columns + c]!;
    }
    result[c]! /= 2;
  }
  return result;
}

/**
 * The matrix [N + 1, N + 1] that takes values at the nodes to integrals from −1 to each node of the
 * series through them.
 */
export function integrationMatrix(degree: number): Float64Array {
  let matrix = integrationCache.get(degree);
  if (matrix === undefined) {
    const size = degree + 1;
    const nodes = chebyshevNodes(degree);
    matrix = new Float64Array(size * size);
    for (let j = 0; j < size; j++) {
      const unit = new Float64Array(size);
      unit[j] = 1;
      const series = chebyshevIntegral(chebyshevCoefficients(unit));
      for (let i = 1; i < size; i++) matrix[i * size + j] = chebyshevValue(series, nodes[i]!)[0]!;
    }
    integrationCache.set(degree, matrix);
  }
  return matrix;
}

/**
 * How far the last coefficients have fallen: the largest magnitude among the last three rows over that of
 * all. It estimates the relative error of a series whose coefficients fall geometrically.
 */
export function chebyshevTail(coefficients: Float64Array, columns = 1): number {
  const size = coefficients.length / columns;
  let tail = 0;
  let all = 0;
  for (let k = 0; k < size; k++) {
    for (let c = 0; c < columns; c++) {
      const magnitude = Math.abs(coefficients[k * columns + c]!);
      all = Math.max(all, magnitude);
      if (k >= size - 3) tail = Math.max(tail, magnitude);
    }
  }
  if (Number.isNaN(all)) return Number.POSITIVE_INFINITY;
  return all === 0 ? 0 : tail / all;
}
