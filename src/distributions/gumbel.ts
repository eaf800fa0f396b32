import { exp, log } from "../ops/index.ts";
import { type Distribution, defineDistribution } from "./distribution.ts";
import {
  type LocationScaleOptions,
  type LocationScaleParameters,
  locationScale,
  locationScaleParameters,
  type StandardForm,
} from "./location-scale.ts";
import { gumbel } from "./noise.ts";

/** Euler's constant γ. */
export const EULER = 0.5772156649015329;

/** The distribution of maxima, event shape []: cdf(x) = exp(−exp(−(x − location)/scale)). */
export interface Gumbel extends Distribution {
  readonly name: "Gumbel";
  readonly parameters: LocationScaleParameters;
}

const standard: StandardForm = {
  support: "real",
  noise: gumbel,
  logDensity: (z) => z.add(exp(z.neg())).neg(),
  cdf: (z) => exp(exp(z.neg()).neg()),
  icdf: (p) => log(log(p).neg()).neg(),
  entropy: 1 + EULER,
  mean: EULER,
  variance: Math.PI ** 2 / 6,
};

/** @throws ShapeError unless exactly one of scale and logScale is given, or for a known scale ≤ 0. */
export function Gumbel(options: LocationScaleOptions): Gumbel {
  const parameters = locationScaleParameters("Gumbel", options);
  return defineDistribution<Gumbel>({
    ...locationScale("Gumbel", standard, parameters),
    name: "Gumbel",
    parameters,
  });
}
