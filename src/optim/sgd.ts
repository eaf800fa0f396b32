import { ReparamError, type Tree } from "../tensor/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import {
  combineLeaves,
  countLike,
  initialCount,
  mapLeaves,
  type Optimizer,
  pack,
  packedZeros,
  rateAt,
  type Schedule,
  unpack,
} from "./optimizer.ts";

export interface SgdOptions {
  readonly learningRate: number | Schedule;
  /** Decay of the velocity; 0 (the default) leaves it out. */
  readonly momentum?: number;
  /** Look ahead along the velocity (Sutskever, Martens, Dahl, Hinton 2013). */
  readonly nesterov?: boolean;
}

type SgdState = { readonly count: Value; readonly velocity?: Tree<Value> };

/** −rate·direction of every leaf, in the shapes of the parameters. */
export const descend = (direction: Tree<Value>, rate: Operand, params: Tree<Value>): Tree<Value> =>
  unpack(
    mapLeaves(direction, (d) => d.mul(typeof rate === "number" ? -rate : rate.neg())),
    params,
  );

/** Throws unless 0 ≤ value < 1. */
export function checkDecay(optimizer: string, name: string, value: number): void {
  if (!(value >= 0 && value < 1)) {
    throw new ReparamError(`${optimizer}: ${name} must be at least 0 and below 1, got ${value}.`);
  }
}

/**
 * Stochastic gradient descent, with velocity as in PyTorch:
 *   b' = momentum·b + g,  p' = p − learningRate·b'  (nesterov: g + momentum·b' in place of b').
 */
export function sgd({ learningRate, momentum = 0, nesterov = false }: SgdOptions): Optimizer {
  checkDecay("sgd", "momentum", momentum);
  if (nesterov && momentum === 0) {
    throw new ReparamError("sgd: nesterov needs a momentum. Set momentum, for example to 0.9.");
  }
  return {
    init: (params) =>
      momentum === 0
        ? { count: initialCount() }
        : { count: initialCount(), velocity: packedZeros(params) },
    update: (gradients, state, params) => {
      const { count, velocity } = state as SgdState;
      const rate = rateAt(learningRate, countLike(count, params));
      const next = { count: count.add(1) };
      const gradient = pack(gradients);
      if (velocity === undefined) return { updates: descend(gradient, rate, params), state: next };
      const moved = combineLeaves(gradient, [velocity], (g, b) => b.mul(momentum).add(g));
      const direction = nesterov
        ? combineLeaves(gradient, [moved], (g, b) => g.add(b.mul(momentum)))
        : moved;
      return { updates: descend(direction, rate, params), state: { ...next, velocity: moved } };
    },
  };
}
