import { ReparamError } from "../tensor/index.ts";
import type { EventHit } from "./events.ts";
import type { Interpolant } from "./stepper.ts";
import type { Pending } from "./task.ts";

/** A solution of an initial value problem, from the start to where it ended. */
export interface Path<V> {
  /** Start, ends of accepted steps. */
  readonly times: readonly number[];
  /** States at `times`. */
  readonly states: readonly V[];
  readonly events: readonly EventHit<V>[];
  /** Whether a terminal event ended it before the end of the interval. */
  readonly stopped: boolean;
  readonly counts: StepCounts;
}

export interface StepCounts {
  /** Calls of the right-hand side, those of dense output included. */
  readonly evaluations: number;
  readonly accepted: number;
  readonly rejected: number;
}

/** A path on the host with dense output. */
export interface Trajectory<V> extends Path<V> {
  /** The solution at t; throws outside of the times. */
  at(t: number): V;
  /** Its derivative, of the interpolant. */
  derivative(t: number): V;
}

/** A path whose dense output answers later. */
export interface AsyncTrajectory<V> extends Path<V> {
  at(t: number): Promise<V>;
  derivative(t: number): Promise<V>;
}

/** One accepted step. */
export interface Segment<V> {
  readonly t: number;
  readonly h: number;
  readonly interpolant: Interpolant<V> | undefined;
}

/** The segment that holds t and the place θ of t in it. */
function locate<V>(segments: readonly Segment<V>[], end: number, t: number) {
  const start = segments[0]?.t ?? end;
  const low = Math.min(start, end);
  const high = Math.max(start, end);
  if (!(t >= low && t <= high)) {
    throw new ReparamError(`trajectory: t = ${t} is outside of [${low}, ${high}].`);
  }
  const direction = Math.sign(end - start);
  let [from, to] = [0, segments.length - 1];
  while (from < to) {
    const middle = (from + to + 1) >> 1;
    if ((t - segments[middle]!.t) * direction >= 0) from = middle;
    else to = middle - 1;
  }
  const segment = segments[from]!;
  if (segment.interpolant === undefined) {
    throw new ReparamError("trajectory: made with dense: false. Leave that out to ask for t.");
  }
  const theta = Math.min(1, Math.max(0, (t - segment.t) / segment.h));
  return { interpolant: segment.interpolant, theta };
}

/** The dense output of segments that end at `end`. */
export function denseOutput<V>(segments: readonly Segment<V>[], end: number) {
  const part = (t: number, which: "value" | "slope"): Pending<V> => {
    const { interpolant, theta } = locate(segments, end, t);
    return interpolant[which](theta);
  };
  return {
    at: (t: number) => part(t, "value"),
    derivative: (t: number) => part(t, "slope"),
  };
}
