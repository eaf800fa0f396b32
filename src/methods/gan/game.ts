// The two players' programs, and the order in which they run.
import type { Scope } from "../../nn/index.ts";
import { assemble } from "../../nn/index.ts";
import { clip, constant, exp, maximum, mean, stopGradient } from "../../ops/index.ts";
import { adam, ema } from "../../optim/index.ts";
import {
  type BatchSpec,
  initPlayer,
  type Metrics,
  movePlayer,
  type Phase,
  type PhaseProgram,
  type Player,
  type ProgramInputs,
  type ProgramOutputs,
  scalarMetrics,
} from "../../step/index.ts";
import { mapTree, type Tensor, type Tree } from "../../tensor/index.ts";
import { type Key, normal, type Value } from "../../trace/index.ts";
import { augment } from "./augment.ts";
import {
  type Critic,
  type CriticSizes,
  consistency,
  initCritic,
  judge,
  type Verdict,
} from "./critic.ts";
import { fadeAfter, grown } from "./growing.ts";
import { losses, type Pair } from "./losses.ts";
import type { Stage, Told } from "./networks.ts";
import type { Options } from "./options.ts";
import { modifiedOrthogonal } from "./orthogonal.ts";
import { penalties } from "./penalties.ts";

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

const gameOf = (state: Tree<Value>): Game => state as unknown as Game;

/** One scope a player: each has buffers of its own. */
interface Scopes {
  readonly discriminator: Scope;
  readonly generator: Scope;
}

export function gamePhase(game: GameOptions): Phase {
  const { options: o, stage } = game;
  const generatorOptimizer = adam({ learningRate: o.learningRate, beta1: o.beta1, beta2: o.beta2 });
  const discriminatorOptimizer = adam({
    ...{ beta1: o.beta1, beta2: o.beta2 },
    learningRate: o.discriminatorLearningRate ?? o.learningRate,
  });
  const average = o.average === 0 ? undefined : ema(o.average);
  const scopesOf = (scope: Scope): Scopes => ({
    discriminator: scope.beside("discriminator"),
    generator: scope.beside("generator"),
  });

  /** The discriminator's next state and what is logged of it. */
  const moveDiscriminator = (given: ProgramInputs, scopes: Scopes, penalized: boolean): Moved => {
    const before = gameOf(given.state);
    const turn = discriminatorTurn(game, before, rowsOf(game, before, given), scopes, penalized);
    const { discriminator: scope } = scopes;
    const moved = movePlayer(before.discriminator, turn.loss, {
      optimizer: discriminatorOptimizer,
      scope,
    });
    const discriminator =
      o.clip === 0 ? moved : { ...moved, params: clipped(moved.params, o.clip) };
    return {
      state: { discriminator, ...(turn.beta === undefined ? {} : { beta: turn.beta }) },
      metrics: turn.metrics,
    };
  };

  const moveGenerator = (given: ProgramInputs, scopes: Scopes): Moved => {
    const before = gameOf(given.state);
    const { loss, metrics } = generatorTurn(game, before, rowsOf(game, before, given), scopes);
    const { generator: scope } = scopes;
    const generator = movePlayer(before.generator, loss, { optimizer: generatorOptimizer, scope });
    const averaged =
      average === undefined || before.average === undefined
        ? {}
        : { average: average.update(before.average, generator.params) };
    const faded =
      before.fade === undefined ? {} : { fade: fadeAfter(before.fade, stage.fadeSteps) };
    return { state: { generator, ...averaged, ...faded, step: before.step.add(1) }, metrics };
  };

  const program = (move: (given: ProgramInputs, scopes: Scopes) => Moved): PhaseProgram => ({
    inputs: { batch: game.data.batch },
    build: (given, scope): ProgramOutputs => {
      const { state, metrics } = move(given, scopesOf(scope));
      return { state: { ...gameOf(given.state), ...state } as Tree<Value>, metrics };
    },
  });
  const lazy = o.penalty !== "none" && o.penaltyEvery > 1;
  return {
    name: stage.name,
    ...(stage.iterations === undefined ? {} : { iterations: stage.iterations }),
    init: (key, previous) =>
      initGame(game, key, { generatorOptimizer, discriminatorOptimizer }, previous),
    programs: o.simultaneous
      ? {
          both: program((given, scopes) => {
            const first = moveDiscriminator(given, scopes, true);
            const second = moveGenerator(given, {
              generator: scopes.generator.beside("turn"),
              discriminator: scopes.discriminator.reading("turn"),
            });
            return {
              state: { ...first.state, ...second.state },
              metrics: { ...first.metrics, ...second.metrics },
            };
          }),
        }
      : {
          discriminator: program((given, scopes) => moveDiscriminator(given, scopes, true)),
          ...(lazy
            ? { unpenalized: program((given, scopes) => moveDiscriminator(given, scopes, false)) }
            : {}),
          generator: program(moveGenerator),
        },
    ...(o.simultaneous ? {} : { iterate: (iteration) => turns(o, lazy, iteration) }),
  };
}

interface Moved {
  readonly state: Partial<Game>;
  readonly metrics: Readonly<Record<string, Value>>;
}

