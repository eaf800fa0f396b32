// Small matrices of normal forms, by cofactors.
import {
  addNormals,
  multiplyNormals,
  type Normal,
  negateNormal,
  oneNormal,
  zeroNormal,
} from "./expression-normal.ts";

/** Rows of normal forms. */
export type NormalMatrix = readonly (readonly Normal[])[];

/** The determinant, by the first row. */
export function determinant(M: NormalMatrix, variable: string): Normal {
  if (M.length === 0) return oneNormal;
  const [first = [], ...rest] = M;
  const terms = first.map((entry, j) => {
    if (entry.size === 0) return zeroNormal;
    const minor = rest.map((row) => row.filter((_, c) => c !== j));
    const part = multiplyNormals(entry, determinant(minor, variable), variable);
    return j % 2 === 0 ? part : negateNormal(part);
  });
  return addNormals(...terms);
}

/** The matrix of cofactors, transposed: M·adjugate(M) = det(M)·1. */
export const adjugate = (M: NormalMatrix, variable: string): Normal[][] =>
  M.map((_, i) =>
    M.map((_, j) => {
      const rows = M.filter((_, r) => r !== j);
      const minor = rows.map((row) => row.filter((_, c) => c !== i));
      const part = determinant(minor, variable);
      return (i + j) % 2 === 0 ? part : negateNormal(part);
    }),
  );

export const dot = (a: readonly Normal[], b: readonly Normal[], variable: string): Normal =>
  addNormals(...a.map((x, i) => multiplyNormals(x, b[i]!, variable)));

export const applied = (M: NormalMatrix, x: readonly Normal[], variable: string): Normal[] =>
  M.map((row) => dot(row, x, variable));

export const transposed = (M: NormalMatrix): Normal[][] =>
  (M[0] ?? []).map((_, j) => M.map((row) => row[j]!));

/** Vectors as the columns of a matrix. */
export const fromColumns = (columns: NormalMatrix): Normal[][] => transposed(columns);

/** N with N·x = det[X x] for the n − 1 columns X: orthogonal to all of them. */
export function crossProduct(columns: NormalMatrix, variable: string): Normal[] {
  const n = columns.length + 1;
  return Array.from({ length: n }, (_, i) => {
    const minor = columns.map((column) => column.filter((_, r) => r !== i));
    const part = determinant(minor, variable);
    return (i + n - 1) % 2 === 0 ? part : negateNormal(part);
  });
}
