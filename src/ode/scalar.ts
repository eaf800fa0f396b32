// Scalar linear equations of order n, by their companion form: x = (y, ẏ, …, y^(n−1)). The reduction by a
// known solution is d'Alembert's, without its division by zeros of that solution.
import { ReparamError } from "../tensor/index.ts";
import { type BoundaryCondition, boundaryValue } from "./boundary.ts";
import { type GeneralSolution, generalSolution } from "./general-solution.ts";

/** a_n(t)·y^(n) + … + a_1(t)·ẏ + a_0(t)·y = f(t). */
export interface ScalarEquation {
  /** [a_0(t), …, a_n(t)]; a_n must not vanish in the interval. */
  readonly coefficients: (t: number) => readonly number[];
  /** f(t); 0 by default. */
  readonly forcing?: (t: number) => number;
  /** Up to n − 1 independent solutions for f = 0, each as [y, ẏ, …, y^(n−1)]. */
  readonly known?: readonly ((t: number) => ArrayLike<number>)[];
  readonly interval: readonly [start: number, end: number];
  /** As of `generalSolution`. */
  readonly tolerance?: number;
  readonly residualTolerance?: number;
}

/** All solutions of a scalar equation; vectors are [y, ẏ, …, y^(n−1)]. */
export interface ScalarSolution {
  readonly order: number;
  /** The solutions as those of the companion system. */
  readonly general: GeneralSolution;
  /** [y_1(t), …, y_n(t)]: the known solutions, then new ones. */
  basis(t: number): number[];
  /** det Ψ(t), by Abel's formula W(s)·exp −∫a_{n−1}/a_n. */
  wronskian(t: number): number;
  /** One solution with f, which with n − 1 derivatives is 0 at the interval's start. */
  particular(t: number): number;
  /** The solution with [y, …, y^(n−1)] = values at `at`, the interval's start by default. */
  initialValue(values: ArrayLike<number>, at?: number): (t: number) => number[];
  /** The solution with Σ weights[i]·y^(i)(at) = value for n conditions. */
  boundaryValue(conditions: readonly BoundaryCondition[]): (t: number) => number[];
}

/** Solves a scalar linear equation from the solutions that are known; throws as `generalSolution` does. */
export function scalarSolution(equation: ScalarEquation): ScalarSolution {
  const { coefficients, forcing, interval, ...rest } = equation;
  const order = coefficients(interval[0]).length - 1;
  if (order < 1) {
    throw new ReparamError(
      `scalarSolution: coefficients must be [a_0, …, a_n] with n of at least 1, got ${order + 1} numbers.`,
    );
  }
  const normalized = (t: number): { rates: number[]; leading: number } => {
    const all = coefficients(t);
    const leading = all[order];
    if (all.length !== order + 1 || leading === undefined) {
      throw new ReparamError(
        `scalarSolution: ${all.length} coefficients at t = ${t}, but ${order + 1} at the start.`,
      );
    }
    if (leading === 0) {
      throw new ReparamError(
        `scalarSolution: the leading coefficient vanishes at t = ${t}, a singular point. End the interval before it.`,
      );
    }
    return { rates: all.slice(0, order).map((a) => -a / leading), leading };
  };
  const A = (t: number) => {
    const companion = new Float64Array(order * order);
    for (let i = 0; i < order - 1; i++) companion[i * order + i + 1] = 1;
    companion.set(normalized(t).rates, order * (order - 1));
    return companion;
  };
  const b = (t: number) => {
    const vector = new Float64Array(order);
    vector[order - 1] = (forcing?.(t) ?? 0) / normalized(t).leading;
    return vector;
  };
  const forced = forcing === undefined ? {} : { inhomogeneity: b };
  const general = generalSolution({ A, interval, ...rest, ...forced });
  return {
    order,
    general,
    basis: (t) => general.fundamental(t)[0]!,
    wronskian: (t) => {
      const { sign, log } = general.logDeterminant(t);
      return sign * Math.exp(log);
    },
    particular: (t) => general.particular(t)[0]!,
    initialValue: general.initialValue,
    boundaryValue: (conditions) => boundaryValue(general, conditions),
  };
}
