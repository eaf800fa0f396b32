// What a game carries from step to step, how it begins, and what a larger one takes over from the one before.

import type { Scope } from "../../nn/index.ts";
import { constant } from "../../ops/index.ts";
import type { Optimizer } from "../../optim/index.ts";
import { type BatchSpec, initPlayer, noGradient, type Player } from "../../step/index.ts";
import type { Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { type CriticSizes, initCritic } from "./critic.ts";
import { grown } from "./growing.ts";
import type { Stage } from "./networks.ts";
import type { Options } from "./options.ts";

/** State of a game. */
export type Game = {
  readonly discriminator: Player;
  readonly generator: Player;
  /** Moving average of the generator's parameters, where there is one. */
  readonly average?: Tree<Value>;
  /** Weight of the bottleneck's constraint, where there is one. */
  readonly beta?: Value;
  /** Share of the newest layers, where networks grow. */
  readonly fade?: Value;
  /** Sums of gradients of the step that is under way, where a step has several batches. */
  readonly gradients?: { readonly discriminator: Tree<Value>; readonly generator: Tree<Value> };
  /** Steps of the generator so far. */
  readonly step: Value;
};

/** How a batch of data becomes rows, and the classes that the players are told. */
export interface Rows {
  readonly batch: BatchSpec;
  readonly of: (batch: Readonly<Record<string, Value>>) => {
    readonly rows: Value;
    readonly label?: Value;
  };
}

export interface GameOptions {
  readonly options: Options;
  readonly stage: Stage;
  readonly critic: CriticSizes;
  readonly data: Rows;
}

export const gameOf = (state: Tree<Value>): Game => state as unknown as Game;

/** One scope a player: each has buffers of its own. */
export interface Scopes {
  readonly discriminator: Scope;
  readonly generator: Scope;
}

export interface Optimizers {
  readonly generatorOptimizer: Optimizer;
  readonly discriminatorOptimizer: Optimizer;
}

export function initGame(
  { options: o, stage, critic }: GameOptions,
  key: Key,
  optimizers: Optimizers,
  previous: Tree<Value> | undefined,
): Game {
  const { networks, fadeSteps } = stage;
  const generator = initPlayer(
    networks.generator.init(key.at("generator")),
    optimizers.generatorOptimizer,
  );
  const discriminator = initPlayer(
    initCritic(key.at("discriminator"), networks.discriminator, critic),
    optimizers.discriminatorOptimizer,
  );
  const game: Game = {
    discriminator,
    generator,
    ...(o.average === 0 ? {} : { average: generator.params }),
    ...(o.bottleneck === 0 ? {} : { beta: constant(0) }),
    ...(o.accumulate === 1
      ? {}
      : {
          gradients: { discriminator: noGradient(discriminator), generator: noGradient(generator) },
        }),
    step: constant(0),
  };
  const started = previous === undefined ? game : grownGame(game, gameOf(previous));
  return fadeSteps === 0 ? started : { ...started, fade: constant(0) };
}

/** What a larger game takes over from the one before. The optimizers begin anew: their moments are of other losses. */
function grownGame(fresh: Game, before: Game): Game {
  const player = (name: "generator" | "discriminator"): Player => ({
    ...fresh[name],
    params: grown(fresh[name].params, before[name].params),
    buffers: grown(fresh[name].buffers, before[name].buffers),
  });
  return {
    ...fresh,
    ...{ generator: player("generator"), discriminator: player("discriminator") },
    ...(fresh.average && before.average ? { average: grown(fresh.average, before.average) } : {}),
    ...(before.beta === undefined ? {} : { beta: before.beta }),
    step: before.step,
  };
}
