import {
  broadcastShapes,
  broadcastTo,
  clip,
  exp,
  full,
  greater,
  less,
  log,
  logNormalCdf,
  logSubExp,
  maximum,
  minimum,
  normalQuantileOfLog,
  or,
  where,
} from "../ops/index.ts";
import { ShapeError } from "../tensor/index.ts";
import { type Operand, uniform, type Value } from "../trace/index.ts";
import { type Distribution, defineDistribution, reparameterized } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { withInfiniteEnds } from "./location-scale.ts";
import { asValue, dtypeOf, shapeOf } from "./operand.ts";

const halfLog2Pi = 0.5 * Math.log(2 * Math.PI);

/**
 * A normal variable that is known to lie between low and high, event shape []:
 *   log p(x) = −½ z² − log std − ½ log 2π − log Z,  z = (x − mean)/std,
 * with Z the probability of the interval. `mean` and `std` are those before truncation.
 */
export interface TruncatedNormal extends Distribution {
  readonly name: "TruncatedNormal";
}

/** Numbers or values that broadcast; ends that are numbers may be ∓Infinity. */
export interface TruncatedNormalOptions {
  readonly mean: Operand;
  readonly std: Operand;
  readonly low: Operand;
  readonly high: Operand;
}

/** Ends in standard deviations, mirrored so that most of the interval is in the lower tail. */
interface Interval {
  readonly low: Value;
  readonly high: Value;
  readonly isMirrored: Value;
  /** log Φ of the mirrored ends, and of what lies between. */
  readonly logLow: Value;
  readonly logHigh: Value;
  readonly logMass: Value;
}

/** Beyond a million standard deviations an end is at infinity. */
const farthest = 1e6;

function intervalOf(low: Value, high: Value): Interval {
  const isMirrored = greater(low.add(high), 0);
  const logLow = logNormalCdf(where(isMirrored, high.neg(), low));
  const logHigh = logNormalCdf(where(isMirrored, low.neg(), high));
  return { low, high, isMirrored, logLow, logHigh, logMass: logSubExp(logHigh, logLow) };
}

/** The standardized quantile: mirrored, log Φ(z) = log Φ(high) + log(q + (1 − q)·Φ(low)/Φ(high)). */
function standardQuantile(p: Value, { isMirrored, logLow, logHigh, low, high }: Interval): Value {
  const q = where(isMirrored, p.neg().add(1), p);
  const ratio = exp(logLow.sub(logHigh));
  const inside = log(q.add(q.neg().add(1).mul(ratio))).add(logHigh);
  const z = normalQuantileOfLog(inside);
  return minimum(maximum(where(isMirrored, z.neg(), z), low), high);
}

/** @throws ShapeError for a known std ≤ 0, or known ends of which low is not below high. */
export function TruncatedNormal(options: TruncatedNormalOptions): TruncatedNormal {
  const name = "TruncatedNormal";
  const { low, high } = options;
  checkParameter(name, "mean", options.mean, "real");
  checkParameter(name, "std", options.std, "positive");
  const [from, to] = [low, high].map((x) => (typeof x === "number" ? x : undefined));
  if (
    Number.isNaN(from) ||
    Number.isNaN(to) ||
    (from !== undefined && to !== undefined && from >= to)
  ) {
    throw new ShapeError(name, `low must be below high, got ${low} and ${high}.`);
  }
  const all = [options.mean, options.std, low, high];
  const batchShape = all.map(shapeOf).reduce((a, b) => broadcastShapes(name, a, b));
  const dtype = dtypeOf(...all);
  const [mean, std] = [asValue(options.mean, dtype), asValue(options.std, dtype)];
  const end = (x: Operand): Value => {
    if (typeof x === "number" && !Number.isFinite(x)) {
      return full(batchShape, Math.sign(x) * farthest, dtype);
    }
    const z = asValue(x, dtype).sub(mean).div(std);
    return broadcastTo(clip(z, -farthest, farthest), batchShape);
  };
  const ends = intervalOf(end(low), end(high));
  const { logMass } = ends;
  /** φ/Z at an end, and that times the end. */
  const edge = (z: Value): Value => exp(z.square().mul(-0.5).sub(halfLog2Pi).sub(logMass));
  const [below, above] = [edge(ends.low), edge(ends.high)];
  const skew = (): Value => ends.low.mul(below).sub(ends.high.mul(above));
  const quantile = (p: Value): Value => standardQuantile(p, ends).mul(std).add(mean);
  return defineDistribution<TruncatedNormal>({
    name,
    batchShape,
    eventShape: [],
    support: { low, high },
    ...reparameterized(batchShape, (key, shape) => quantile(uniform(key, shape, dtype))),
    logProb: (value) => {
      const z = value.sub(mean).div(std);
      const inside = z.square().mul(-0.5).sub(log(std)).sub(halfLog2Pi).sub(logMass);
      return where(or(less(value, low), greater(value, high)), Number.NEGATIVE_INFINITY, inside);
    },
    cdf: (value) => {
      const z = minimum(maximum(value.sub(mean).div(std), ends.low), ends.high);
      const mirrored = where(ends.isMirrored, z.neg(), z);
      const part = exp(logSubExp(logNormalCdf(mirrored), ends.logLow).sub(logMass));
      return where(ends.isMirrored, part.neg().add(1), part);
    },
    icdf: (probability) => minimum(maximum(withInfiniteEnds(quantile, probability), low), high),
    entropy: () =>
      logMass
        .add(log(std))
        .add(halfLog2Pi + 0.5)
        .add(skew().mul(0.5)),
    mean: () => mean.add(std.mul(below.sub(above))),
    variance: () => {
      const offset = below.sub(above);
      return std.square().mul(skew().add(1).sub(offset.square()));
    },
  });
}
