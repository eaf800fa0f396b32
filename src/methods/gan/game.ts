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
import { losses, type Pair } from "./losses.ts";
import type { Networks } from "./networks.ts";
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
  readonly networks: Networks;
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
  const { options: o } = game;
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
    const turn = discriminatorTurn(game, before, rowsOf(game, given), scopes, penalized);
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
    const { loss, metrics } = generatorTurn(game, before, rowsOf(game, given), scopes);
    const { generator: scope } = scopes;
    const generator = movePlayer(before.generator, loss, { optimizer: generatorOptimizer, scope });
    const averaged =
      average === undefined || before.average === undefined
        ? {}
        : { average: average.update(before.average, generator.params) };
    return { state: { generator, ...averaged, step: before.step.add(1) }, metrics };
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
    name: "game",
    init: (key) => initGame(game, key, { generatorOptimizer, discriminatorOptimizer }),
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
  { options: o, networks, critic }: GameOptions,
  key: Key,
  optimizers: Readonly<
    Record<"generatorOptimizer" | "discriminatorOptimizer", ReturnType<typeof adam>>
  >,
): Game {
  const generator = initPlayer(
    networks.generator.init(key.at("generator")),
    optimizers.generatorOptimizer,
  );
  const discriminator = initPlayer(
    initCritic(key.at("discriminator"), networks.discriminator, critic),
    optimizers.discriminatorOptimizer,
  );
  return {
    discriminator,
    generator,
    ...(o.average === 0 ? {} : { average: generator.params }),
    ...(o.bottleneck === 0 ? {} : { beta: constant(0) }),
    step: constant(0),
  };
}

const rowsOf = ({ data }: GameOptions, { batch }: ProgramInputs): { rows: Value; label?: Value } =>
  data.of(batch as Readonly<Record<string, Value>>);

const clipped = (params: Tree<Value>, most: number): Tree<Value> =>
  mapTree<Value, Value>(params, (leaf) => clip(leaf, -most, most));

/** Rows of the generator for latents that are drawn here. */
function draw(
  { networks, options }: GameOptions,
  { generator }: Game,
  { rows, label }: { readonly rows: Value; readonly label?: Value },
  scope: Scope,
): Value {
  const z = normal(scope.key.at("latent"), [rows.size(0), options.latents]);
  return networks.generator.rows(assemble(generator), z, scope.at("rows"), label);
}

function discriminatorTurn(
  game: GameOptions,
  state: Game,
  data: { readonly rows: Value; readonly label?: Value },
  { discriminator: scope, generator }: Scopes,
  penalized: boolean,
): { loss: Value; metrics: Record<string, Value>; beta?: Value } {
  const { options: o, networks } = game;
  const critic = assemble<Critic>(state.discriminator);
  const seen = (x: Value, name: string): Value => augment(o.augment, x, scope.key.at(name));
  const see = (x: Value, at: Scope): Verdict =>
    judge(critic, networks.discriminator, x, at, data.label);
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
  data: { readonly rows: Value; readonly label?: Value },
  { discriminator: scope, generator }: Scopes,
): { loss: Value; metrics: Record<string, Value> } {
  const { options: o, networks } = game;
  const critic = assemble<Critic>(state.discriminator);
  const loss = losses[o.loss];
  const see = (x: Value, name: string): Value =>
    judge(
      critic,
      networks.discriminator,
      augment(o.augment, x, scope.key.at(`augment.${name}`)),
      scope.reading(name),
      data.label,
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
