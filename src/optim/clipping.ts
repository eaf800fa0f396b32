import { add, clip, div, minimum, reshape, sqrt, sum } from "../ops/index.ts";
import { leaves, ReparamError, type Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { flat, mapLeaves, type Optimizer } from "./optimizer.ts";

function checkLimit(name: string, limit: number): void {
  if (!(limit > 0)) throw new ReparamError(`${name}: the limit must be positive, got ${limit}.`);
}

/** Limits every element of the gradients to ±limit. First in a chain. */
export function clipByValue(limit: number): Optimizer {
  checkLimit("clipByValue", limit);
  return {
    init: () => ({}),
    update: (gradients, state) => ({
      updates: mapLeaves(gradients, (g) => clip(g, -limit, limit)),
      state,
    }),
  };
}

/** √ Σ g² over all leaves, a scalar. Throws if there are none. */
export function globalNorm(tree: Tree<Value>): Value {
  const squares = leaves(tree).map((leaf) => sum(flat(leaf).square()));
  if (squares.length === 0) throw new ReparamError("globalNorm: there are no gradients here.");
  return sqrt(squares.reduce(add));
}

/**
 * Scales the gradients by min(1, limit/(norm + 10⁻⁶)), norm being that of all of them as one vector
 * (Pascanu, Mikolov, Bengio 2013, algorithm 1; the small number is PyTorch's). First in a chain.
 */
export function clipByGlobalNorm(limit: number): Optimizer {
  checkLimit("clipByGlobalNorm", limit);
  return {
    init: () => ({}),
    update: (gradients, state) => {
      const factor = minimum(div(limit, globalNorm(gradients).add(1e-6)), 1);
      const updates = mapLeaves(gradients, (g) => reshape(flat(g).mul(factor), g.shape));
      return { updates, state };
    },
  };
}
