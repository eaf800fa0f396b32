// Φ̇ = A(t)Φ by the exponential of one matrix a step, so that what A preserves (lengths where it is
// antisymmetric, areas where it is Hamiltonian) is preserved: Magnus, Comm. Pure Appl. Math. 7 (1954);
// Blanes, Casas, Oteo, Ros, "The Magnus expansion and some of its applications", Phys. Rep. 470 (2009).
import {
  allFinite,
  flatten,
  identity,
  linearCombination,
  type MatrixLike,
  matrixExponential,
  multiply,
  norm2,
  toRows,
} from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";

/** How the exponent of a step is made of A at the nodes. */
export interface MagnusMethod {
  readonly order: 2 | 4 | 6;
  /** Of Gauss's quadrature on [0, 1]. */
  readonly nodes: readonly number[];
  readonly exponent: (h: number, A: readonly Float64Array[], n: number) => Float64Array;
}

/** XY − YX */
function commutator(X: Float64Array, Y: Float64Array, n: number): Float64Array {
  return linearCombination([1, -1], [multiply(X, Y, n, n, n), multiply(Y, X, n, n, n)]);
}

/** The methods by order: section 5.4 of the review, equations for Gauss-Legendre nodes. */
export const magnusMethods: Readonly<Record<2 | 4 | 6, MagnusMethod>> = {
  2: { order: 2, nodes: [1 / 2], exponent: (h, [A]) => linearCombination([h], [A!]) },
  4: {
    order: 4,
    nodes: [1 / 2 - Math.sqrt(3) / 6, 1 / 2 + Math.sqrt(3) / 6],
    exponent: (h, [A1, A2], n) =>
      linearCombination(
        [h / 2, h / 2, (-h * h * Math.sqrt(3)) / 12],
        [A1!, A2!, commutator(A1!, A2!, n)],
      ),
  },
  6: {
    order: 6,
    nodes: [1 / 2 - Math.sqrt(15) / 10, 1 / 2, 1 / 2 + Math.sqrt(15) / 10],
    exponent: (h, [A1, A2, A3], n) => {
      const a1 = linearCombination([h], [A2!]);
      const a2 = linearCombination([(h * Math.sqrt(15)) / 3, (-h * Math.sqrt(15)) / 3], [A3!, A1!]);
      const a3 = linearCombination([(10 * h) / 3, (-20 * h) / 3, (10 * h) / 3], [A3!, A2!, A1!]);
      const c1 = commutator(a1, a2, n);
      const c2 = commutator(a1, linearCombination([-2 / 60, -1 / 60], [a3, c1]), n);
      const left = linearCombination([-20, -1, 1], [a1, a3, c1]);
      const right = linearCombination([1, 1], [a2, c2]);
      return linearCombination([1, 1 / 12, 1 / 240], [a1, a3, commutator(left, right, n)]);
    },
  },
};

export interface MagnusOptions {
  /** 4 by default. */
  readonly order?: 2 | 4 | 6;
  /** A number of equal steps in place of steps by tolerance. */
  readonly steps?: number;
  /** Wanted error of each step relative to the size of its propagator; 1e-8 by default. */
  readonly tolerance?: number;
  /** Most steps, accepted or not; 100000 by default. */
  readonly maxSteps?: number;
}

/** A propagator from the start of the interval. */
export interface MagnusSolution {
  readonly times: readonly number[];
  /** Φ(t, start) [n, n]; between the times by one more step, which evaluates A. */
  propagator(t: number): number[][];
  /** Φ(t, start)·x0 */
  solution(x0: ArrayLike<number>): (t: number) => number[];
  /** Calls of A on the way. */
  readonly evaluations: number;
  readonly rejected: number;
}

/**
 * The propagator of ẋ = A(t)x over the interval. Steps by tolerance compare one step with two of half its
 * length and go on with the two.
 */
