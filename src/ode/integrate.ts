// Initial value problems by one-step methods: steps, their sizes, events and dense output, whatever the
// method and whatever the states are made of.
import { ReparamError } from "../tensor/index.ts";
import { dop853 } from "./dop853.ts";
import { type EventHit, type EventRule, eventsWithin } from "./events.ts";
import { explicitStepper } from "./runge-kutta.ts";
import type { Attempt, Interpolant, RightHandSide, Stepper } from "./stepper.ts";
import type { Tableau } from "./tableau.ts";
import { type Pending, runAsync, runNow, settle, type Task } from "./task.ts";
import {
  type AsyncTrajectory,
  denseOutput,
  type Path,
  type Segment,
  type Trajectory,
} from "./trajectory.ts";
import { arraySpace, fullTolerance, type Tolerance, type VectorSpace } from "./vector-space.ts";

/** How an initial value problem is followed, by any method. */
export interface StepOptions<V> {
  readonly tolerance?: Tolerance;
  readonly events?: readonly EventRule<V>[];
  /** Whether `at` and `derivative` are wanted; true by default. Some methods spend evaluations on it. */
  readonly dense?: boolean;
  /** Length of the first step; estimated by default. */
  readonly firstStep?: number;
  /** Longest step; that of the interval by default. */
  readonly maxStep?: number;
  /** Most steps, accepted or not; 100000 by default. */
  readonly maxSteps?: number;
}

export interface IntegrateOptions<V> extends StepOptions<V> {
  /** DOP853 by default. */
  readonly method?: Tableau;
  /** A number of equal steps, or the times themselves, in place of steps by tolerance. */
  readonly steps?: number | readonly number[];
}

/** ẏ = f(t, y), y(interval[0]) = y0; the interval may run backwards. */
export interface InitialValueProblem<V> {
  readonly f: RightHandSide<V>;
  readonly interval: readonly [start: number, end: number];
  readonly y0: V;
}

/** As an `InitialValueProblem`, where f returns numbers of any kind of array. */
export interface ArrayProblem {
  readonly f: (t: number, y: Float64Array) => ArrayLike<number>;
  readonly interval: readonly [start: number, end: number];
  readonly y0: ArrayLike<number>;
}

/**
 * Follows a system of real equations by an explicit Runge-Kutta method. Throws if the step size falls to
 * rounding (a singularity, or f is not finite) and if `maxSteps` are not enough.
 */
export function integrate(
  problem: ArrayProblem,
  options: IntegrateOptions<Float64Array> = {},
): Trajectory<Float64Array> {
  const { path, segments, end } = runNow(explicit(arrayProblem(problem), arraySpace, options));
  const dense = denseOutput(segments, end);
  return { ...path, ...(dense as Pick<Trajectory<Float64Array>, "at" | "derivative">) };
}

/** The same in another vector space, whose operations and right-hand side may return promises. */
export async function integrateAsync<V>(
  problem: InitialValueProblem<V>,
  space: VectorSpace<V>,
  options: IntegrateOptions<V> = {},
): Promise<AsyncTrajectory<V>> {
  const { path, segments, end } = await runAsync(explicit(problem, space, options));
  const dense = denseOutput(segments, end);
  return {
    ...path,
    at: async (t) => dense.at(t),
    derivative: async (t) => dense.derivative(t),
  };
}

/** Checks the sizes of what f returns, and the start. */
export function arrayProblem({ f, interval, y0 }: ArrayProblem): InitialValueProblem<Float64Array> {
  const start = Float64Array.from(y0);
  const checked = (t: number, y: Float64Array): Float64Array => {
    const slope = f(t, y);
    if (typeof (slope as unknown as PromiseLike<unknown>).then === "function")
      return slope as never;
    if (slope.length !== start.length) {
      throw new ReparamError(
        `integrate: f returned ${slope.length} numbers at t = ${t} for ${start.length} in y0. Return one for each.`,
      );
    }
    return slope instanceof Float64Array ? slope : new Float64Array(slope);
  };
  return { f: checked, interval, y0: start };
}

