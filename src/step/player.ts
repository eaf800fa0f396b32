import { gradientTree } from "../autodiff/index.ts";
import { type Model, type Scope, type Variables, variablesOf } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { mapTree, type Tree, zipTrees } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { applyUpdate } from "./gradient-step.ts";

/** One of several models that a phase trains, each by an objective of its own. */
export type Player = Variables & { readonly optimizer: Tree<Value> };

export function initPlayer(model: Model, optimizer: Optimizer): Player {
  const variables = variablesOf(model);
  return { ...variables, optimizer: optimizer.init(variables.params) };
}

/** Gradients of batches whose mean is one step. */
export interface CarriedGradient {
  /** Their sum so far. */
  readonly sum: Tree<Value>;
  /** How many they are, the last one included. */
  readonly batches: number;
}

/** A sum of gradients to begin with: zeros like the player's parameters. */
export const noGradient = ({ params }: Pick<Player, "params">): Tree<Value> =>
  mapTree<Value, Value>(params, (leaf) => leaf.mul(0));

/** The sum with the gradient of a player's own loss added. */
export const carryGradient = (player: Player, loss: Value, sum: Tree<Value>): Tree<Value> =>
  zipTrees<Value, Value>(gradientTree(loss, player.params), [sum], ([a, b]) =>
    (a as Value).add(b as Value),
  );

/**
 * A player after one step down the gradient of its own loss, or down the mean of the carried ones and that. `scope` is the
 * one in which this player's updating pass of the step ran: buffers written there are stored.
 */
export function movePlayer(
  player: Player,
  loss: Value,
  {
    optimizer,
    scope,
    carried,
  }: {
    readonly optimizer: Optimizer;
    readonly scope: Scope;
    readonly carried?: CarriedGradient | undefined;
  },
): Player {
  const gradient =
    carried === undefined
      ? gradientTree(loss, player.params)
      : mapTree<Value, Value>(carryGradient(player, loss, carried.sum), (leaf) =>
          leaf.div(carried.batches),
        );
  const moved = applyUpdate(player, gradient, optimizer);
  return { ...moved, buffers: scope.nextBuffers(player.buffers) };
}
