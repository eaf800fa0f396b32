// The reduced system over one panel of time, by Chebyshev series: A is needed at the nodes only.
import {
  chebyshevCoefficients,
  chebyshevNodes,
  chebyshevValue,
  integrationMatrix,
  logDeterminant,
  luFactor,
  multiply,
  norm2,
} from "../numerics/index.ts";
import {
  collocated,
  collocationFactors,
  forcedPart,
  integralOf,
  scalarLogs,
} from "./collocation.ts";
import type { Sample, SampledSystem } from "./linear-system.ts";
import { complement, type Reduced, reduceByFixed, reduceByNormal } from "./reduction.ts";
import { fromUnits, inUnits } from "./scaling.ts";
import type { State } from "./state.ts";

/** Chebyshev series over a panel of how a `State` moves. */
export interface Panel {
  readonly start: number;
  readonly end: number;
  /** D of x = D x̂, in which the panel is solved. */
  readonly units: Float64Array;
  /** The fixed complement [n, m] of X̂; undefined where v(t) turns with t. */
  readonly W: Float64Array | undefined;
  /** The state at the start, in the basis [X, W] of this panel. */
  readonly initial: State;
  /** Coefficients of z [·, m·m]; of log z where m = 1, since z is positive and may shrink by many orders. */
  readonly z: Float64Array;
  /** Coefficients of c − initial c [·, k·m]. */
  readonly c: Float64Array;
  /** Coefficients of zp [·, m] and of cp − initial cp [·, k]. */
  readonly forced: { readonly z: Float64Array; readonly c: Float64Array } | undefined;
  /** Estimated error relative to the solutions' size. */
  readonly error: number;
  /** How far Liouville's formula is missed, relative to the determinant. */
  readonly liouville: number;
}

export interface PanelInput {
  readonly system: SampledSystem;
  /** At Chebyshev nodes, the panel's ends included, in units. */
  readonly samples: readonly Sample[];
  readonly units: Float64Array;
  readonly W: Float64Array | undefined;
  readonly initial: State;
}

/** Solves the reduced system on a panel; how well is for its `error` to say. */
export function solvePanel({ system, samples, units, W, initial }: PanelInput): Panel {
  const { size: n, known: k } = system;
  const m = n - k;
  const [start, end] = [samples[0]!.t, samples.at(-1)!.t];
  const half = (end - start) / 2;
  const nodes = samples.map((sample) =>
    W === undefined ? reduceByNormal(sample, n) : reduceByFixed(sample, W, n),
  );
  const factors = W !== undefined || system.forced ? collocationFactors(nodes, m, half) : undefined;
  const logs = W === undefined ? scalarLogs(nodes, half, initial.z[0]!) : undefined;
  const values =
    logs === undefined
      ? collocated(factors!, nodes, half, initial.z, m, m)
      : logs.values.map(Math.exp);
  const z = logs?.series ?? chebyshevCoefficients(values, m * m);
  const c = integralOf(nodes, values, ({ T }) => T, { k, m, columns: m, half });
  const forced = system.forced
    ? forcedPart(factors!, nodes, initial.zp, { k, m, half })
    : undefined;
  const scale = leastSize(samples, values, c, initial.c, n, k);
  const lengths = Array.from({ length: k }, (_, i) => largestColumn(samples, n, k, i));
  let error = W === undefined ? scalarTail(z) : largestTail(z, m * m) / scale;
  for (const [i, length] of lengths.entries()) {
    for (let j = 0; j < m; j++) error += (length * tailOf(c, k * m, i * m + j)) / scale;
  }
  if (forced !== undefined) error += forcedError(forced, lengths, m, scale);
  // A complement that nearly lies in span X says little about what is left.
  const degenerate = nodes.some(({ opening }) => opening < 0.1);
  if (degenerate || Number.isNaN(error)) error = Number.POSITIVE_INFINITY;
  const liouville = liouvilleGap(samples, nodes, values, half, n, m);
  return { start, end, units, W, initial, z, c, forced, error, liouville };
}

const largestColumn = (samples: readonly Sample[], n: number, k: number, i: number): number =>
  Math.max(
    ...samples.map(({ X }) => norm2(Float64Array.from({ length: n }, (_, r) => X[r * k + i]!))),
  );