/** Some steps of the discriminator, then one of the generator on the last of their batches. */
async function turns(
  o: Options,
  lazy: boolean,
  { index, next, run }: Parameters<NonNullable<Phase["iterate"]>>[0],
): Promise<Metrics> {
  let batch = next();
  let first: Record<string, Tree<Tensor>> = {};
  for (let i = 0; i < o.discriminatorSteps; i++) {
    if (i > 0) batch = next();
    const count = index * o.discriminatorSteps + i;
    const name = lazy && count % o.penaltyEvery !== 0 ? "unpenalized" : "discriminator";
    first = await run(name, { batch });
  }
  const second = await run("generator", { batch });
  return scalarMetrics({
    ...(first.metrics as Record<string, Tensor>),
    ...(second.metrics as Record<string, Tensor>),
  });
}

function initGame(
  { options: o, stage, critic }: GameOptions,
  key: Key,
  optimizers: Readonly<
    Record<"generatorOptimizer" | "discriminatorOptimizer", ReturnType<typeof adam>>
  >,
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

/** A batch as the networks see it. */
type Given = Told & { readonly rows: Value };

function rowsOf({ data, stage }: GameOptions, { fade }: Game, { batch }: ProgramInputs): Given {
  const { rows, label } = data.of(batch as Readonly<Record<string, Value>>);
  return { rows: stage.networks.view?.(rows, fade) ?? rows, label, fade };
}

const clipped = (params: Tree<Value>, most: number): Tree<Value> =>
  mapTree<Value, Value>(params, (leaf) => clip(leaf, -most, most));

/** Rows of the generator for latents that are drawn here. */
function draw(
  { stage, options }: GameOptions,
  { generator }: Game,
  data: Given,
  scope: Scope,
): Value {
  const z = normal(scope.key.at("latent"), [data.rows.size(0), options.latents]);
  return stage.networks.generator.rows(assemble(generator), z, scope.at("rows"), data);
}

function discriminatorTurn(
  game: GameOptions,
  state: Game,
  data: Given,
  { discriminator: scope, generator }: Scopes,
  penalized: boolean,
): { loss: Value; metrics: Record<string, Value>; beta?: Value } {
  const { options: o } = game;
  const { discriminator: network } = game.stage.networks;
  const critic = assemble<Critic>(state.discriminator);
  const seen = (x: Value, name: string): Value => augment(o.augment, x, scope.key.at(name));
  const see = (x: Value, at: Scope): Verdict => judge(critic, network, x, at, data);
  const rows: Pair = {
    real: seen(data.rows, "augmentReal"),
    fake: seen(stopGradient(draw(game, state, data, generator.reading("rows"))), "augmentFake"),
  };
  // The pass on real rows stores what buffers there are.
  const [real, fake] = [see(rows.real, scope.at("real")), see(rows.fake, scope.reading("fake"))];
  const outputs: Pair = { real: real.output, fake: fake.output };
  const objective = losses[o.loss].discriminator(outputs, rows);
  const metrics: Record<string, Value> = { discriminator: objective };
  let loss = objective;
  if (o.penalty !== "none" && penalized) {
    const penalty = penalties[o.penalty];
    const value = penalty.of({
      ...{ rows, outputs, key: scope.key.at("penalty") },
      output: (x, pass) => see(x, scope.reading(pass)).output,
      features: (x, pass) => see(x, scope.reading(pass)).features,
    });
    metrics.penalty = value;
    const weight = (o.penaltyWeight ?? penalty.weight) * o.penaltyEvery;
    loss = loss.add(
      value
        .mul(weight)
        .mul(o.penaltyDecay === 1 ? 1 : exp(state.step.mul(Math.log(o.penaltyDecay)))),
    );
  }
  if (o.consistency > 0) {
    const moved = augment("translation", data.rows, scope.key.at("consistency"));
    const term = consistency(real.output, see(moved, scope.reading("consistency")).output);
    metrics.consistency = term;
    loss = loss.add(term.mul(o.consistency));
  }
  if (state.beta === undefined || real.information === undefined) return { loss, metrics };
  const information = mean(real.information)
    .add(mean(fake.information as Value))
    .mul(0.5);
  const excess = information.sub(o.informationBound);
  metrics.information = information;
  const beta = maximum(state.beta.add(stopGradient(excess).mul(o.informationStep)), 0);
  return { loss: loss.add(excess.mul(state.beta)), metrics, beta };
}

function generatorTurn(
  game: GameOptions,
  state: Game,
  data: Given,
  { discriminator: scope, generator }: Scopes,
): { loss: Value; metrics: Record<string, Value> } {
  const { options: o } = game;
  const { discriminator: network } = game.stage.networks;
  const critic = assemble<Critic>(state.discriminator);
  const loss = losses[o.loss];
  const see = (x: Value, name: string): Value =>
    judge(
      critic,
      network,
      augment(o.augment, x, scope.key.at(`augment.${name}`)),
      scope.reading(name),
      data,
    ).output;
  const fake = see(draw(game, state, data, generator), "generated");
  const real = loss.pairs ? see(data.rows, "given") : fake;
  const objective = loss.generator({ real, fake });
  const metrics = { generator: objective };
  const orthogonality = o.orthogonal > 0 ? modifiedOrthogonal(state.generator.params) : undefined;
  if (orthogonality === undefined) return { loss: objective, metrics };
  return {
    loss: objective.add(orthogonality.mul(o.orthogonal)),
    metrics: { ...metrics, orthogonality } as Record<string, Value>,
  };
}
