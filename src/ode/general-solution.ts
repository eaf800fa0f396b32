// The general solution of ẋ = A(t)x + b(t) from solutions that are known: Su Jianlin, "Linear systems of
// differential equations: from known solutions to the general one" (Scientific Spaces, 2014-06-18), whose
// reduction by the unit normal is carried over to any number k < n of known solutions.
import {
  allFinite,
  logDeterminant,
  luFactor,
  luSolve,
  multiply,
  toRows,
} from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import {
  type EvaluationCounts,
  type LinearSystem,
  type SampledSystem,
  sampledSystem,
} from "./linear-system.ts";
import { march } from "./march.ts";
import { complementAt, type Panel, stateAt } from "./panel.ts";

/** A linear system, and how exactly its general solution is wanted. */
export interface GeneralSolutionInput extends LinearSystem {
  /** Wanted error of the fundamental matrix, relative to its size; 1e-10 by default. */
  readonly tolerance?: number;
  /** By how much known solutions may miss the equation, relative to ‖A‖·‖x‖; 1e-6 by default. */
  readonly residualTolerance?: number;
  /** Most pieces of the interval; 10000 by default. */
  readonly maxPanels?: number;
}

/** x(t) = fundamental(t)·constants + particular(t), for t in the interval; outside, everything throws. */
export interface GeneralSolution {
  /** n */
  readonly size: number;
  readonly interval: readonly [start: number, end: number];
  /**
   * Ψ(t) [n, n]: the known solutions, then new ones, which begin as an orthonormal complement of the known.
   * Needs the known solutions at t, and no evaluation of A.
   */
  fundamental(t: number): number[][];
  /** Ψ̇(t) = A(t)Ψ(t). */
  derivative(t: number): number[][];
  /** A solution of the inhomogeneous system, 0 at the interval's start; zero without inhomogeneity. */
  particular(t: number): number[];
  /** Φ(t, s) = Ψ(t)Ψ(s)⁻¹; s is the interval's start by default. */
  propagator(t: number, s?: number): number[][];
  /** x(t) with these constants, one for each column of Ψ. */
  solution(constants: ArrayLike<number>): (t: number) => number[];
  /** The constants of the solution with x(at) = x0; `at` is the interval's start by default. */
  constants(x0: ArrayLike<number>, at?: number): number[];
  /** The solution with x(at) = x0. */
  initialValue(x0: ArrayLike<number>, at?: number): (t: number) => number[];
  /** log |det Ψ(t)| and its sign, which never changes. */
  logDeterminant(t: number): { readonly sign: number; readonly log: number };
  /**
   * Estimated error of Ψ relative to its size: the sum over panels of what their series leave, and the
   * largest gap in Liouville's formula det Ψ(t) = det Ψ(s)·exp ∫tr A.
   */
  readonly errorEstimate: number;
  /** Ends of the panels, the interval's start first. */
  readonly breaks: readonly number[];
  /** Calls of A and of the known solutions while it was made. */
  readonly evaluations: EvaluationCounts;
}

/**
 * Reduces ẋ = A(t)x + b(t), n up to about 32, by its k known solutions to n − k equations and solves them;
 * with k = n − 1 by quadrature alone. Where X is a panel's known solutions and F completes them,
 * x = X c + F z.
 *
 * Throws where a known solution is none, or depends on the others (saying when, and by how much), where A or
 * a solution is not finite or has another size, and where A is singular inside the interval.
 */
export function generalSolution(input: GeneralSolutionInput): GeneralSolution {
  const { tolerance = 1e-10, residualTolerance = 1e-6, maxPanels = 10_000 } = input;
  if (!(tolerance > 0 && tolerance < 1)) {
    throw new ReparamError(`generalSolution: tolerance must be between 0 and 1, got ${tolerance}.`);
  }
  const system = sampledSystem(input);
  const panels = march(system, { tolerance: tolerance / 2, residualTolerance, maxPanels });
  const evaluations = system.counts();
  return solutionOf(system, panels, evaluations);
}

