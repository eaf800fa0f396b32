import { allocate, isFloat, ShapeError, type Tensor } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { constant } from "./constant.ts";
import { log, reciprocal, sqrt } from "./elementwise.ts";
import { matmul } from "./linalg.ts";
import { expandDims, reshape, sumTo, transpose } from "./movement.ts";
import { sum } from "./reduce.ts";
import { concat, slice } from "./slicing.ts";
import { customGradient } from "./stop-gradient.ts";

/** Every column of a factorization is nodes of the graph; beyond this many the graph is too long. */
const largestUnrolled = 32;

/** n of square matrices [..., n, n]. */
function sizeOfSquare(op: string, a: Value): number {
  const n = a.shape.at(-1);
  if (a.rank < 2 || typeof n !== "number" || n !== a.shape.at(-2) || !isFloat(a.dtype)) {
    throw new ShapeError(
      op,
      `wants floating-point matrices [..., n, n] with a fixed n, got ${a}. Reshape to square matrices first.`,
    );
  }
  return n;
}

/** A constant [n, n] in the dtype of x, from the weight of every row and column. */
function weights(x: Value, n: number, weight: (row: number, column: number) => number): Value {
  const data = allocate(x.dtype, n * n);
  for (let i = 0; i < data.length; i++) data[i] = weight(Math.floor(i / n), i % n);
  return constant({ dtype: x.dtype, shape: [n, n], data } satisfies Tensor);
}

const lowerTriangle = (x: Value, n: number): Value => weights(x, n, (i, j) => Number(i >= j));

/** The diagonals of [..., n, n], as [..., n]. */
export function diagonal(a: Value): Value {
  const n = sizeOfSquare("diagonal", a);
  return sum(a.mul(weights(a, n, (i, j) => Number(i === j))), -1);
}

/** The matrices [..., n, n] that have the vectors [..., n] on their diagonal. */
export function diagonalMatrix(x: Value): Value {
  const n = x.shape.at(-1);
  if (typeof n !== "number" || !isFloat(x.dtype)) {
    throw new ShapeError("diagonalMatrix", `wants vectors [..., n] with a fixed n, got ${x}.`);
  }
  return expandDims(x, -1).mul(weights(x, n, (i, j) => Number(i === j)));
}

/** The elements on and below the diagonal, zeros above: [..., n, n]. */
export const lowerTriangular = (a: Value): Value =>
  a.mul(lowerTriangle(a, sizeOfSquare("lowerTriangular", a)));

/**
 * The lower triangular L with A = L·Lᵀ of symmetric positive definite matrices [..., n, n], n ≤ 32. The
 * symmetric part of A is taken. A matrix that is not positive definite gives NaN, as everything in the
 * graph does that has no real value; add a small multiple of the identity where that can happen.
 *
 * The columns are those of L·D·Lᵀ (Golub, Van Loan, "Matrix Computations", 2013, section 4.1), in outer
 * products: six nodes a column.
 * @throws ShapeError for matrices that are not square, and beyond n = 32.
 */
export function cholesky(a: Value): Value {
  const n = sizeOfSquare("cholesky", a);
  if (n > largestUnrolled) {
    throw new ShapeError(
      "cholesky",
      `n = ${n} is more than ${largestUnrolled}, the largest that is unrolled into a graph. ` +
        "Factor the matrix on the host and pass the factor as an input, or learn the factor itself.",
    );
  }
  const symmetric = a.add(transpose(a)).mul(0.5);
  const l: Value = customGradient(factor(symmetric, n), [a], (dl) => [choleskyGradient(l, dl)]);
  return l;
}

/** Subtracts c·cᵀ/d for one column c and its pivot d after the other: what is left has a zero row more. */
function factor(a: Value, n: number): Value {
  const columns: Value[] = [];
  const pivots: Value[] = [];
  let rest = a;
  for (let j = 0; j < n; j++) {
    const column = slice(rest, -1, j, j + 1); // (..., n, 1)
    const pivot = slice(column, -2, j, j + 1); // (..., 1, 1)
    const scaled = column.div(pivot);
    columns.push(scaled);
    pivots.push(pivot);
    const row = reshape(column, [...a.shape.slice(0, -2), 1, n]);
    if (j + 1 < n) rest = rest.sub(scaled.mul(row));
  }
  const unit = concat(columns, -1).mul(lowerTriangle(a, n));
  return unit.mul(sqrt(concat(pivots, -1)));
}

