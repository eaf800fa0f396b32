// ẋ = A(t)x + b(t) as it is given: checked values of A, b and the known solutions, each once a time.
import { allFinite, flatten, type MatrixLike } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { type MatrixSeries, matrixSeries } from "./matrix-series.ts";

/** A solution of ẋ = A(t)x: its value, or its value and its derivative, which then is checked too. */
export type KnownSolution =
  | ((t: number) => ArrayLike<number>)
  | {
      readonly value: (t: number) => ArrayLike<number>;
      readonly derivative: (t: number) => ArrayLike<number>;
    };

/** ẋ = A(t)x + b(t), with solutions of ẋ = A(t)x that are known. */
export interface LinearSystem {
  /** [n, n], for t in the interval; smooth there. */
  readonly A: (t: number) => MatrixLike;
  /** Up to n − 1 independent solutions, each of n numbers; none by default. */
  readonly known?: readonly KnownSolution[];
  readonly interval: readonly [start: number, end: number];
  /** b(t), n numbers; zero by default. */
  readonly inhomogeneity?: (t: number) => ArrayLike<number>;
}

/** Everything that is known at one time. */
export interface Sample {
  readonly t: number;
  /** [n, n] */
  readonly A: Float64Array;
  /** [n, k]: a solution a column. */
  readonly X: Float64Array;
  readonly b: Float64Array | undefined;
}

/** A system whose values are checked, kept and counted. */
export interface SampledSystem {
  /** n */
  readonly size: number;
  /** k */
  readonly known: number;
  readonly interval: readonly [start: number, end: number];
  readonly forced: boolean;
  /** A(t) alone. */
  A(t: number): Float64Array;
  /** The known solutions alone, [n, k]. */
  X(t: number): Float64Array;
  /** The derivatives of those solutions that have one; NaN in the columns of others. */
  derivatives(t: number): Float64Array | undefined;
  /** All at t; A by its series where that has been resolved. */
  sample(t: number): Sample;
  readonly series: MatrixSeries;
  /** Forgets the samples outside of [from, to]. */
  forget(from: number, to: number): void;
  counts(): EvaluationCounts;
}

/** How often the functions of a system were called. */
export interface EvaluationCounts {
  readonly A: number;
  /** Times at which the known solutions were asked for. */
  readonly known: number;
}

/** Checks the parts of a system that can be checked at its start, and wraps the rest. */
export function sampledSystem(system: LinearSystem): SampledSystem {
  const { A, known = [], interval, inhomogeneity } = system;
  const [start, end] = interval;
  checkInterval(start, end);
  const first = A(start);
  const size = first instanceof Float64Array ? Math.round(Math.sqrt(first.length)) : first.length;
  if (size === 0) throw new ReparamError("generalSolution: A(t) is empty. Give at least one row.");
  if (known.length >= size) {
    throw new ReparamError(
      `generalSolution: at most ${size - 1} solutions may be known of a system of ${size}, got ${known.length}.`,
    );
  }
  const calls = { A: 0, known: 0 };
  const matrix = (t: number): Float64Array => {
    calls.A++;
    // What told the size serves again.
    const flat = flatten(
      calls.A === 1 && t === start ? first : A(t),
      size,
      size,
      "generalSolution: A(t)",
    );
    if (allFinite(flat)) return flat;
    throw new ReparamError(
      `generalSolution: A(t) is not finite at t = ${t}. End the interval before a singularity.`,
    );
  };
  const columns = (t: number): Float64Array => {
    calls.known++;
    const values = known.map((x) => (typeof x === "function" ? x(t) : x.value(t)));
    return packed(values, size, t);
  };
  const derivatives = (t: number) => derivativesAt(known, size, t);
  const samples = new Map<number, Sample>();
  const series = matrixSeries(size, matrix);
  const sample = (t: number): Sample => {
    let here = samples.get(t);
    if (here === undefined) {
      const b = inhomogeneity === undefined ? undefined : vector(inhomogeneity(t), size, t);
      here = { t, A: series.at(t) ?? matrix(t), X: columns(t), b };
      samples.set(t, here);
    }
    return here;
  };
  const forget = (from: number, to: number) => {
    for (const t of samples.keys()) if (t < from || t > to) samples.delete(t);
  };
  const shape = { size, known: known.length, interval, forced: inhomogeneity !== undefined };
  return {
    ...shape,
    A: matrix,
    X: columns,
    derivatives,
    sample,
    series,
    forget,
    counts: () => ({ ...calls }),
  };
}

function checkInterval(start: number, end: number): void {
  if (!Number.isFinite(start) || !Number.isFinite(end) || !(start < end)) {
    throw new ReparamError(
      `generalSolution: the interval must be two finite times in rising order, got ${start} and ${end}.`,
    );
  }
}

/** The derivatives that were given, NaN in the columns of others; undefined if none was. */
function derivativesAt(known: readonly KnownSolution[], size: number, t: number) {
  const slopes = known.map((x) => (typeof x === "function" ? undefined : x.derivative));
  if (slopes.every((slope) => slope === undefined)) return undefined;
  const values = slopes.map((slope) => slope?.(t) ?? new Float64Array(size).fill(Number.NaN));
  return packed(
    values,
    size,
    t,
    slopes.map((slope) => slope !== undefined),
  );
}

function vector(values: ArrayLike<number>, size: number, t: number): Float64Array {
  if (values.length !== size || !allFinite(values)) {
    throw new ReparamError(
      `generalSolution: the inhomogeneity must be ${size} finite numbers, got [${Array.from(values).join(", ")}] at t = ${t}.`,
    );
  }
  return Float64Array.from(values);
}

/** Vectors as the columns of one matrix. */
function packed(
  vectors: readonly ArrayLike<number>[],
  size: number,
  t: number,
  checked: readonly boolean[] = [],
): Float64Array {
  const k = vectors.length;
  const flat = new Float64Array(size * k);
  for (const [j, values] of vectors.entries()) {
    if (values.length !== size) {
      throw new ReparamError(
        `generalSolution: known[${j}] has ${values.length} components for a system of ${size}, at t = ${t}.`,
      );
    }
    if ((checked[j] ?? true) && !allFinite(values)) {
      throw new ReparamError(`generalSolution: known[${j}] is not finite at t = ${t}.`);
    }
    for (let i = 0; i < size; i++) flat[i * k + j] = values[i]!;
  }
  return flat;
}
