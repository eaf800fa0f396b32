import {
  broadcastShapes,
  cast,
  clip,
  greater,
  greaterOrEqual,
  lessOrEqual,
  or,
  sameShape,
  stopGradient,
  where,
} from "../ops/index.ts";
import { formatShape, type Shape, ShapeError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import type { Bijector, Range } from "./bijector.ts";
import {
  type Definition,
  type Distribution,
  defineDistribution,
  logProbAnywhere,
} from "./distribution.ts";
import { isDiscrete, knownNumbers, type Support } from "./domain.ts";
import { sumLast } from "./independent.ts";
import { shapeOf } from "./operand.ts";

/** The distribution of a monotone function of every element of a variable. */
export interface Transformed<Base extends Distribution = Distribution> extends Distribution {
  readonly base: Base;
  readonly bijector: Bijector;
}

/** Where the values of a support begin, as far as it is known. */
function lowestOf(support: Support): number {
  if (typeof support !== "string") return Number(knownNumbers(support.low)?.data[0] ?? Number.NaN);
  return ["positive", "nonNegative", "unitInterval", "simplex"].includes(support)
    ? 0
    : Number.NEGATIVE_INFINITY;
}

function supportOf({ low, high }: Range): Support {
  if (low === undefined) return "real";
  if (high === undefined) return "positive";
  return low === 0 && high === 1 ? "unitInterval" : { low, high };
}

function checkBase(base: Distribution, { name, domain, parameters }: Bijector): void {
  const what = `Transformed by ${name}`;
  if (isDiscrete(base.support) || ["simplex", "logSimplex"].includes(base.support as string)) {
    throw new ShapeError(what, `wants numbers that have a density, got ${base.name}.`);
  }
  if (domain.low !== undefined && !(lowestOf(base.support) >= domain.low)) {
    throw new ShapeError(
      what,
      `wants values above ${domain.low}, which those of ${base.name} are not known to be.`,
    );
  }
  const full: Shape = [...base.batchShape, ...base.eventShape];
  for (const parameter of parameters) {
    if (sameShape(broadcastShapes(what, full, shapeOf(parameter)), full)) continue;
    // one draw would serve several elements
    throw new ShapeError(
      what,
      `a parameter of ${formatShape(shapeOf(parameter))} would repeat the draws of ${base.name} ${formatShape(full)}. Broadcast the base's parameters first.`,
    );
  }
}

/** Of elements y, which lie at the ends of an open interval or outside of it; undefined if none can. */
function outsideOf({ low, high }: Range, y: Value): Value | undefined {
  if (low === undefined) return undefined;
  const below = lessOrEqual(y, low);
  return high === undefined ? below : or(below, greaterOrEqual(y, high));
}

/** log p(inverse(y)) − log |dy/dx|, and −∞ where an element of the event is not in the range. */
function logProbOf(base: Distribution, bijector: Bijector, value: Value): Value {
  const { range } = bijector;
  const axes = base.eventShape.length;
  const outside = outsideOf(range, value);
  const middle = ((range.low ?? 0) + (range.high ?? 2)) / 2;
  const x = bijector.inverse(outside === undefined ? value : where(outside, middle, value));
  const logJacobian = sumLast(bijector.logAbsDetJacobian(x), axes);
  const density = logProbAnywhere(base)(x).sub(logJacobian);
  if (outside === undefined) return density;
  const misses = sumLast(cast(outside, value.dtype), axes);
  return where(greater(misses, 0), Number.NEGATIVE_INFINITY, density);
}

/** The probability of values up to y from that of values up to x, or its inverse. */
const oriented = ({ increasing }: Bijector, probability: Value): Value => {
  if (increasing === true) return probability;
  const complement = probability.neg().add(1);
  return increasing === false ? complement : where(increasing, probability, complement);
};

/** All members but the name; the entropy is that of x plus E[log |dy/dx|]. */
export function transformed<Base extends Distribution>(
  base: Base,
  bijector: Bijector,
): Omit<Definition<Transformed<Base>>, "name"> {
  checkBase(base, bijector);
  const { meanLogJacobian, mean, variance, range } = bijector;
  const axes = base.eventShape.length;
  const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = range;
  return {
    base,
    bijector,
    batchShape: base.batchShape,
    eventShape: base.eventShape,
    support: supportOf(range),
    pathwise: base.pathwise,
    sample: (key, shape) => stopGradient(bijector.forward(base.sample(key, shape))),
    pathwiseSample: (key, shape) => bijector.forward(base.pathwiseSample(key, shape)),
    logProb: (value) => logProbOf(base, bijector, value),
    cdf: (value) => oriented(bijector, base.cdf(bijector.inverse(clip(value, low, high)))),
    icdf: (p) => bijector.forward(base.icdf(oriented(bijector, p))),
    ...(meanLogJacobian && {
      entropy: () => base.entropy().add(sumLast(meanLogJacobian(base), axes)),
    }),
    ...(mean && { mean: () => mean(base) }),
    ...(variance && { variance: () => variance(base) }),
  };
}

/**
 * The distribution of y = bijector(x) for x of the base:
 *   log p(y) = log p(x) − Σ log |dy/dx|, x = inverse(y), summed over the elements of an event.
 * It has a pathwise sample, a cdf and its inverse where the base has them.
 * @throws ShapeError for a discrete base, one whose values may lie outside of the bijector's domain, and
 * parameters of the bijector that are larger than the base.
 */
export const Transformed = <Base extends Distribution>(
  base: Base,
  bijector: Bijector,
): Transformed<Base> =>
  defineDistribution<Transformed>({
    ...transformed(base, bijector),
    name: `Transformed(${base.name})`,
  }) as Transformed<Base>;

export const isTransformed = (p: Distribution): p is Transformed => "base" in p && "bijector" in p;