/**
 * Σ̄ = ½ L⁻ᵀ(P + Pᵀ)L⁻¹ with P = Φ(LᵀL̄), where Φ takes the lower triangle and half of the diagonal:
 * Murray, "Differentiation of the Cholesky decomposition" (2016), equations 9 and 10, as the symmetric
 * gradient.
 */
function choleskyGradient(l: Value, dl: Value): Value {
  const n = sizeOfSquare("cholesky", l);
  const half = weights(l, n, (i, j) => (i > j ? 0.5 : i === j ? 0.25 : 0));
  const p = matmul(l, dl, { transposeA: true }).mul(half);
  const inverse = triangularInverse(l);
  return matmul(matmul(inverse, p.add(transpose(p)), { transposeA: true }), inverse);
}

/**
 * The inverses of lower triangular matrices [..., n, n]; what stands above the diagonal is not read.
 *
 * Blocks on the diagonal are inverted at once, those of 2s × 2s from those of s × s: with B the matrix of
 * inverted blocks and M what lies inside the larger blocks only, B − B·M·B (Higham, "Accuracy and Stability
 * of Numerical Algorithms", 2002, section 14.2). That is 4·log₂ n nodes where substitution takes 4·n.
 */
export function triangularInverse(l: Value): Value {
  const n = sizeOfSquare("triangularInverse", l);
  const identity = weights(l, n, (i, j) => Number(i === j));
  let inverse = identity.mul(expandDims(reciprocal(diagonal(l)), -1));
  for (let size = 1; size < n; size *= 2) {
    const block = (i: number, s: number): number => Math.floor(i / s);
    const between = weights(l, n, (i, j) =>
      Number(
        i > j && block(i, 2 * size) === block(j, 2 * size) && block(i, size) !== block(j, size),
      ),
    );
    inverse = inverse.sub(matmul(matmul(inverse, l.mul(between)), inverse));
  }
  const result: Value = customGradient(inverse, [l], (dy) => {
    const dl = matmul(matmul(result, dy, { transposeA: true }), result, { transposeB: true });
    return [lowerTriangular(dl).neg()];
  });
  return result;
}

export interface TriangularOptions {
  /** Whether t is lower triangular; the other triangle is not read. */
  readonly lower?: boolean;
  /** Solve with tᵀ instead of t. */
  readonly transpose?: boolean;
}

/**
 * The x [..., n, m] of t·x = b for triangular t [..., n, n] and b [..., n, m]; leading axes broadcast.
 * A zero on the diagonal gives NaN.
 * @throws ShapeError where t is not square or the sizes differ.
 */
export function solveTriangular(
  t: Value,
  b: Value,
  { lower = true, transpose: transposed = false }: TriangularOptions = {},
): Value {
  const n = sizeOfSquare("solveTriangular", t);
  if (b.rank < 2 || b.shape.at(-2) !== n) {
    throw new ShapeError(
      "solveTriangular",
      `wants right sides [..., ${n}, m] for ${t}, got ${b}. Add an axis to vectors with expandDims(b, -1).`,
    );
  }
  const l = lower ? t : transpose(t);
  const transposeA = lower === transposed;
  const x: Value = customGradient(matmul(triangularInverse(l), b, { transposeA }), [l, b], (dx) => {
    const db = matmul(triangularInverse(l), dx, { transposeA: !transposeA });
    const [left, right] = transposeA ? [x, db] : [db, x];
    const dl = lowerTriangular(matmul(left, right, { transposeB: true })).neg();
    return [sumTo(dl, l.shape), sumTo(db, b.shape)];
  });
  return x;
}

/** log |A| of symmetric positive definite matrices [..., n, n] from their Cholesky factor: [...]. */
export const choleskyLogDeterminant = (l: Value): Value => sum(log(diagonal(l)), -1).mul(2);

/** log |A| of symmetric positive definite matrices [..., n, n], n ≤ 32: [...]. */
export const logDeterminant = (a: Value): Value => choleskyLogDeterminant(cholesky(a));
