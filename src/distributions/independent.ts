import { sum } from "../ops/index.ts";
import { formatShape, ShapeError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import {
  type Distribution,
  defineDistribution,
  knownEvents,
  logProbAnywhere,
} from "./distribution.ts";
import { productEvents } from "./enumeration.ts";

/** A distribution whose last batch axes are axes of one event: log-probabilities are summed over them. */
export interface Independent<Base extends Distribution = Distribution> extends Distribution {
  readonly base: Base;
  /** How many batch axes of the base are axes of an event here. */
  readonly axes: number;
}

/** Sums the last axes of a batch of numbers. */
export function sumLast(x: Value, axes: number): Value {
  if (axes === 0) return x;
  return sum(
    x,
    Array.from({ length: axes }, (_, i) => i - axes),
  );
}

/**
 * @param axes how many of the last batch axes become axes of the event; all of them when absent.
 * @throws ShapeError if the base has fewer batch axes.
 */
export function Independent<Base extends Distribution>(
  base: Base,
  axes: number = base.batchShape.length,
): Independent<Base> {
  const rank = base.batchShape.length;
  if (!Number.isInteger(axes) || axes < 0 || axes > rank) {
    throw new ShapeError(
      "Independent",
      `axes must be 0 … ${rank} for ${base.name} with batch ${formatShape(base.batchShape)}, got ${axes}.`,
    );
  }
  const ownAxes = base.batchShape.slice(rank - axes);
  const events = knownEvents(base);
  return defineDistribution<Independent>({
    name: `Independent(${base.name})`,
    base,
    axes,
    batchShape: base.batchShape.slice(0, rank - axes),
    support: base.support,
    pathwise: base.pathwise,
    sample: base.sample,
    pathwiseSample: base.pathwiseSample,
    mean: base.mean,
    variance: base.variance,
    eventShape: [...ownAxes, ...base.eventShape],
    logProb: (value) => sumLast(logProbAnywhere(base)(value), axes),
    entropy: () => sumLast(base.entropy(), axes),
    events: events && productEvents(events, ownAxes),
  }) as Independent<Base>;
}

export const isIndependent = (p: Distribution): p is Independent => "base" in p && "axes" in p;