/** The error of the particular solution, relative to its own size or to that of the others. */
function forcedError(
  { z, c }: { z: Float64Array; c: Float64Array },
  lengths: readonly number[],
  m: number,
  scale: number,
): number {
  let error = largestTail(z, m);
  let size = norm2(z);
  for (const [i, length] of lengths.entries()) {
    error += length * tailOf(c, lengths.length, i);
    for (let row = i; row < c.length; row += lengths.length) {
      size = Math.max(size, length * Math.abs(c[row]!));
    }
  }
  return error / Math.max(scale, size);
}

/** Magnitudes of the last three coefficients of one column. */
function tailOf(coefficients: Float64Array, columns: number, column: number): number {
  const size = coefficients.length / columns;
  let tail = 0;
  for (let i = size - 3; i < size; i++) {
    tail = Math.max(tail, Math.abs(coefficients[i * columns + column]!));
  }
  return tail;
}

const largestTail = (coefficients: Float64Array, columns: number): number =>
  Math.max(...Array.from({ length: columns }, (_, c) => tailOf(coefficients, columns, c)));

/** An error of log Y is a relative one of Y; that of rounding a large exponent cannot be helped. */
function scalarTail(logarithm: Float64Array): number {
  const largest = logarithm.reduce((most, c) => Math.max(most, Math.abs(c)), 0);
  return Math.max(0, tailOf(logarithm, 1, 0) - 4e-15 * largest);
}

/** The least Frobenius norm over the nodes of X c + F z, to which errors are relative. */
function leastSize(
  samples: readonly Sample[],
  z: Float64Array,
  series: Float64Array,
  initial: Float64Array,
  n: number,
  k: number,
): number {
  const m = n - k;
  const places = chebyshevNodes(samples.length - 1);
  let least = Number.POSITIVE_INFINITY;
  for (const [i, { X }] of samples.entries()) {
    const moved = k === 0 ? initial : chebyshevValue(series, places[i]!, k * m);
    const c = initial.map((x, a) => x + moved[a]!);
    const outside = norm2(z.subarray(i * m * m, (i + 1) * m * m));
    // F z is orthogonal to X c for the normal, and as long as z for any orthonormal F.
    least = Math.min(least, Math.hypot(norm2(multiply(X, c, n, k, m)), outside));
  }
  return least;
}

/** |log det[X F] + log det z − ∫tr A| between the ends of the panel; 0 where rounding hides det z. */
function liouvilleGap(
  samples: readonly Sample[],
  nodes: readonly Reduced[],
  z: Float64Array,
  half: number,
  n: number,
  m: number,
): number {
  const degree = nodes.length - 1;
  const J = integrationMatrix(degree);
  let trace = 0;
  for (const [l, { A }] of samples.entries()) {
    const weight = half * J[degree * (degree + 1) + l]!;
    for (let i = 0; i < n; i++) trace += weight * A[i * n + i]!;
  }
  const before = luFactor(z.subarray(0, m * m), m);
  const after = luFactor(z.subarray(degree * m * m), m);
  if (Math.min(before.pivotRatio, after.pivotRatio) < 1e-6) return 0;
  const volumes = nodes[degree]!.logVolume - nodes[0]!.logVolume;
  const gap = volumes + logDeterminant(after).log - logDeterminant(before).log - trace;
  return Number.isFinite(gap) ? Math.abs(gap) : 0;
}

/** The state at t, in the panel's basis. */
export function stateAt({ start, end, W, initial, z, c, forced }: Panel, t: number): State {
  const x = Math.min(1, Math.max(-1, (2 * t - start - end) / (end - start)));
  const added = (before: Float64Array, series: Float64Array) => {
    if (before.length === 0) return before;
    const moved = chebyshevValue(series, x, before.length);
    return before.map((value, i) => value + moved[i]!);
  };
  const values = chebyshevValue(z, x, initial.z.length);
  return {
    z: W === undefined ? values.map(Math.exp) : values,
    c: added(initial.c, c),
    zp: forced === undefined ? initial.zp : chebyshevValue(forced.z, x, initial.zp.length),
    cp: forced === undefined ? initial.cp : added(initial.cp, forced.c),
  };
}

/** F(t) [n, m], which completes X(t) over this panel. */
export function complementAt({ units, W }: Panel, X: Float64Array): Float64Array {
  const n = units.length;
  return fromUnits(W ?? complement(inUnits(X, units), n, n - 1), units);
}
