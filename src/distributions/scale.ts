import type { Operand, Value } from "../trace/index.ts";
import { exactlyOne } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { expOf, logOf, reciprocalOf, times } from "./operand.ts";

/** A scale in the forms that formulas want, each made on demand from the one that was given. */
export interface Scale {
  readonly value: () => Operand;
  readonly inverse: () => Operand;
  readonly log: () => Operand;
  /** x over the scale. */
  readonly divide: (x: Value) => Value;
}

/** Exactly one of the two: the scale, above 0, or its logarithm, which a network may give as it is. */
export type ScaleOptions =
  | { readonly scale: Operand; readonly logScale?: never }
  | { readonly logScale: Operand; readonly scale?: never };

/** A scale given as it is. */
export const scaleFrom = (scale: Operand): Scale => ({
  value: () => scale,
  inverse: () => reciprocalOf(scale),
  log: () => logOf(scale),
  divide: (x) => x.div(scale),
});

/** 1/rate. */
export const inverseRate = (rate: Operand): Scale => ({
  value: () => reciprocalOf(rate),
  inverse: () => rate,
  log: () => times(logOf(rate), -1),
  divide: (x) => x.mul(rate),
});

/** @throws ShapeError unless exactly one form is given, or for a known scale ≤ 0. */
export function scaleOf(name: string, { scale, logScale }: ScaleOptions): Scale {
  const [given, x] = exactlyOne(name, { scale, logScale });
  checkParameter(name, given, x, given === "scale" ? "positive" : "real");
  if (given === "scale") return scaleFrom(x);
  const inverse = (): Operand => expOf(times(x, -1));
  return { value: () => expOf(x), inverse, log: () => x, divide: (y) => y.mul(inverse()) };
}
