import { log, log1p, sigmoid, softplus } from "../ops/index.ts";
import { type Distribution, defineDistribution } from "./distribution.ts";
import {
  type LocationScaleOptions,
  type LocationScaleParameters,
  locationScale,
  locationScaleParameters,
  type StandardForm,
} from "./location-scale.ts";
import { logistic } from "./noise.ts";

/** The log-odds of a uniform probability, event shape []: cdf(x) = sigmoid((x − location)/scale). */
export interface Logistic extends Distribution {
  readonly name: "Logistic";
  readonly parameters: LocationScaleParameters;
}

const standard: StandardForm = {
  support: "real",
  noise: logistic,
  logDensity: (z) => z.sub(softplus(z).mul(2)),
  cdf: sigmoid,
  icdf: (p) => log(p).sub(log1p(p.neg())),
  entropy: 2,
  mean: 0,
  variance: Math.PI ** 2 / 3,
};

/** @throws ShapeError unless exactly one of scale and logScale is given, or for a known scale ≤ 0. */
export function Logistic(options: LocationScaleOptions): Logistic {
  const parameters = locationScaleParameters("Logistic", options);
  return defineDistribution<Logistic>({
    ...locationScale("Logistic", standard, parameters),
    name: "Logistic",
    parameters,
  });
}
