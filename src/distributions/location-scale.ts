import {
  broadcastShapes,
  clip,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  or,
  where,
} from "../ops/index.ts";
import type { DType, Shape } from "../tensor/index.ts";
import { type Key, type Operand, uniform, type Value } from "../trace/index.ts";
import { type Definition, type Distribution, divergent, reparameterized } from "./distribution.ts";
import { checkParameter, type Support } from "./domain.ts";
import { dtypeOf, plus, shapeOf, stretched, times } from "./operand.ts";
import { type Scale, type ScaleOptions, scaleOf } from "./scale.ts";

/**
 * A family at location 0 and scale 1. The family is x = location + scale·z:
 *   log p(x) = log p₁((x − location)/scale) − log scale.
 */
export interface StandardForm {
  /** Where z lies. */
  readonly support: "real" | "nonNegative" | "unitInterval";
  readonly logDensity: (z: Value) => Value;
  readonly cdf: (z: Value) => Value;
  readonly icdf: (probability: Value) => Value;
  /** Draws of z; the inverse cdf of uniform numbers when absent. */
  readonly noise?: (key: Key, shape: Shape, dtype: DType) => Value;
  readonly entropy: number;
  /** Absent where their integrals diverge. */
  readonly mean?: number;
  readonly variance?: number;
}

/** Numbers or values that broadcast. */
export type LocationScaleOptions = { readonly location: Operand } & ScaleOptions;

export interface LocationScaleParameters {
  readonly location: Operand;
  readonly scale: Scale;
}

/** The parameters of a family that is given by location and scale. */
export function locationScaleParameters(
  name: string,
  options: LocationScaleOptions,
): LocationScaleParameters {
  checkParameter(name, "location", options.location, "real");
  return { location: options.location, scale: scaleOf(name, options) };
}

/** log p₁(z), and −∞ outside of the support, where the gradient is 0 and not undefined. */
function logDensityOf({ support, logDensity }: StandardForm, z: Value, logScale: Operand): Value {
  if (support === "real") return logDensity(z).sub(logScale);
  // by what is outside, so that NaN stays NaN
  const below = less(z, 0);
  const outside = support === "nonNegative" ? below : or(below, greater(z, 1));
  const inside = logDensity(where(outside, 0.5, z)).sub(logScale);
  return where(outside, Number.NEGATIVE_INFINITY, inside);
}

const clipped = (support: StandardForm["support"], z: Value): Value =>
  support === "real" ? z : clip(z, 0, support === "unitInterval" ? 1 : Number.POSITIVE_INFINITY);

/** A quantile function that is given between 0 and 1, with the ends −∞ and ∞. */
export function withInfiniteEnds(quantile: (p: Value) => Value, p: Value): Value {
  const [lower, upper] = [lessOrEqual(p, 0), greaterOrEqual(p, 1)];
  const inside = quantile(where(or(lower, upper), 0.5, p));
  const upTo = where(upper, Number.POSITIVE_INFINITY, inside);
  return where(lower, Number.NEGATIVE_INFINITY, upTo);
}

/** All members of a location-scale family but its parameters. */
export function locationScale(
  name: string,
  standard: StandardForm,
  { location, scale }: LocationScaleParameters,
  support: Support = standard.support,
): Definition<Distribution> {
  const batchShape = broadcastShapes(name, shapeOf(location), shapeOf(scale.value()));
  const dtype = dtypeOf(location, scale.value());
  const { icdf, mean, variance } = standard;
  const noise = standard.noise ?? ((key, shape) => icdf(uniform(key, shape, dtype)));
  const standardized = (x: Value): Value => scale.divide(x.sub(location));
  const moved = (z: Value): Value => z.mul(scale.value()).add(location);
  const whole = (x: Operand): Value => stretched(x, batchShape, dtype);
  const missing = (what: string): (() => Value) =>
    divergent(name, what, "Use the location, which is the median.");
  return {
    name,
    batchShape,
    eventShape: [],
    support,
    ...reparameterized(batchShape, (key, shape) => moved(noise(key, shape, dtype))),
    logProb: (value) => logDensityOf(standard, standardized(value), scale.log()),
    cdf: (value) => standard.cdf(clipped(standard.support, standardized(value))),
    icdf: (probability) => moved(icdf(probability)),
    entropy: () => whole(plus(scale.log(), standard.entropy)),
    mean:
      mean === undefined
        ? missing("mean")
        : () => whole(plus(location, times(scale.value(), mean))),
    variance:
      variance === undefined
        ? missing("variance")
        : () => whole(times(times(scale.value(), scale.value()), variance)),
  };
}
