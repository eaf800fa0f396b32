// Explicit Runge-Kutta methods as data. With k_i = f(t + c_i h, y + h Σ_j a_ij k_j),
// y₁ = y + h Σ b_i k_i. The slope f(t + h, y₁) counts as one more stage behind the last: it is the first stage of
// the next step, and error estimates and dense output may use it.
/** A method's coefficients. */
export interface Tableau {
  readonly name: string;
  /** p, where the error of one step is O(h^{p+1}). */
  readonly order: number;
  /** c_i */
  readonly nodes: readonly number[];
  /** a_ij, a row a stage, the first empty. */
  readonly stages: readonly (readonly number[])[];
  /** b_i */
  readonly weights: readonly number[];
  /** How the error of a step is estimated; a method without is for fixed steps. */
  readonly error?: ErrorEstimate;
  /** Stages for dense output only; they may use the slope at the end. */
  readonly extra?: {
    readonly nodes: readonly number[];
    readonly stages: readonly (readonly number[])[];
  };
  /**
   * Coefficients of the continuous method: y(t + θh) = y + h Σ_i k_i Σ_j dense[i][j]·θ^{j+1}, over stages,
   * the slope at the end, and extra stages. Cubic Hermite interpolation where it is not given.
   */
  readonly dense?: readonly (readonly number[])[];
}

export interface ErrorEstimate {
  /** q, where the estimate is O(h^{q+1}). */
  readonly order: number;
  /**
   * One row e: error h Σ e_i k_i. Two rows, of orders 5 and 3: errors E₅, E₃ are joined as
   * E₅²/√(E₅² + E₃²/100) (Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, II.10).
   */
  readonly rows: readonly (readonly number[])[];
}

/** A step's estimated error from those of the rows of an `ErrorEstimate`. */
export function joinedError(norms: readonly number[]): number {
  const [first = 0, second] = norms;
  if (second === undefined) return first;
  return first === 0 ? 0 : first ** 2 / Math.sqrt(first ** 2 + 0.01 * second ** 2);
}

/** dense[i][j] of cubic Hermite interpolation between (y, k_0) and (y₁, slope at the end). */
export function hermiteDense(weights: readonly number[]): number[][] {
  const rows = weights.map((b) => [0, 3 * b, -2 * b]);
  rows[0] = [1, 3 * weights[0]! - 2, 1 - 2 * weights[0]!];
  rows.push([0, -1, 1]);
  return rows;
}

/** Σ_j row[j]·θ^{j+1} for each row: the weights of the stages at θ. */
export const denseWeights = (dense: readonly (readonly number[])[], theta: number): number[] =>
  dense.map((row) => theta * row.reduceRight((sum, c) => sum * theta + c, 0));

/** Derivatives of `denseWeights` by θ. */
export const denseSlopes = (dense: readonly (readonly number[])[], theta: number): number[] =>
  dense.map((row) => row.reduceRight((sum, c, j) => sum * theta + (j + 1) * c, 0));
