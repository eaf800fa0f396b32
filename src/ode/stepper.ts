import type { Pending, Task } from "./task.ts";

/** ẏ = f(t, y). */
export type RightHandSide<V> = (t: number, y: V) => Pending<V>;

/** The solution within one step, at t + θh for θ in [0, 1]. */
export interface Interpolant<V> {
  value(theta: number): Pending<V>;
  /** Derivative by t. */
  slope(theta: number): Pending<V>;
}

/** What one step came to. */
export interface Attempt<V> {
  readonly y: V;
  /** f at the end of the step. */
  readonly slope: V;
  /** Estimated error in units of the tolerance: at most 1 is good. */
  readonly error: number;
  /** Made for accepted steps only, since it may cost evaluations. */
  interpolant(): Task<Interpolant<V>>;
}

/** A one-step method. */
export interface Stepper<V> {
  /** q, where the estimated error of a step is O(h^{q+1}). */
  readonly errorOrder: number;
  /** A step from (t, y), where f is `slope`, to t + h; undefined where an implicit step has no solution. */
  attempt(t: number, y: V, slope: V, h: number): Task<Attempt<V> | undefined>;
}
