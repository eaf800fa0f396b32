import {
  abs,
  broadcastShapes,
  broadcastTo,
  digamma,
  exp,
  greater,
  incompleteBeta,
  less,
  log,
  log1p,
  logBeta,
  sqrt,
  where,
} from "../ops/index.ts";
import { normal, type Operand, type Value } from "../trace/index.ts";
import { type Distribution, defineDistribution, reparameterized } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { logGammaVariate } from "./gamma-variate.ts";
import { type LocationScaleOptions, locationScaleParameters } from "./location-scale.ts";
import { asValue, dtypeOf, shapeOf, stretched } from "./operand.ts";

/**
 * Student's distribution of location + scale·t, event shape []: with z = (x − location)/scale,
 *   log p(x) = −½ (ν + 1) log(1 + z²/ν) − ½ log ν − log B(ν/2, ½) − log scale.
 */
export interface StudentT extends Distribution {
  readonly name: "StudentT";
}

/** ν above 0, and a location and one form of the scale. */
export type StudentTOptions = { readonly degreesOfFreedom: Operand } & LocationScaleOptions;

/**
 * A normal variable over the root of a gamma variable, whose gradient towards ν is the implicit one. The
 * mean is NaN up to ν = 1, the variance infinite up to 2 and NaN up to 1.
 * @throws ShapeError unless exactly one form of the scale is given, or for known ν or scale ≤ 0.
 */
export function StudentT(options: StudentTOptions): StudentT {
  const { degreesOfFreedom } = options;
  checkParameter("StudentT", "degreesOfFreedom", degreesOfFreedom, "positive");
  const { location, scale } = locationScaleParameters("StudentT", options);
  const both = broadcastShapes("StudentT", shapeOf(location), shapeOf(scale.value()));
  const batchShape = broadcastShapes("StudentT", both, shapeOf(degreesOfFreedom));
  const dtype = dtypeOf(degreesOfFreedom, location, scale.value());
  const df = asValue(degreesOfFreedom, dtype);
  const half = df.mul(0.5);
  const logNormalizer = (): Value =>
    log(df)
      .mul(0.5)
      .add(logBeta(half, half.mul(0).add(0.5)))
      .add(scale.log());
  const whole = (y: Value): Value => broadcastTo(y, batchShape);
  return defineDistribution<StudentT>({
    name: "StudentT",
    batchShape,
    eventShape: [],
    support: "real",
    ...reparameterized(batchShape, (key, shape) => {
      const stretch = log(half)
        .sub(logGammaVariate(key.at("gamma"), shape, half))
        .mul(0.5);
      const t = normal(key.at("normal"), shape, dtype).mul(exp(stretch));
      return t.mul(scale.value()).add(location);
    }),
    logProb: (value) => {
      const z = scale.divide(value.sub(location));
      const tail = logOnePlusSquare(z.div(sqrt(df))).mul(df.add(1).mul(0.5));
      return tail.add(logNormalizer()).neg();
    },
    cdf: (value) => {
      const z = scale.divide(value.sub(location));
      const inner = df.div(df.add(z.square()));
      const tail = incompleteBeta(half, half.mul(0).add(0.5), inner).mul(0.5);
      return where(less(z, 0), tail, tail.neg().add(1));
    },
    entropy: () => {
      const more = df.add(1).mul(0.5);
      return whole(more.mul(digamma(more).sub(digamma(half))).add(logNormalizer()));
    },
    mean: () => {
      const centre = stretched(location, batchShape, dtype);
      return where(greater(df, 1), centre, Number.NaN);
    },
    variance: () => {
      const exists = greater(df, 2);
      const ratio = df
        .div(where(exists, df, 3).sub(2))
        .mul(scale.value())
        .mul(scale.value());
      const missing = where(
        greater(df, 1),
        whole(df.mul(0).add(Number.POSITIVE_INFINITY)),
        Number.NaN,
      );
      return where(exists, whole(ratio), missing);
    },
  });
}

/** log(1 + r²), also where r² overflows. */
function logOnePlusSquare(r: Value): Value {
  const isFar = greater(abs(r), 1e9);
  const far = log(where(isFar, abs(r), 1)).mul(2);
  return where(isFar, far, log1p(where(isFar, 0, r).square()));
}
