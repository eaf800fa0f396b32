// Linear conditions at several times, met by the constants of a general solution.
import { luFactor, luSolve, norm2, singularValues } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { GeneralSolution } from "./general-solution.ts";

/** Σ_i weights[i]·x_i(at) = value. */
export interface BoundaryCondition {
  readonly at: number;
  readonly weights: readonly number[];
  readonly value: number;
}

/** All solutions x = fundamental(t)·constants + particular(t). */
export type SolutionFamily = Pick<GeneralSolution, "size" | "fundamental" | "particular">;

/** The solution that meets n conditions; throws as `boundaryConstants` does. */
export const boundaryValue = (
  general: GeneralSolution,
  conditions: readonly BoundaryCondition[],
): ((t: number) => number[]) => general.solution(boundaryConstants(general, conditions));

/**
 * The constants of the solution that meets n conditions. Throws where they do not determine it: the homogeneous
 * problem then has a solution other than 0, and this one none or many.
 */
export function boundaryConstants(
  family: SolutionFamily,
  conditions: readonly BoundaryCondition[],
): number[] {
  const n = family.size;
  if (conditions.length !== n) {
    throw new ReparamError(
      `boundaryValue: ${n} conditions are needed for ${n} unknowns, got ${conditions.length}.`,
    );
  }
  const matrix = new Float64Array(n * n);
  const right = new Float64Array(n);
  const lengths = new Float64Array(n);
  for (const [i, { at, weights, value }] of conditions.entries()) {
    if (weights.length !== n) {
      throw new ReparamError(
        `boundaryValue: condition ${i} has ${weights.length} weights for ${n} components. Give one each.`,
      );
    }
    const Psi = family.fundamental(at);
    const shift = family.particular(at);
    right[i] = value;
    for (let r = 0; r < n; r++) {
      right[i]! -= weights[r]! * shift[r]!;
      for (let j = 0; j < n; j++) {
        matrix[i * n + j]! += weights[r]! * Psi[r]![j]!;
        lengths[j] = Math.max(lengths[j]!, Math.abs(Psi[r]![j]!));
      }
    }
  }
  return Array.from(solveBalanced(matrix, right, lengths));
}

/**
 * Columns are measured by the solutions' sizes and rows brought to size 1 first, so that what is left of
 * singularity is real.
 */
function solveBalanced(matrix: Float64Array, right: Float64Array, columns: Float64Array) {
  const n = right.length;
  for (let i = 0; i < n * n; i++) matrix[i]! /= columns[i % n]!;
  const rows = Array.from({ length: n }, (_, i) => norm2(matrix.subarray(i * n, (i + 1) * n)) || 1);
  for (let i = 0; i < n * n; i++) matrix[i]! /= rows[Math.floor(i / n)]!;
  const values = singularValues(matrix, n);
  if (!(values.at(-1)! > 1e-12 * values[0]!)) {
    throw new ReparamError(
      `boundaryValue: the conditions do not determine a solution: their matrix has singular values from ${values[0]!.toExponential(1)} down to ${values.at(-1)!.toExponential(1)}. Choose conditions that the homogeneous problem meets with 0 only.`,
    );
  }
  const scaled = right.map((x, i) => x / rows[i]!);
  return luSolve(luFactor(matrix, n), scaled).map((x, j) => x / columns[j]!);
}
