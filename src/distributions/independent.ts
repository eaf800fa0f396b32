import { sum } from "../ops/index.ts";
import { formatShape, ReparamError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { checkValue, type Distribution } from "./distribution.ts";

/** A distribution whose last batch axes are axes of one event: log-probabilities are summed over them. */
export interface Independent<Base extends Distribution = Distribution> extends Distribution {
  readonly base: Base;
  /** How many batch axes of the base are axes of an event here. */
  readonly axes: number;
}

/** Sums the last axes of a batch of numbers. */
export const sumLast = (x: Value, axes: number): Value =>
  sum(
    x,
    Array.from({ length: axes }, (_, i) => i - axes),
  );

/**
 * @param axes how many of the last batch axes become axes of the event; all of them when absent.
 * @throws ReparamError if the base has fewer batch axes.
 */
export function Independent<Base extends Distribution>(
  base: Base,
  axes: number = base.batchShape.length,
): Independent<Base> {
  const rank = base.batchShape.length;
  if (!Number.isInteger(axes) || axes < 0 || axes > rank) {
    throw new ReparamError(
      `Independent: axes must be 0 … ${rank} for ${base.name} with batch ${formatShape(base.batchShape)}, got ${axes}.`,
    );
  }
  const self: Independent<Base> = {
    ...base,
    name: `Independent(${base.name})`,
    base,
    axes,
    batchShape: base.batchShape.slice(0, rank - axes),
    eventShape: [...base.batchShape.slice(rank - axes), ...base.eventShape],
    logProb: (value) => {
      checkValue(self, value);
      return sumLast(base.logProb(value), axes);
    },
    entropy: () => sumLast(base.entropy(), axes),
  };
  return self;
}

export const isIndependent = (p: Distribution): p is Independent => "base" in p && "axes" in p;
