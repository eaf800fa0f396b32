import { exp, expm1 } from "../ops/index.ts";
import type { Value } from "../trace/index.ts";
import { exp as exponential } from "./bijectors.ts";
import { defineDistribution } from "./distribution.ts";
import { type LocationScaleOptions, locationScaleParameters } from "./location-scale.ts";
import { Normal } from "./normal.ts";
import { times } from "./operand.ts";
import { type Transformed, transformed } from "./transformed.ts";

/** The exponential of a normal variable, event shape []; `base` is that variable. */
export interface LogNormal extends Transformed<Normal> {
  readonly name: "LogNormal";
}

/**
 * @param options location and scale are the mean and the standard deviation of the logarithm.
 * @throws ShapeError unless exactly one of scale and logScale is given, or for a known scale ≤ 0.
 */
export function LogNormal(options: LocationScaleOptions): LogNormal {
  const { location: mean, scale } = locationScaleParameters("LogNormal", options);
  const base =
    options.logScale === undefined
      ? Normal({ mean, std: scale.value() })
      : Normal({ mean, logVariance: times(options.logScale, 2) });
  const ofMean = (): Value => exp(base.mean().add(base.variance().mul(0.5)));
  return defineDistribution<LogNormal>({
    ...transformed(base, exponential),
    name: "LogNormal",
    mean: ofMean,
    variance: () => expm1(base.variance()).mul(ofMean().square()),
  });
}
