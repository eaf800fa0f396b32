import {
  abs,
  cos,
  customGradient,
  greater,
  less,
  log,
  log1p,
  reciprocal,
  sin,
  sqrt,
  where,
} from "../ops/index.ts";
import type { Value } from "../trace/index.ts";
import { type Distribution, defineDistribution } from "./distribution.ts";
import {
  type LocationScaleOptions,
  type LocationScaleParameters,
  locationScale,
  locationScaleParameters,
  type StandardForm,
} from "./location-scale.ts";

/** Student's t of one degree of freedom, event shape []: p(x) ∝ 1/(1 + ((x − location)/scale)²). */
export interface Cauchy extends Distribution {
  readonly name: "Cauchy";
  readonly parameters: LocationScaleParameters;
}

/**
 * The arc tangent of 0 … 1: three times arctan x = 2 arctan(x/(1 + √(1 + x²))), which leaves at most
 * π/32, then its power series.
 */
function arctangent(x: Value): Value {
  let y = x;
  for (let i = 0; i < 3; i++) y = y.div(sqrt(y.square().add(1)).add(1));
  const square = y.square().neg();
  let series = square.div(17).add(1 / 15);
  for (let n = 13; n >= 1; n -= 2) series = series.mul(square).add(1 / n);
  return y.mul(series).mul(8);
}

/** 1/π arctan z + ½, from the nearer tail, which keeps its digits. */
function cdf(z: Value): Value {
  const a = abs(z);
  const far = greater(a, 1);
  const angle = arctangent(where(far, reciprocal(where(far, a, 1)), a)).div(Math.PI);
  const tail = where(far, angle, angle.neg().add(0.5));
  const probability = where(less(z, 0), tail, tail.neg().add(1));
  return customGradient(probability, [z], (dy) => [dy.div(z.square().add(1).mul(Math.PI))]);
}

const standard: StandardForm = {
  support: "real",
  // log(1 + z²) as log z² + log(1 + 1/z²) for |z| > 1, where z² might overflow
  logDensity: (z) => {
    const far = greater(abs(z), 1);
    const large = where(far, abs(z), 1);
    const small = where(far, reciprocal(large), z);
    return log1p(small.square()).add(log(large).mul(2)).add(Math.log(Math.PI)).neg();
  },
  cdf,
  // −cot πp, by the distance to the nearer end
  icdf: (p) => {
    const lower = less(p, 0.5);
    const angle = where(lower, p, p.neg().add(1)).mul(Math.PI);
    const cotangent = cos(angle).div(sin(angle));
    return where(lower, cotangent.neg(), cotangent);
  },
  entropy: Math.log(4 * Math.PI),
};

/** @throws ShapeError unless exactly one of scale and logScale is given, or for a known scale ≤ 0. */
export function Cauchy(options: LocationScaleOptions): Cauchy {
  const parameters = locationScaleParameters("Cauchy", options);
  return defineDistribution<Cauchy>({
    ...locationScale("Cauchy", standard, parameters),
    name: "Cauchy",
    parameters,
  });
}
