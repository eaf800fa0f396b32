import { assemble, type Scope } from "../../nn/index.ts";
import { mean } from "../../ops/index.ts";
import type { Phase } from "../../step/index.ts";
import type { Tree } from "../../tensor/index.ts";
import { normal, type Value } from "../../trace/index.ts";
import type { Game, Rows } from "./game-state.ts";
import type { Networks } from "./networks.ts";

export interface StandingOptions {
  readonly networks: Networks;
  readonly data: Rows;
  readonly latents: number;
  /** Passes, of one batch each. */
  readonly passes: number;
}

/**
 * Standing statistics: Brock, Donahue, Simonyan (2019), appendix B. The running statistics of batch normalization are
 * those of a generator that went on learning; the averaged generator, which draws the samples, gets its own from passes
 * over new latents. Here they are the running averages of these passes, the last about twenty of which count most.
 */
export function standingPhase({ networks, data, latents, passes }: StandingOptions): Phase {
  const pass = (game: Game, batch: Readonly<Record<string, Value>>, scope: Scope) => {
    const { rows, label } = data.of(batch);
    const averaged = {
      params: game.average ?? game.generator.params,
      buffers: game.generator.buffers,
    };
    const z = normal(scope.key.at("latent"), [rows.size(0), latents]);
    const made = networks.generator.rows(assemble(averaged), z, scope, { label });
    const buffers = scope.nextBuffers(game.generator.buffers);
    const next: Game = { ...game, generator: { ...game.generator, buffers } };
    return { state: next as unknown as Tree<Value>, metrics: { level: mean(made) } };
  };
  return {
    name: "standing-statistics",
    iterations: passes,
    init: (_key, previous) => previous as Tree<Value>,
    programs: {
      pass: {
        inputs: { batch: data.batch },
        build: ({ state, batch }, scope) =>
          pass(state as unknown as Game, batch as Readonly<Record<string, Value>>, scope),
      },
    },
  };
}
