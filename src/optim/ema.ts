import { reshape } from "../ops/index.ts";
import { ReparamError, type Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { combineLeaves, flat, rateAt, type Schedule } from "./optimizer.ts";
import { checkDecay } from "./sgd.ts";

/** An average of parameters over the steps of a training. */
export interface Average {
  /** The parameters themselves. */
  readonly init: (params: Tree<Value>) => Tree<Value>;
  /** The average after a step that led to `params`; `step` is the count of steps before it, for decays that change. */
  readonly update: (average: Tree<Value>, params: Tree<Value>, step?: Value) => Tree<Value>;
}

/**
 * Exponential moving average, a' = decay·a + (1 − decay)·p (Polyak & Juditsky 1992 average uniformly), with a decay of
 * at least 0 and below 1, or one that changes from step to step.
 */
export function ema(decay: number | Schedule): Average {
  if (typeof decay === "number") checkDecay("ema", "decay", decay);
  return {
    init: (params) => params,
    update: (average, params, step) => {
      if (step === undefined && typeof decay !== "number") {
        throw new ReparamError("ema: a decay that changes wants the count of steps as well.");
      }
      const kept = rateAt(decay, step as Value);
      const added = typeof kept === "number" ? 1 - kept : kept.neg().add(1);
      return combineLeaves(average, [params], (a, p) =>
        reshape(flat(a).mul(kept).add(flat(p).mul(added)), p.shape),
      );
    },
  };
}
