import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from "ml-matrix";
import { toRows } from "./dense.ts";

/** A complex number. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** Eigenvalues of a square matrix [n, n], largest magnitude first. */
export function eigenvalues(matrix: Float64Array, n: number): Complex[] {
  const { realEigenvalues, imaginaryEigenvalues } = new EigenvalueDecomposition(
    new Matrix(toRows(matrix, n)),
  );
  const values = realEigenvalues.map((re, i): Complex => ({ re, im: imaginaryEigenvalues[i]! }));
  return values.sort((a, b) => Math.hypot(b.re, b.im) - Math.hypot(a.re, a.im));
}

/** Singular values of a matrix with `columns` columns, largest first. */
export function singularValues(matrix: Float64Array, columns: number): number[] {
  const decomposition = new SingularValueDecomposition(new Matrix(toRows(matrix, columns)), {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  });
  return decomposition.diagonal;
}

/** Eigenvalues of a symmetric matrix [n, n], largest first, and unit eigenvectors, a row each. */
export function symmetricEigenvectors(
  matrix: Float64Array,
  n: number,
): { readonly values: number[]; readonly vectors: number[][] } {
  const decomposition = new EigenvalueDecomposition(new Matrix(toRows(matrix, n)), {
    assumeSymmetric: true,
  });
  const { realEigenvalues: values, eigenvectorMatrix: columns } = decomposition;
  const order = values.map((_, i) => i).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  return {
    values: order.map((i) => values[i] as number),
    vectors: order.map((i) => columns.getColumn(i)),
  };
}