export function magnus(
  A: (t: number) => MatrixLike,
  interval: readonly [start: number, end: number],
  options: MagnusOptions = {},
): MagnusSolution {
  const { order = 4, steps, tolerance = 1e-8, maxSteps = 100_000 } = options;
  const method = magnusMethods[order];
  const [start, end] = interval;
  if (!Number.isFinite(start) || !Number.isFinite(end) || start === end) {
    throw new ReparamError(
      `magnus: the interval must have two different finite ends, got ${interval}.`,
    );
  }
  const first = A(start);
  const n = first instanceof Float64Array ? Math.round(Math.sqrt(first.length)) : first.length;
  let evaluations = 0;
  const step = (t: number, h: number): Float64Array => {
    const values = method.nodes.map((c) => {
      evaluations++;
      const value = flatten(A(t + c * h), n, n, "magnus: A(t)");
      if (allFinite(value)) return value;
      throw new ReparamError(`magnus: A(t) is not finite at t = ${t + c * h}.`);
    });
    return matrixExponential(method.exponent(h, values, n), n);
  };
  const times = [start];
  const propagators = [identity(n)];
  const accept = (t: number, factor: Float64Array) => {
    times.push(t);
    propagators.push(multiply(factor, propagators.at(-1)!, n, n, n));
  };
  let rejected = 0;
  if (steps !== undefined) {
    const h = (end - start) / steps;
    for (let i = 0; i < steps; i++) accept(start + (i + 1) * h, step(start + i * h, h));
  } else {
    rejected = adapt({ step, accept, interval, n, order, tolerance, maxSteps });
  }
  const spent = evaluations;
  const at = (t: number): Float64Array => {
    const i = times.findLastIndex((time) => (t - time) * Math.sign(end - start) >= 0);
    if (i < 0 || (t - end) * Math.sign(end - start) > 1e-12 * Math.abs(end - start)) {
      throw new ReparamError(`magnus: t = ${t} is outside of the interval ${start} to ${end}.`);
    }
    if (t === times[i]) return propagators[i]!;
    return multiply(step(times[i]!, t - times[i]!), propagators[i]!, n, n, n);
  };
  return {
    times,
    propagator: (t) => toRows(at(t), n),
    solution: (x0) => (t) => Array.from(multiply(at(t), Float64Array.from(x0), n, n, 1)),
    evaluations: spent,
    rejected,
  };
}

interface Adaptive {
  readonly step: (t: number, h: number) => Float64Array;
  readonly accept: (t: number, factor: Float64Array) => void;
  readonly interval: readonly [number, number];
  readonly n: number;
  readonly order: number;
  readonly tolerance: number;
  readonly maxSteps: number;
}

/** Steps of lengths that keep the tolerance; returns how many were rejected. */
function adapt({ step, accept, interval, n, order, tolerance, maxSteps }: Adaptive): number {
  const [start, end] = interval;
  let t = start;
  let h = (end - start) / 16;
  let rejected = 0;
  for (let count = 0; t !== end; count++) {
    if (count >= maxSteps || Math.abs(h) < 16 * Number.EPSILON * Math.abs(t)) {
      throw new ReparamError(
        `magnus: ${count} steps led only to t = ${t} of ${end}, with steps of ${h}. Loosen the tolerance; or A is singular there.`,
      );
    }
    const last = Math.abs(end - t) <= 1.01 * Math.abs(h);
    const length = last ? end - t : h;
    const whole = step(t, length);
    const halves = multiply(step(t + length / 2, length / 2), step(t, length / 2), n, n, n);
    const difference = norm2(linearCombination([1, -1], [whole, halves]));
    const error = difference / ((2 ** order - 1) * norm2(halves) * tolerance);
    const factor = Math.min(4, Math.max(0.2, 0.9 * error ** (-1 / (order + 1))));
    h = length * (Number.isNaN(factor) ? 0.2 : factor);
    if (error <= 1) {
      t = last ? end : t + length;
      accept(t, halves);
    } else rejected++;
  }
  return rejected;
}
