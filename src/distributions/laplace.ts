import { abs, exp, less, log, where } from "../ops/index.ts";
import { type Distribution, defineDistribution } from "./distribution.ts";
import {
  type LocationScaleOptions,
  type LocationScaleParameters,
  locationScale,
  locationScaleParameters,
  type StandardForm,
} from "./location-scale.ts";

/** Two exponential tails, event shape []: log p(x) = −|x − location|/scale − log 2 scale. */
export interface Laplace extends Distribution {
  readonly name: "Laplace";
  readonly parameters: LocationScaleParameters;
}

const standard: StandardForm = {
  support: "real",
  logDensity: (z) => abs(z).neg().sub(Math.LN2),
  // from the nearer tail, which keeps its digits
  cdf: (z) => {
    const lower = less(z, 0);
    const tail = exp(where(lower, z, z.neg())).mul(0.5);
    return where(lower, tail, tail.neg().add(1));
  },
  icdf: (p) => {
    const lower = less(p, 0.5);
    const distance = log(where(lower, p, p.neg().add(1)).mul(2));
    return where(lower, distance, distance.neg());
  },
  entropy: 1 + Math.LN2,
  mean: 0,
  variance: 2,
};

/** @throws ShapeError unless exactly one of scale and logScale is given, or for a known scale ≤ 0. */
export function Laplace(options: LocationScaleOptions): Laplace {
  const parameters = locationScaleParameters("Laplace", options);
  return defineDistribution<Laplace>({
    ...locationScale("Laplace", standard, parameters),
    name: "Laplace",
    parameters,
  });
}
