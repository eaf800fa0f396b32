import type { Operand, Value } from "../trace/index.ts";
import type { Distribution } from "./distribution.ts";

/** An open interval; an end that is absent is infinite. */
export interface Range {
  readonly low?: number;
  readonly high?: number;
}

/** A monotone function of every element, y = forward(x). */
export interface Bijector {
  readonly name: string;
  /** Bijectors of one name and equal parameters are the same function. */
  readonly parameters: readonly Operand[];
  /** Where x may lie, and where y then lies. */
  readonly domain: Range;
  readonly range: Range;
  /** Whether y grows with x; a bool value where that is not known while tracing. */
  readonly increasing: boolean | Value;
  readonly forward: (x: Value) => Value;
  readonly inverse: (y: Value) => Value;
  /** log |dy/dx| at x, of the shape of y. */
  readonly logAbsDetJacobian: (x: Value) => Value;
  /** E[log |dy/dx|] for a distribution of x, if that has a closed form. */
  readonly meanLogJacobian?: (base: Distribution) => Value;
  /** Mean and variance of y, if they follow from those of x. */
  readonly mean?: (base: Distribution) => Value;
  readonly variance?: (base: Distribution) => Value;
}

/** Whether both are the same function, as far as names and parameters tell. */
export const sameBijector = (a: Bijector, b: Bijector): boolean =>
  a === b ||
  (a.name === b.name &&
    a.parameters.length === b.parameters.length &&
    a.parameters.every((x, i) => x === b.parameters[i]));
