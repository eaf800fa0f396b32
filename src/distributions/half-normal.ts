import { abs, erf, greaterOrEqual, where } from "../ops/index.ts";
import { erfInverse } from "../ops/special/index.ts";
import { normal } from "../trace/index.ts";
import { type Distribution, defineDistribution } from "./distribution.ts";
import { locationScale, type StandardForm } from "./location-scale.ts";
import { type Scale, type ScaleOptions, scaleOf } from "./scale.ts";

/** |x| of a normal variable of mean 0 and this std, event shape []: −½ (x/scale)² − log scale + ½ log 2/π. */
export interface HalfNormal extends Distribution {
  readonly name: "HalfNormal";
  readonly parameters: { readonly scale: Scale };
}

const standard: StandardForm = {
  support: "nonNegative",
  noise: (key, shape, dtype) => abs(normal(key, shape, dtype)),
  logDensity: (z) =>
    z
      .square()
      .mul(-0.5)
      .add(0.5 * Math.log(2 / Math.PI)),
  cdf: (z) => erf(z.mul(Math.SQRT1_2)),
  icdf: (p) => {
    const isEnd = greaterOrEqual(p, 1);
    const inside = erfInverse(where(isEnd, 0.5, p)).mul(Math.SQRT2);
    return where(isEnd, Number.POSITIVE_INFINITY, inside);
  },
  entropy: 0.5 * Math.log((Math.PI * Math.E) / 2),
  mean: Math.sqrt(2 / Math.PI),
  variance: 1 - 2 / Math.PI,
};

/** @throws ShapeError unless exactly one of scale and logScale is given, or for a known scale ≤ 0. */
export function HalfNormal(options: ScaleOptions): HalfNormal {
  const scale = scaleOf("HalfNormal", options);
  return defineDistribution<HalfNormal>({
    ...locationScale("HalfNormal", standard, { location: 0, scale }),
    name: "HalfNormal",
    parameters: { scale },
  });
}
