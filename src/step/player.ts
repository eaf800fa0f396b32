import { gradientTree } from "../autodiff/index.ts";
import { type Model, type Scope, type Variables, variablesOf } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import type { Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { applyUpdate } from "./gradient-step.ts";

/** One of several models that a phase trains, each by an objective of its own. */
export type Player = Variables & { readonly optimizer: Tree<Value> };

export function initPlayer(model: Model, optimizer: Optimizer): Player {
  const variables = variablesOf(model);
  return { ...variables, optimizer: optimizer.init(variables.params) };
}

/**
 * A player after one step down the gradient of its own loss. `scope` is the one in which this player's updating pass
 * of the step ran: buffers written there are stored.
 */
export function movePlayer(
  player: Player,
  loss: Value,
  { optimizer, scope }: { readonly optimizer: Optimizer; readonly scope: Scope },
): Player {
  const moved = applyUpdate(player, gradientTree(loss, player.params), optimizer);
  return { ...moved, buffers: scope.nextBuffers(player.buffers) };
}
