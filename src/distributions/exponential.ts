import { expm1, log, log1p } from "../ops/index.ts";
import { type Operand, uniform } from "../trace/index.ts";
import { type Distribution, defineDistribution, exactlyOne } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { locationScale, type StandardForm } from "./location-scale.ts";
import { inverseRate, type Scale, scaleFrom } from "./scale.ts";

/** Waiting times of events at a constant rate, event shape []: log p(x) = log rate − rate·x, x ≥ 0. */
export interface Exponential extends Distribution {
  readonly name: "Exponential";
  readonly parameters: { readonly scale: Scale };
}

/** Exactly one of the two, above 0: the rate, or the scale = mean = 1/rate. */
export type ExponentialOptions =
  | { readonly rate: Operand; readonly scale?: never }
  | { readonly scale: Operand; readonly rate?: never };

const standard: StandardForm = {
  support: "nonNegative",
  noise: (key, shape, dtype) => log(uniform(key, shape, dtype)).neg(),
  logDensity: (z) => z.neg(),
  cdf: (z) => expm1(z.neg()).neg(),
  icdf: (p) => log1p(p.neg()).neg(),
  entropy: 1,
  mean: 1,
  variance: 1,
};

/** @throws ShapeError unless exactly one of rate and scale is given, or where it is known and ≤ 0. */
export function Exponential({ rate, scale }: ExponentialOptions): Exponential {
  const [given, x] = exactlyOne("Exponential", { rate, scale });
  checkParameter("Exponential", given, x, "positive");
  const forms = given === "rate" ? inverseRate(x) : scaleFrom(x);
  return defineDistribution<Exponential>({
    ...locationScale("Exponential", standard, { location: 0, scale: forms }),
    name: "Exponential",
    parameters: { scale: forms },
  });
}
