// The two players' programs, and the order in which they run.
import type { Scope } from "../../nn/index.ts";
import { clip, minimum } from "../../ops/index.ts";
import { adam, ema } from "../../optim/index.ts";
import {
  type Batch,
  carryGradient,
  type Metrics,
  movePlayer,
  noGradient,
  type Phase,
  type PhaseProgram,
  type ProgramInputs,
  type ProgramOutputs,
  scalarMetrics,
} from "../../step/index.ts";
import { mapTree, type Tensor, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import {
  type Game,
  type GameOptions,
  gameOf,
  initGame,
  type Optimizers,
  type Scopes,
} from "./game-state.ts";
import { fadeAfter } from "./growing.ts";
import { adamOf, type Options } from "./options.ts";
import { discriminatorTurn, generatorTurn, rowsOf } from "./turns.ts";

type PlayerName = "discriminator" | "generator";

/** What a program does to the state. */
type Move = (given: ProgramInputs, scopes: Scopes) => Moved;

interface Moves {
  readonly discriminator: (penalized: boolean) => Move;
  readonly generator: Move;
  /** Adds the gradient of one batch to a player's sum; buffers stay, and nothing moves. */
  readonly carry: (player: PlayerName, penalized?: boolean) => Move;
}

function movesOf(
  game: GameOptions,
  { generatorOptimizer, discriminatorOptimizer }: Optimizers,
): Moves {
  const { options: o, stage } = game;
  // A fixed decay of 0.999 remembers the first values for thousands of steps; the growing one is TensorFlow's.
  const decay = (step: Value): Value => minimum(step.add(1).div(step.add(10)), o.average);
  const average = o.average === 0 ? undefined : ema(decay);
  /** What a player's step takes over from the batches before, and the sums after it. */
  const carried = (before: Game, player: PlayerName) =>
    before.gradients && { sum: before.gradients[player], batches: o.accumulate };
  const cleared = (before: Game, player: PlayerName): Partial<Game> =>
    before.gradients === undefined
      ? {}
      : { gradients: { ...before.gradients, [player]: noGradient(before[player]) } };

  /** The discriminator's next state and what is logged of it. */
  const discriminator =
    (penalized: boolean): Move =>
    (given, scopes) => {
      const before = gameOf(given.state);
      const turn = discriminatorTurn(game, before, rowsOf(game, before, given), scopes, penalized);
      const moved = movePlayer(before.discriminator, turn.loss, {
        ...{ optimizer: discriminatorOptimizer, scope: scopes.discriminator },
        carried: carried(before, "discriminator"),
      });
      const player = o.clip === 0 ? moved : { ...moved, params: clipped(moved.params, o.clip) };
      const beta = turn.beta === undefined ? {} : { beta: turn.beta };
      return {
        state: { discriminator: player, ...beta, ...cleared(before, "discriminator") },
        metrics: turn.metrics,
      };
    };

  const generator: Move = (given, scopes) => {
    const before = gameOf(given.state);
    const { loss, metrics } = generatorTurn(game, before, rowsOf(game, before, given), scopes);
    const player = movePlayer(before.generator, loss, {
      ...{ optimizer: generatorOptimizer, scope: scopes.generator },
      carried: carried(before, "generator"),
    });
    const averaged =
      average === undefined || before.average === undefined
        ? {}
        : { average: average.update(before.average, player.params, before.step) };
    const faded =
      before.fade === undefined ? {} : { fade: fadeAfter(before.fade, stage.fadeSteps) };
    const state = { generator: player, ...averaged, ...faded, ...cleared(before, "generator") };
    return { state: { ...state, step: before.step.add(1) }, metrics };
  };

  const carry =
    (name: PlayerName, penalized = true): Move =>
    (given, scopes) => {
      const before = gameOf(given.state);
      const reading = {
        discriminator: scopes.discriminator.reading("carry"),
        generator: scopes.generator.reading("carry"),
      };
      const rows = rowsOf(game, before, given);
      const { loss, metrics } =
        name === "generator"
          ? generatorTurn(game, before, rows, reading)
          : discriminatorTurn(game, before, rows, reading, penalized);
      const { gradients } = before as Required<Game>;
      const sum = carryGradient(before[name], loss, gradients[name]);
      return { state: { gradients: { ...gradients, [name]: sum } }, metrics };
    };
  return { discriminator, generator, carry };
}

export function gamePhase(game: GameOptions): Phase {
  const { options: o, stage } = game;
  const settings = adamOf(o);
  const generatorOptimizer = adam(settings);
  const discriminatorOptimizer = adam({
    ...settings,
    learningRate: o.discriminatorLearningRate ?? settings.learningRate,
  });
  const optimizers = { generatorOptimizer, discriminatorOptimizer };
  const lazy = o.penalty !== "none" && o.penaltyEvery > 1;
  return {
    name: stage.name,
    ...(stage.iterations === undefined ? {} : { iterations: stage.iterations }),
    init: (key, previous) => initGame(game, key, optimizers, previous),
    programs: programsOf(game, movesOf(game, optimizers), lazy),
    ...(o.simultaneous ? {} : { iterate: (iteration) => turns(o, lazy, iteration) }),
  };
}

function programsOf(game: GameOptions, moves: Moves, lazy: boolean): Phase["programs"] {
  const { options: o } = game;
  const scopesOf = (scope: Scope): Scopes => ({
    discriminator: scope.beside("discriminator"),
    generator: scope.beside("generator"),
  });

  const program = (move: Move): PhaseProgram => ({
    inputs: { batch: game.data.batch },
    build: (given, scope): ProgramOutputs => {
      const { state, metrics } = move(given, scopesOf(scope));
      return { state: { ...gameOf(given.state), ...state } as Tree<Value>, metrics };
    },
  });
  if (o.simultaneous) {
    return {
      both: program((given, scopes) => {
        const first = moves.discriminator(true)(given, scopes);
        const second = moves.generator(given, {
          generator: scopes.generator.beside("turn"),
          discriminator: scopes.discriminator.reading("turn"),
        });
        return {
          state: { ...first.state, ...second.state },
          metrics: { ...first.metrics, ...second.metrics },
        };
      }),
    };
  }
  const several = o.accumulate > 1;
  return {
    discriminator: program(moves.discriminator(true)),
    ...(lazy ? { unpenalized: program(moves.discriminator(false)) } : {}),
    generator: program(moves.generator),
    ...(several
      ? {
          carryDiscriminator: program(moves.carry("discriminator")),
          carryGenerator: program(moves.carry("generator")),
        }
      : {}),
    ...(several && lazy ? { carryUnpenalized: program(moves.carry("discriminator", false)) } : {}),
  };
}

interface Moved {
  readonly state: Partial<Game>;
  readonly metrics: Readonly<Record<string, Value>>;
}

/** Some steps of the discriminator, then one of the generator on the batches of the last of them. */
async function turns(
  o: Options,
  lazy: boolean,
  { index, next, run }: Parameters<NonNullable<Phase["iterate"]>>[0],
): Promise<Metrics> {
  let batches: Batch[] = [];
  let first: Record<string, Tree<Tensor>> = {};
  /** One step: all batches but the last only add their gradients. */
  const step = async (moves: string, carries: string): Promise<typeof first> => {
    for (const batch of batches.slice(0, -1)) await run(carries, { batch });
    return run(moves, { batch: batches.at(-1) as Batch });
  };
  for (let i = 0; i < o.discriminatorSteps; i++) {
    batches = Array.from({ length: o.accumulate }, () => next());
    const count = index * o.discriminatorSteps + i;
    first =
      lazy && count % o.penaltyEvery !== 0
        ? await step("unpenalized", "carryUnpenalized")
        : await step("discriminator", "carryDiscriminator");
  }
  const second = await step("generator", "carryGenerator");
  return scalarMetrics({
    ...(first.metrics as Record<string, Tensor>),
    ...(second.metrics as Record<string, Tensor>),
  });
}

const clipped = (params: Tree<Value>, most: number): Tree<Value> =>
  mapTree<Value, Value>(params, (leaf) => clip(leaf, -most, most));
