// Panels from one end of the interval to the other, as long as their series allow.
import {
  chebyshevCoefficients,
  chebyshevNodes,
  chebyshevTail,
  identity,
  norm2,
} from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { checkResidual, independence, slopesOf } from "./known-solutions.ts";
import type { Sample, SampledSystem } from "./linear-system.ts";
import { complementAt, type Panel, solvePanel, stateAt } from "./panel.ts";
import { complement } from "./reduction.ts";
import { fromUnits, inUnits, sampleInUnits, unitsOf } from "./scaling.ts";
import { type State, turned } from "./state.ts";

export interface MarchOptions {
  /** Wanted error of each panel relative to the solutions' size. */
  readonly tolerance: number;
  /** Largest relative residual of a known solution. */
  readonly residualTolerance: number;
  readonly maxPanels: number;
}

/** What came of one length of panel. */
type Outcome =
  | { readonly panel: Panel; readonly degree: number }
  | { readonly panel?: undefined; readonly largestA: number };

/** The interval in panels. Throws where the panels shrink to nothing: a singularity, or no smoothness. */
export function march(system: SampledSystem, options: MarchOptions): Panel[] {
  const [start, end] = system.interval;
  const panels: Panel[] = [];
  let t = start;
  let length = end - start;
  /** What was too long lately; forgotten by and by. */
  let limit = Number.POSITIVE_INFINITY;
  while (t < end) {
    if (panels.length >= options.maxPanels) {
      throw new ReparamError(
        `generalSolution: ${panels.length} panels led only to t = ${t} of ${end}. Loosen the tolerance, shorten the interval, or raise maxPanels.`,
      );
    }
    const next = end - t <= 1.1 * length ? end : t + length;
    const outcome = attempt(system, t, next, panels.at(-1), options);
    if (outcome.panel !== undefined) {
      panels.push(outcome.panel);
      system.forget(next, next);
      length = Math.max(next - t, Math.min(limit, (next - t) * growth(outcome.degree)));
      limit *= 1.2;
      t = next;
      continue;
    }
    limit = 0.9 * (next - t);
    length = (next - t) / 2;
    system.forget(t, next);
    const least = Math.max(1e-12 * (end - start), 64 * Number.EPSILON * Math.abs(t));
    if (length < least) {
      const last = panels.at(-1);
      const size = last === undefined ? 1 : norm2(stateAt(last, t).z);
      if (size > 1e100) {
        throw new ReparamError(
          `generalSolution: solutions have grown to ${size.toExponential(1)} at t = ${t}, beyond what float64 can follow. Shorten the interval.`,
        );
      }
      throw new ReparamError(
        `generalSolution: the system cannot be resolved near t = ${t}, where A grows to ${outcome.largestA.toExponential(1)}. Is it singular or not smooth there? End the interval before, and begin another behind.`,
      );
    }
  }
  return panels;
}

/** How much longer the next panel may be: what few nodes resolved can be stretched. */
const growth = (degree: number): number => (degree === 16 ? 4 : degree === 32 ? 2 : 1.4);

/** The state at the start of a panel whose complement is `after` there, in its units. */
function initialState(
  system: SampledSystem,
  start: Sample,
  { units, after }: { readonly units: Float64Array; readonly after: Float64Array },
  before: Panel | undefined,
): State {
  const { size: n, known: k } = system;
  const m = n - k;
  if (before === undefined) {
    const zeros = { c: new Float64Array(k * m), zp: new Float64Array(m), cp: new Float64Array(k) };
    const state: State = { z: identity(m), ...zeros };
    // The new solutions begin orthonormal in the units of x, not of this panel.
    return turned(state, {
      X: start.X,
      F: inUnits(complement(fromUnits(start.X, units), n, k), units),
      after,
    });
  }
  const state = stateAt(before, before.end);
  const F = inUnits(complementAt(before, fromUnits(start.X, units)), units);
  return turned(state, { X: start.X, F, after });
}

/** Degrees tried on one panel. A collocation matrix has degree·m rows. */
function degreesFor(m: number): number[] {
  const most = m === 1 ? 128 : m <= 4 ? 64 : m <= 12 ? 32 : 16;
  return [16, 32, 64, 128].filter((degree) => degree <= most);
}

/** Largest error at each degree at which doubling it is worth its evaluations. */
const promising: Readonly<Record<number, number>> = { 16: 1e3, 32: 1e-2, 64: 1e-4 };

function attempt(
  system: SampledSystem,
  start: number,
  end: number,
  before: Panel | undefined,
  { tolerance, residualTolerance }: MarchOptions,
): Outcome {
  const { size: n, known: k } = system;
  const m = n - k;
  let samples: Sample[] = [];
  const seen = new Set<Sample>();
  let clearance = 1;
  let units: Float64Array | undefined;
  for (const degree of degreesFor(m)) {
    samples = samplesOf(system, start, end, degree);
    for (const sample of samples) {
      // Every other node is one of the degree before.
      if (seen.has(sample)) continue;
      seen.add(sample);
      clearance = Math.min(clearance, independence(sample, n, k));
    }
    units ??= unitsOf(samples, n);
    let error = 0;
    if (k > 0) {
      const slopes = slopesOf(samples, n, k);
      error = tailOfColumns(slopes, n, k);
      if (error <= residualTolerance) checkResidual(system, samples, slopes, residualTolerance);
    }
    if (error <= residualTolerance) {
      const panel = solve(system, samples, units, before);
      // Rounding in nearly dependent solutions cannot be resolved away.
      if (panel.error <= Math.max(tolerance, 4e-15 / clearance)) return { panel, degree };
      error = panel.error;
    }
    system.series.offer(samples, 0.1 * tolerance);
    if (!(error <= (promising[degree] ?? 0))) break;
  }
  return { largestA: samples.reduce((largest, { A }) => Math.max(largest, norm2(A)), 0) };
}

function solve(
  system: SampledSystem,
  samples: readonly Sample[],
  units: Float64Array,
  before: Panel | undefined,
): Panel {
  const { size: n, known: k } = system;
  const scaled = samples.map((sample) => sampleInUnits(sample, units));
  const after = complement(scaled[0]!.X, n, k);
  const initial = initialState(system, scaled[0]!, { units, after }, before);
  const W = n - k === 1 ? undefined : after;
  return solvePanel({ system, samples: scaled, units, W, initial });
}

function samplesOf(system: SampledSystem, start: number, end: number, degree: number): Sample[] {
  const middle = (start + end) / 2;
  const half = (end - start) / 2;
  return Array.from(chebyshevNodes(degree), (x, i) =>
    system.sample(i === 0 ? start : i === degree ? end : middle + half * x),
  );
}

/** The worst relative tail of the k vectors in samples [·, n·k]. */
function tailOfColumns(values: Float64Array, n: number, k: number): number {
  const width = n * k;
  const count = values.length / width;
  let worst = 0;
  for (let j = 0; j < k; j++) {
    const column = new Float64Array(count * n);
    for (let s = 0; s < count; s++) {
      for (let i = 0; i < n; i++) column[s * n + i] = values[s * width + i * k + j]!;
    }
    worst = Math.max(worst, chebyshevTail(chebyshevCoefficients(column, n), n));
  }
  return worst;
}
