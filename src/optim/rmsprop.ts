import { sqrt } from "../ops/index.ts";
import { ReparamError, type Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import {
  combineLeaves,
  countLike,
  initialCount,
  type Optimizer,
  pack,
  packedZeros,
  rateAt,
  type Schedule,
} from "./optimizer.ts";
import { checkDecay, descend } from "./sgd.ts";

export interface RmspropOptions {
  readonly learningRate: number | Schedule;
  /** Decay of the mean of squared gradients. */
  readonly decay?: number;
  /** Added to the root of that mean. */
  readonly epsilon?: number;
}

type RmspropState = { readonly count: Value; readonly second: Tree<Value> };

/**
 * RMSprop (Tieleman & Hinton 2012), to the numbers of PyTorch's:
 *   v' = decay·v + (1 − decay)·g²,  p' = p − learningRate·g/(√v' + ε).
 * The state holds v/(1 − decay), a plain decayed sum; the factor joins the rate and ε.
 */
export function rmsprop({ learningRate, decay = 0.99, epsilon = 1e-8 }: RmspropOptions): Optimizer {
  checkDecay("rmsprop", "decay", decay);
  if (!(epsilon > 0)) throw new ReparamError(`rmsprop: epsilon must be positive, got ${epsilon}.`);
  const root = Math.sqrt(1 - decay);
  return {
    init: (params) => ({ count: initialCount(), second: packedZeros(params) }),
    update: (gradients, state, params) => {
      const { count, second } = state as RmspropState;
      const rate = rateAt(learningRate, countLike(count, params));
      const stepSize = typeof rate === "number" ? rate / root : rate.div(root);
      const gradient = pack(gradients);
      const next = combineLeaves(gradient, [second], (g, v) => v.mul(decay).add(g.square()));
      const direction = combineLeaves(gradient, [next], (g, v) =>
        g.div(sqrt(v).add(epsilon / root)),
      );
      const updates = descend(direction, stepSize, params);
      return { updates, state: { count: count.add(1), second: next } };
    },
  };
}
