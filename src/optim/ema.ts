import { reshape } from "../ops/index.ts";
import type { Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { combineLeaves, flat } from "./optimizer.ts";
import { checkDecay } from "./sgd.ts";

/** An average of parameters over the steps of a training. */
export interface Average {
  /** The parameters themselves. */
  readonly init: (params: Tree<Value>) => Tree<Value>;
  /** The average after a step that led to `params`. */
  readonly update: (average: Tree<Value>, params: Tree<Value>) => Tree<Value>;
}

/** Exponential moving average, a' = decay·a + (1 − decay)·p (Polyak & Juditsky 1992 average uniformly). */
export function ema(decay: number): Average {
  checkDecay("ema", "decay", decay);
  return {
    init: (params) => params,
    update: (average, params) =>
      combineLeaves(average, [params], (a, p) =>
        reshape(
          flat(a)
            .mul(decay)
            .add(flat(p).mul(1 - decay)),
          p.shape,
        ),
      ),
  };
}
