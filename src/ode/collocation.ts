// ż = S z + g on the Chebyshev nodes of a panel: by quadrature where z is one number, by collocation, one
// linear system for the values at all nodes, where it is more (Trefethen, Spectral Methods in MATLAB, 2000,
// chapters 6 and 12, in integrated form).
import {
  chebyshevCoefficients,
  chebyshevIntegral,
  integrationMatrix,
  type LuFactors,
  luFactor,
  luSolve,
  multiply,
} from "../numerics/index.ts";
import type { Reduced } from "./reduction.ts";

/** log z = log z(start) + ∫S as a series and at the nodes, for m = 1. */
export function scalarLogs(nodes: readonly Reduced[], half: number, initial: number) {
  const rates = Float64Array.from(nodes, ({ S }) => half * S[0]!);
  const series = chebyshevIntegral(chebyshevCoefficients(rates));
  series[0]! += Math.log(initial);
  const J = integrationMatrix(nodes.length - 1);
  const values = multiply(J, rates, nodes.length, nodes.length, 1);
  return { values: values.map((log) => log + Math.log(initial)), series };
}

/** Values [N + 1, m·columns] with ż = S z + added from `initial` [m, columns] at the first node. */
export function collocated(
  factors: LuFactors,
  nodes: readonly Reduced[],
  half: number,
  initial: Float64Array,
  m: number,
  columns: number,
  added?: (node: Reduced) => Float64Array,
): Float64Array {
  const size = nodes.length;
  const width = m * columns;
  const J = integrationMatrix(size - 1);
  const right = new Float64Array((size - 1) * width);
  const first = multiply(nodes[0]!.S, initial, m, m, columns);
  for (let i = 1; i < size; i++) {
    for (let a = 0; a < width; a++) {
      right[(i - 1) * width + a] = initial[a]! + half * J[i * size]! * first[a]!;
    }
    if (added === undefined) continue;
    for (let l = 0; l < size; l++) {
      const weight = half * J[i * size + l]!;
      const extra = added(nodes[l]!);
      for (let a = 0; a < width; a++) right[(i - 1) * width + a]! += weight * extra[a]!;
    }
  }
  const values = new Float64Array(size * width);
  values.set(initial);
  values.set(luSolve(factors, right, columns), width);
  return values;
}

/** The matrix 1 − half·J⊗S over the nodes behind the first. */
export function collocationFactors(nodes: readonly Reduced[], m: number, half: number) {
  const degree = nodes.length - 1;
  const size = degree * m;
  const J = integrationMatrix(degree);
  const matrix = new Float64Array(size * size);
  for (let i = 1; i <= degree; i++) {
    for (let l = 1; l <= degree; l++) {
      const weight = half * J[i * (degree + 1) + l]!;
      const { S } = nodes[l]!;
      for (let a = 0; a < m; a++) {
        const row = ((i - 1) * m + a) * size + (l - 1) * m;
        for (let c = 0; c < m; c++) matrix[row + c] = -weight * S[a * m + c]!;
      }
    }
  }
  for (let i = 0; i < size; i++) matrix[i * size + i]! += 1;
  return luFactor(matrix, size);
}

interface Sizes {
  readonly k: number;
  readonly m: number;
  readonly half: number;
}

/** Coefficients of ∫ pick(node)·values, [·, k·columns], for values [N + 1, m·columns]. */
export function integralOf(
  nodes: readonly Reduced[],
  values: Float64Array,
  pick: (node: Reduced) => Float64Array,
  { k, m, columns, half }: Sizes & { readonly columns: number },
  added?: (node: Reduced) => Float64Array,
): Float64Array {
  const width = k * columns;
  if (width === 0) return new Float64Array(0);
  const integrand = new Float64Array(nodes.length * width);
  for (const [i, node] of nodes.entries()) {
    const here = values.subarray(i * m * columns, (i + 1) * m * columns);
    const product = multiply(pick(node), here, k, m, columns);
    const extra = added?.(node);
    for (let a = 0; a < width; a++) {
      integrand[i * width + a] = half * (product[a]! + (extra?.[a] ?? 0));
    }
  }
  return chebyshevIntegral(chebyshevCoefficients(integrand, width), width);
}

/** Series of zp with ż = S z + g, and of what cp with ċ = T z + f moves from the panel's start. */
export function forcedPart(
  factors: LuFactors,
  nodes: readonly Reduced[],
  initial: Float64Array,
  { k, m, half }: Sizes,
) {
  const values = collocated(factors, nodes, half, initial, m, 1, ({ g }) => g);
  const c = integralOf(
    nodes,
    values,
    ({ T }) => T,
    { k, m, columns: 1, half },
    ({ f }) => f,
  );
  return { z: chebyshevCoefficients(values, m), c };
}
