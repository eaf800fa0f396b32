// Zeros of functions along a solution.
import type { Interpolant } from "./stepper.ts";
import { type Pending, settle, type Task } from "./task.ts";

/** A function whose zeros along the solution are wanted. */
export interface EventRule<V> {
  readonly value: (t: number, y: V) => Pending<number>;
  /** 1 for zeros where the function rises, −1 where it falls, 0 (the default) for both. */
  readonly direction?: -1 | 0 | 1;
  /** Ends the integration at the first zero; false by default. */
  readonly terminal?: boolean;
}

/** A zero that was found. */
export interface EventHit<V> {
  /** Index of its rule. */
  readonly event: number;
  readonly t: number;
  readonly y: V;
}

interface Step<V> {
  readonly t: number;
  readonly h: number;
  readonly interpolant: Interpolant<V>;
}

/**
 * Zeros within one step, in order, up to the first terminal one. `before` holds the values at its start,
 * `after` at its end; of an even number of zeros of one function in a step none is seen.
 */
export function* eventsWithin<V>(
  rules: readonly EventRule<V>[],
  before: readonly number[],
  after: readonly number[],
  step: Step<V>,
): Task<EventHit<V>[]> {
  const hits: EventHit<V>[] = [];
  for (const [event, rule] of rules.entries()) {
    const [from, to] = [before[event]!, after[event]!];
    // A zero at the very start belongs to the step before.
    if (from === 0 || from * to > 0 || Number.isNaN(from * to)) continue;
    if ((rule.direction ?? 0) * Math.sign(to - from) < 0) continue;
    const theta = yield* zero(rule, from, to, step);
    const y = yield* settle(step.interpolant.value(theta));
    hits.push({ event, t: step.t + theta * step.h, y });
  }
  hits.sort((a, b) => (a.t - b.t) * Math.sign(step.h));
  const last = hits.findIndex(({ event }) => rules[event]!.terminal === true);
  return last < 0 ? hits : hits.slice(0, last + 1);
}

/** θ of a sign change, by the Illinois variant of false position with bisection where it stalls. */
function* zero<V>(rule: EventRule<V>, from: number, to: number, step: Step<V>): Task<number> {
  let [low, high] = [0, 1];
  let [below, above] = [from, to];
  let side = 0;
  for (let i = 0; i < 100 && high - low > 2e-16 * Math.max(1, Math.abs(step.t / step.h)); i++) {
    const secant = low - (below * (high - low)) / (above - below);
    const theta = i % 3 === 2 || !(secant > low && secant < high) ? (low + high) / 2 : secant;
    const y = yield* settle(step.interpolant.value(theta));
    const value = yield* settle(rule.value(step.t + theta * step.h, y));
    if (value === 0) return theta;
    if (value * below > 0) {
      [low, below] = [theta, value];
      if (side === -1) above /= 2;
      side = -1;
    } else {
      [high, above] = [theta, value];
      if (side === 1) below /= 2;
      side = 1;
    }
  }
  return (low + high) / 2;
}
