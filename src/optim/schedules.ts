import { constant as constantValue, cos, exp, maximum, minimum, reciprocal } from "../ops/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { type Operand, Value } from "../trace/index.ts";
import type { Schedule } from "./optimizer.ts";

const valueLike = (x: Operand, step: Value): Value =>
  x instanceof Value ? x : constantValue(x, step.dtype);

function checkPositive(schedule: string, name: string, value: number): void {
  if (!(value > 0)) {
    throw new ReparamError(`${schedule}: ${name} must be positive, got ${value}.`);
  }
}

/** The same value at every step. */
export const constant =
  (value: number): Schedule =>
  (step) =>
    valueLike(value, step);

/**
 * Rises linearly to the value of `then` over `steps` steps, (step + 1)/(steps + 1) of it at each so that the
 * first step counts too, and follows `then` from there, whose steps count from the end of the warm-up.
 */
export function linearWarmup(steps: number, then: number | Schedule): Schedule {
  checkPositive("linearWarmup", "steps", steps);
  return (step) => {
    const share = minimum(step.add(1).mul(1 / (steps + 1)), 1);
    const after = maximum(step.sub(steps), 0);
    return share.mul(typeof then === "number" ? then : then(after));
  };
}

export interface CosineOptions {
  /** Value at step 0. */
  readonly start: number;
  /** Steps until the floor is reached. */
  readonly total: number;
  /** Value from then on; 0 by default. */
  readonly floor?: number;
}

/** floor + (start − floor)·(1 + cos(π·step/total))/2 (Loshchilov & Hutter 2017, eq. 5, no restarts). */
export function cosine({ start, total, floor = 0 }: CosineOptions): Schedule {
  checkPositive("cosine", "total", total);
  return (step) => {
    const share = minimum(step.mul(1 / total), 1);
    const half = (start - floor) / 2;
    return cos(share.mul(Math.PI))
      .mul(half)
      .add(floor + half);
  };
}

export interface ExponentialOptions {
  /** Value at step 0. */
  readonly start: number;
  /** What the value is multiplied by over `every` steps. */
  readonly rate: number;
  /** 1 by default. In between, the value moves smoothly. */
  readonly every?: number;
  /** Never below this; 0 by default. */
  readonly floor?: number;
}

/** max(floor, start·rate^(step/every)). Also for temperatures. */
export function exponential({ start, rate, every = 1, floor = 0 }: ExponentialOptions): Schedule {
  checkPositive("exponential", "rate", rate);
  checkPositive("exponential", "every", every);
  return (step) => {
    const value = exp(step.mul(Math.log(rate) / every)).mul(start);
    return floor === 0 ? value : maximum(value, floor);
  };
}

export interface HalfLifeOptions {
  /** Rows of data after which a weight has halved. */
  readonly rows: number;
  /** Rows of a step. */
  readonly batchSize: number;
  /** The half-life is at most this share of the rows seen so far; 0.05 by default. */
  readonly rampUp?: number;
}

/**
 * Decay of a moving average by its half-life, 2^(−batchSize/min(rows, rampUp·rows so far)): that of Karras, Aittala,
 * Aila, Laine, "Elucidating the design space of diffusion-based generative models" (2022, appendix F.2).
 */
export function halfLife({ rows, batchSize, rampUp = 0.05 }: HalfLifeOptions): Schedule {
  checkPositive("halfLife", "rows", rows);
  checkPositive("halfLife", "batchSize", batchSize);
  checkPositive("halfLife", "rampUp", rampUp);
  return (step) => {
    const soFar = step.add(1).mul(rampUp * batchSize);
    return exp(reciprocal(minimum(soFar, rows)).mul(-Math.LN2 * batchSize));
  };
}