interface Finished<V> {
  readonly path: Path<V>;
  readonly segments: readonly Segment<V>[];
  readonly end: number;
}

function explicit<V>(
  problem: InitialValueProblem<V>,
  space: VectorSpace<V>,
  options: IntegrateOptions<V>,
): Task<Finished<V>> {
  const { method = dop853, steps } = options;
  const counted = counting(problem.f);
  const tolerance =
    steps === undefined ? fullTolerance(options.tolerance ?? {}, "integrate") : undefined;
  const stepper = explicitStepper(method, counted.f, space, tolerance);
  return follow({ ...problem, f: counted.f }, stepper, {
    ...options,
    space,
    ...(steps === undefined ? {} : { grid: gridOf(problem.interval, steps) }),
    evaluations: counted.count,
  });
}

/** f, and how often it was called. */
export function counting<V>(f: RightHandSide<V>) {
  let count = 0;
  return {
    f: (t: number, y: V): Pending<V> => {
      count++;
      return f(t, y);
    },
    count: () => count,
  };
}

function gridOf([start, end]: readonly [number, number], steps: number | readonly number[]) {
  if (typeof steps === "number") {
    if (!Number.isInteger(steps) || steps < 1) {
      throw new ReparamError(`integrate: steps must be a positive whole number, got ${steps}.`);
    }
    return Array.from({ length: steps }, (_, i) => start + ((end - start) * (i + 1)) / steps);
  }
  const all = [start, ...steps];
  const ordered = all.every((t, i) => i === 0 || (t - all[i - 1]!) * (end - start) > 0);
  if (!ordered || all.at(-1) !== end) {
    throw new ReparamError(
      `integrate: the times of steps must lead from ${start} to ${end} in order, the end included.`,
    );
  }
  return steps;
}

interface FollowOptions<V> extends StepOptions<V> {
  readonly space: VectorSpace<V>;
  /** Ends of steps, where they are fixed. */
  readonly grid?: readonly number[];
  readonly evaluations: () => number;
}

/** The loop over steps of any stepper. */
export function* follow<V>(
  { f, interval, y0 }: InitialValueProblem<V>,
  stepper: Stepper<V>,
  options: FollowOptions<V>,
): Task<Finished<V>> {
  const [start, end] = interval;
  checkInterval(start, end);
  const { events: rules = [], dense = true, grid, maxSteps = 100_000 } = options;
  const direction = Math.sign(end - start);
  const longest = Math.min(Math.abs(options.maxStep ?? end - start), Math.abs(end - start));
  let [t, y] = [start, y0];
  let slope = yield* settle(f(t, y));
  const times = [t];
  const states = [y];
  const segments: Segment<V>[] = [];
  const hits: EventHit<V>[] = [];
  let size =
    grid === undefined ? yield* firstStep({ f, interval, y0 }, slope, stepper, options) : 0;
  let values: readonly number[] = yield* eventValues(rules, t, y);
  let rejected = 0;
  let stopped = false;
  let grow = 10;
  while (t !== end && !stopped) {
    if (segments.length + rejected >= maxSteps) {
      throw new ReparamError(
        `integrate: ${maxSteps} steps led only to t = ${t} of ${end}. Loosen the tolerance, raise maxSteps, or take integrateStiff if the system is stiff.`,
      );
    }
    size = Math.min(size, longest);
    const next: number = grid?.[segments.length] ?? nextTime(t, size, direction, end);
    const h = next - t;
    const step: Attempt<V> | undefined = yield* stepper.attempt(t, y, slope, h);
    if (grid === undefined) {
      const error = step?.error ?? Number.NaN;
      const good = error <= 1;
      size = nextLength(h, error, stepper.errorOrder, grow);
      grow = good ? 10 : 1;
      if (!good) {
        rejected++;
        checkStep(t, size, end);
        continue;
      }
    }
    if (step === undefined) throw new ReparamError(`integrate: no solution of the step at ${t}.`);
    const interpolant: Interpolant<V> | undefined =
      dense || rules.length > 0 ? yield* step.interpolant() : undefined;
    segments.push({ t, h, interpolant });
    const after: readonly number[] = yield* eventValues(rules, next, step.y);
    if (interpolant !== undefined && rules.length > 0) {
      const found = yield* eventsWithin(rules, values, after, { t, h, interpolant });
      hits.push(...found);
      stopped = found.some(({ event }) => rules[event]!.terminal === true);
    }
    values = after;
    const last = hits.at(-1);
    [t, y, slope] = stopped && last ? [last.t, last.y, step.slope] : [next, step.y, step.slope];
    times.push(t);
    states.push(y);
  }
  const counts = { evaluations: options.evaluations(), accepted: segments.length, rejected };
  return { path: { times, states, events: hits, stopped, counts }, segments, end: t };
}

