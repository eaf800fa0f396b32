/**
 * Minimisation by limited-memory BFGS: Nocedal, Wright, "Numerical optimization" (2006), algorithms 7.4 and 7.5,
 * with backtracking by Armijo's condition (their algorithm 3.1) and updates only where curvature is positive.
 */
import { ReparamError } from "../tensor/index.ts";

/** A function's value and gradient at a point. */
export interface Evaluated {
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface LbfgsOptions {
  /** At most. 500 by default. */
  readonly iterations?: number;
  /** Ends where no element of the gradient is larger. 1e-6 by default. */
  readonly tolerance?: number;
  /** Pairs of steps and gradient changes that are remembered. 10 by default. */
  readonly memory?: number;
}

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  /** The largest element of the gradient there. */
  readonly gradientSize: number;
  readonly iterations: number;
  /** Whether the tolerance was reached; else the iterations were over or no step led further down. */
  readonly converged: boolean;
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly inverse: number;
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

const plus = (a: Float64Array, b: Float64Array, factor: number): Float64Array<ArrayBuffer> =>
  a.map((v, i) => v + factor * (b[i] as number));

const sizeOf = (gradient: Float64Array): number =>
  gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);

/** The direction −H·gradient by the two loops over remembered pairs. */
function directionOf(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  let q: Float64Array = gradient;
  const factors: number[] = [];
  for (const { step, change, inverse } of pairs.toReversed()) {
    const factor = inverse * dot(step, q);
    factors.push(factor);
    q = plus(q, change, -factor);
  }
  const last = pairs.at(-1);
  const scale =
    last === undefined
      ? 1 / Math.max(1, sizeOf(gradient))
      : 1 / (last.inverse * dot(last.change, last.change));
  let r: Float64Array = q.map((v) => scale * v);
  for (const { step, change, inverse } of pairs) {
    const factor = (factors.pop() as number) - inverse * dot(change, r);
    r = plus(r, step, factor);
  }
  return r.map((v) => -v);
}

/** A minimum of a smooth function, near `start`. @throws ReparamError if the function is not finite there. */
export async function lbfgs(
  evaluate: (point: Float64Array) => Promise<Evaluated>,
  start: Float64Array,
  { iterations = 500, tolerance = 1e-6, memory = 10 }: LbfgsOptions = {},
): Promise<Minimum> {
  let [point, now] = [start, await evaluate(start)];
  if (!Number.isFinite(now.value)) {
    throw new ReparamError(`lbfgs: the function is ${now.value} where it starts.`);
  }
  const pairs: Pair[] = [];
  let done = 0;
  for (; done < iterations && sizeOf(now.gradient) > tolerance; done++) {
    const direction = directionOf(now.gradient, pairs);
    const slope = dot(direction, now.gradient);
    let found: Evaluated | undefined;
    let rate = 1;
    for (let tries = 0; tries < 30 && found === undefined; tries++, rate /= 2) {
      const there = await evaluate(plus(point, direction, rate));
      if (there.value <= now.value + 1e-4 * rate * slope) found = there;
      if (found !== undefined) break;
    }
    if (found === undefined) break;
    const step = direction.map((d) => rate * d);
    const change = plus(found.gradient, now.gradient, -1);
    const curvature = dot(step, change);
    if (curvature > 1e-12 * dot(change, change)) {
      pairs.push({ step, change, inverse: 1 / curvature });
      if (pairs.length > memory) pairs.shift();
    }
    point = plus(point, step, 1);
    now = found;
  }
  const gradientSize = sizeOf(now.gradient);
  const { value } = now;
  return { point, value, gradientSize, iterations: done, converged: gradientSize <= tolerance };
}
