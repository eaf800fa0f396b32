// One copy of every algorithm for arrays of the host and for programs on a device. What a right-hand side or
// a vector space returns may be a value or a promise of one. The algorithms are generators that yield what is
// pending and nothing else: on the host nothing is, so `runNow` drives them at the speed of a plain
// function, and `runAsync` awaits what a device answers.

import { ReparamError } from "../tensor/index.ts";

/** A value, or a promise of one. */
export type Pending<T> = T | PromiseLike<T>;

/** An algorithm that yields promises, is resumed with what they resolve to, and returns T. */
export type Task<T> = Generator<PromiseLike<unknown>, T, unknown>;

/** Whether a value must be waited for; algorithms ask it in loops where a `settle` for each would cost. */
export const isPending = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === "function";

/** The value itself once it is there: `const k = yield* settle(f(t, y))`. */
export function* settle<T>(value: Pending<T>): Task<T> {
  return isPending(value) ? ((yield value) as T) : (value as T);
}

/** Runs a task that never waits. Throws if it does. */
export function runNow<T>(task: Task<T>): T {
  const { done, value } = task.next();
  if (done === true) return value;
  throw new ReparamError("The right-hand side returns promises. Use integrateAsync.");
}

/** Runs a task, awaiting what it yields. */
export async function runAsync<T>(task: Task<T>): Promise<T> {
  let next = task.next();
  while (next.done !== true) {
    let answer: unknown;
    try {
      answer = await next.value;
    } catch (error) {
      next = task.throw(error);
      continue;
    }
    next = task.next(answer);
  }
  return next.value;
}