/** The length to try next after an error in units of the tolerance. */
function nextLength(h: number, error: number, order: number, grow: number): number {
  // An error of 0 allows the largest growth; none at all (NaN) wants a far shorter step.
  const factor = 0.9 * error ** (-1 / (order + 1));
  const bounded = Number.isNaN(factor) ? 0.2 : Math.min(grow, Math.max(0.2, factor));
  return Math.abs(h) * (error <= 1 ? bounded : Math.min(bounded, 0.9));
}

function checkInterval(start: number, end: number): void {
  if (Number.isFinite(start) && Number.isFinite(end) && start !== end) return;
  throw new ReparamError(
    `integrate: the interval must have two different finite ends, got ${start} and ${end}.`,
  );
}

/** The end of a step: the end of the interval where less than a tenth of a step would be left. */
const nextTime = (t: number, size: number, direction: number, end: number): number =>
  Math.abs(end - t) <= 1.1 * size ? end : t + direction * size;

function checkStep(t: number, size: number, end: number): void {
  if (size > 16 * Number.EPSILON * Math.max(Math.abs(t), Math.abs(end) * 1e-6)) return;
  throw new ReparamError(
    `integrate: the step size fell to ${size.toExponential(1)} at t = ${t}. The solution has a singularity there, or f is not finite.`,
  );
}

function* eventValues<V>(rules: readonly EventRule<V>[], t: number, y: V): Task<number[]> {
  const values: number[] = [];
  for (const rule of rules) values.push(yield* settle(rule.value(t, y)));
  return values;
}

/** The first step's length: Hairer, Nørsett & Wanner I, II.4, "starting step size". */
function* firstStep<V>(
  { f, interval, y0 }: InitialValueProblem<V>,
  slope: V,
  stepper: Stepper<V>,
  { space, firstStep: given, ...options }: FollowOptions<V>,
): Task<number> {
  const span = interval[1] - interval[0];
  if (given !== undefined) {
    if (!(given > 0)) throw new ReparamError(`integrate: firstStep must be above 0, got ${given}.`);
    return given;
  }
  const tolerance = fullTolerance(options.tolerance ?? {}, "integrate");
  const size = yield* settle(space.scaledNorm(y0, y0, y0, tolerance));
  const speed = yield* settle(space.scaledNorm(slope, y0, y0, tolerance));
  if (!Number.isFinite(speed)) {
    throw new ReparamError(`integrate: f is not finite at the start, t = ${interval[0]}.`);
  }
  const guess = size < 1e-5 || speed < 1e-5 ? 1e-6 : (0.01 * size) / speed;
  const trial = Math.min(guess, Math.abs(span)) * Math.sign(span);
  const point = yield* settle(space.combine([1, trial], [y0, slope]));
  const after = yield* settle(f(interval[0] + trial, point));
  const change = yield* settle(space.combine([1 / trial, -1 / trial], [after, slope]));
  const bend = yield* settle(space.scaledNorm(change, y0, y0, tolerance));
  const fastest = Math.max(speed, bend);
  const wanted =
    fastest <= 1e-15
      ? Math.max(1e-6, Math.abs(trial) * 1e-3)
      : (0.01 / fastest) ** (1 / (stepper.errorOrder + 1));
  const length = Math.min(100 * Math.abs(trial), wanted);
  return Number.isFinite(length) ? length : Math.abs(trial);
}