function solutionOf(
  system: SampledSystem,
  panels: readonly Panel[],
  evaluations: EvaluationCounts,
): GeneralSolution {
  const { size: n, interval } = system;
  const breaks = [interval[0], ...panels.map(({ end }) => end)];
  const everything = (t: number) => columnsAt(system, panels, breaks, t);
  const fundamental = (t: number): Float64Array => {
    const all = everything(t);
    return Float64Array.from(
      { length: n * n },
      (_, i) => all[Math.floor(i / n) * (n + 1) + (i % n)]!,
    );
  };
  const particular = (t: number) => {
    const all = everything(t);
    return Array.from({ length: n }, (_, i) => all[i * (n + 1) + n]!);
  };
  const solution = (constants: ArrayLike<number>) => {
    const kept = checkedVector(constants, n, "constants");
    return (t: number) => {
      const all = everything(t);
      return Array.from({ length: n }, (_, i) => {
        let sum = all[i * (n + 1) + n]!;
        for (let j = 0; j < n; j++) sum += all[i * (n + 1) + j]! * kept[j]!;
        return sum;
      });
    };
  };
  const constants = (x0: ArrayLike<number>, at = interval[0]) => {
    const value = checkedVector(x0, n, "x0");
    const shift = particular(at);
    const right = value.map((x, i) => x - shift[i]!);
    return Array.from(solveScaled(fundamental(at), right, n, 1));
  };
  return {
    size: n,
    interval,
    fundamental: (t) => toRows(fundamental(t), n),
    derivative: (t) => toRows(multiply(system.A(t), fundamental(t), n, n, n), n),
    particular,
    propagator: (t, s = interval[0]) => toRows(quotient(fundamental(t), fundamental(s), n), n),
    solution,
    constants,
    initialValue: (x0, at = interval[0]) => solution(constants(x0, at)),
    logDeterminant: (t) => logDeterminant(luFactor(fundamental(t), n)),
    errorEstimate: errorOf(panels),
    breaks,
    evaluations,
  };
}

/** Ψ(t) and the particular solution, a column behind it: [n, n + 1]. */
function columnsAt(
  system: SampledSystem,
  panels: readonly Panel[],
  breaks: readonly number[],
  t: number,
): Float64Array {
  const { size: n, known: k, interval } = system;
  const m = n - k;
  if (!(t >= interval[0] && t <= interval[1])) {
    throw new ReparamError(
      `generalSolution: t = ${t} is outside of the interval [${interval[0]}, ${interval[1]}].`,
    );
  }
  const panel = panels[panelIndex(breaks, t)]!;
  const { z, c, zp, cp } = stateAt(panel, t);
  const X = system.X(t);
  const F = complementAt(panel, X);
  const parts = [multiply(X, c, n, k, m), multiply(F, z, n, m, m)];
  const forced = [multiply(X, cp, n, k, 1), multiply(F, zp, n, m, 1)];
  const all = new Float64Array(n * (n + 1));
  for (let i = 0; i < n; i++) {
    const row = i * (n + 1);
    for (let j = 0; j < k; j++) all[row + j] = X[i * k + j]!;
    for (let j = 0; j < m; j++) all[row + k + j] = parts[0]![i * m + j]! + parts[1]![i * m + j]!;
    all[row + n] = forced[0]![i]! + forced[1]![i]!;
  }
  if (!allFinite(all)) {
    throw new ReparamError(
      `generalSolution: solutions are too large for float64 at t = ${t}. Shorten the interval.`,
    );
  }
  return all;
}

function errorOf(panels: readonly Panel[]): number {
  const series = panels.reduce((sum, { error }) => sum + Math.max(error, Number.EPSILON), 0);
  let gap = 0;
  for (const { liouville } of panels) gap += liouville;
  return series + gap;
}

function panelIndex(breaks: readonly number[], t: number): number {
  let [from, to] = [0, breaks.length - 2];
  while (from < to) {
    const middle = (from + to + 1) >> 1;
    if (t >= breaks[middle]!) from = middle;
    else to = middle - 1;
  }
  return from;
}

function checkedVector(values: ArrayLike<number>, n: number, name: string): Float64Array {
  if (values.length === n) return Float64Array.from(values);
  throw new ReparamError(`generalSolution: ${name} must be ${n} numbers, got ${values.length}.`);
}

/** Ψ⁻¹·right with the columns of Ψ brought to length 1 first: they may differ by many orders. */
function solveScaled(Psi: Float64Array, right: Float64Array, n: number, columns: number) {
  const lengths = new Float64Array(n);
  for (let i = 0; i < n * n; i++) lengths[i % n] = Math.hypot(lengths[i % n]!, Psi[i]!);
  const lu = luFactor(
    Psi.map((x, i) => x / lengths[i % n]!),
    n,
  );
  const solved = luSolve(lu, right, columns);
  return solved.map((x, i) => x / lengths[Math.floor(i / columns)]!);
}

/** Ψ·Ψ₀⁻¹ */
function quotient(Psi: Float64Array, before: Float64Array, n: number): Float64Array {
  const unit = new Float64Array(n * n);
  for (let i = 0; i < n; i++) unit[i * n + i] = 1;
  return multiply(Psi, solveScaled(before, unit, n, n), n, n, n);
}
