/**
 * Sequences of symbols by two players: Kusner, Hernández-Lobato, "GANs for sequences of discrete elements with
 * the Gumbel-softmax distribution" (2016).
 *
 *   generator:      h_t = LSTM(y_{t−1}, h_{t−1}),  o_t = W h_t,  y_t = softmax((o_t + g_t)/τ),  g_t ~ Gumbel(0, 1)
 *   discriminator:  D(y₁ … y_T), a logit, of two hidden layers or of an LSTM's last state (the paper's)
 *   min over D: softplus(−D(x)) + softplus(D(y)) + γ/2·‖∇D(x)‖²,    min over G: softplus(−D(y))
 *
 * Data x are one-hot. As τ falls the relaxed y come near one-hot vectors; argmax(o_t + g_t) in their place, fed back
 * likewise, is an exact sample of Π p(y_t | y_{<t}), so that the trained generator has a likelihood like any
 * recurrent one. The paper's generator draws its first state as well; here the Gumbel noise is all there is.
 * The squared slope at the data keeps D from winning outright (Mescheder, Geiger, Nowozin, "Which training methods
 * for GANs do actually converge?", 2018, equation 9; γ = 0 is the paper's game).
 * `maximum-likelihood` trains the same generator by −Σ log p(x_t | x_{<t}), as a reference.
 * tokens int32 [B, T], y [B, T, symbols]; nats a sequence.
 */
import { z } from "zod";
import { gradients } from "../../autodiff/index.ts";
import { gumbelSoftmax } from "../../distributions/index.ts";
import { constant, mean, oneHot, softplus, sum } from "../../ops/index.ts";
import { adam, type Optimizer } from "../../optim/index.ts";
import {
  applyGradient,
  type Batch,
  type DataShape,
  defineMethod,
  gradientStep,
  type Method,
  type Metrics,
  type Phase,
  type PhaseProgram,
  scalarMetrics,
} from "../../step/index.ts";
import { ReparamError, type Tensor, type Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { temperatureOptions, temperatureSchedule } from "../relaxation.ts";
import { broadcastRows, sequenceFunctions, tokensSpec } from "./functions.ts";
import {
  type Discriminator,
  discriminate,
  generate,
  initDiscriminator,
  initGenerator,
  logLikelihood,
  type Recurrent,
  type SequenceSizes,
} from "./generator.ts";

const options = z.object({
  objective: z
    .enum(["adversarial", "maximum-likelihood"])
    .default("adversarial")
    .describe("how the generator learns: from a discriminator, or from the data's likelihood"),
  estimator: z
    .enum(["gumbel-softmax", "st-gumbel-softmax"])
    .default("st-gumbel-softmax")
    .describe("what the discriminator sees: relaxed symbols, or exact ones with their gradient"),
  discriminator: z
    .enum(["lstm", "dense"])
    .default("dense")
    .describe("reads symbols in turn, or all of a sequence at once by two hidden layers"),
  hidden: z.int().min(1).default(64).describe("features of the layers of both players"),
  penalty: z
    .number()
    .min(0)
    .default(1)
    .describe("weight of the discriminator's squared slope at the data (Mescheder et al. 2018)"),
  pretrainSteps: z
    .int()
    .min(0)
    .default(0)
    .describe("updates of the generator by maximum likelihood before the game"),
  discriminatorSteps: z
    .int()
    .min(1)
    .default(1)
    .describe("updates of the discriminator for one of the generator"),
  ...temperatureOptions({ start: 2, floor: 0.5, decay: 0.9995 }),
  learningRate: z.number().positive().default(1e-3).describe("of Adam, for the generator"),
  discriminatorRate: z.number().positive().default(1e-3).describe("of Adam, for the discriminator"),
  beta1: z
    .number()
    .min(0)
    .max(0.999)
    .default(0.5)
    .describe("decay of Adam's first moment in the game"),
});

type Options = z.infer<typeof options>;

/** State of the game. */
type Players = {
  readonly generator: Recurrent;
  readonly discriminator: Discriminator;
  readonly optimizers: Readonly<Record<"generator" | "discriminator", Tree<Value>>>;
  /** Updates of the generator so far, a float32 scalar. */
  readonly step: Value;
};

type PlayerName = "generator" | "discriminator";

function sizesOf({ hidden }: Options, { columns, names, vocabulary }: DataShape): SequenceSizes {
  const { tokens } = columns;
  const [, length] = tokens?.shape ?? [];
  const symbols = vocabulary ?? names?.tokens?.length;
  if (tokens?.dtype !== "int32" || typeof length !== "number" || symbols === undefined) {
    throw new ReparamError(
      "this method wants sequences of symbols: a data set with a column tokens, int32 [length], that names its symbols, such as arithmetic.",
    );
  }
  return { symbols, length, hidden };
}

function create(o: Options, data: DataShape): Method {
  const sizes = sizesOf(o, data);
  const tau = temperatureSchedule(o);
  const pretraining =
    o.pretrainSteps === 0 ? [] : [{ ...likelihoodPhase(o, sizes), iterations: o.pretrainSteps }];
  const phases =
    o.objective === "adversarial"
      ? [...pretraining, gamePhase(o, sizes, { batchSize: data.batchSize, tau })]
      : [likelihoodPhase(o, sizes)];
  return {
    name: "sequence-gan",
    phases,
    weights: (state) => {
      const from = o.objective === "adversarial" ? state : (state as GeneratorState).params;
      return { generator: (from as GeneratorState["params"]).generator };
    },
    functions: sequenceFunctions(sizes),
    preprocessing: preprocessing(data.names?.tokens),
  };
}

type GeneratorState = { readonly params: { readonly generator: Recurrent } };

const preprocessing = (symbols: readonly string[] | undefined): string =>
  symbols === undefined
    ? "tokens: numbers of the tokenizer that the data was read with"
    : `tokens: numbers of symbols, ${symbols.map((symbol, i) => `${i} for ${JSON.stringify(symbol)}`).join(", ")}`;

const oneHots = (batch: Tree<Value>, { symbols }: SequenceSizes): Value =>
  oneHot((batch as { tokens: Value }).tokens, symbols);

/** Maximum likelihood: the next symbol from those before. */
const likelihoodPhase = (o: Options, sizes: SequenceSizes): Phase =>
  gradientStep({
    name: "likelihood",
    batch: tokensSpec(sizes),
    init: (key) => ({ generator: initGenerator(key.at("generator"), sizes) }),
    loss: ({ generator }, batch) => ({
      loss: mean(logLikelihood(generator, oneHots(batch, sizes))).neg(),
    }),
    optimizer: adam({ learningRate: o.learningRate }),
  });

function gamePhase(
  o: Options,
  sizes: SequenceSizes,
  given: { readonly batchSize: number; readonly tau: (step: Value) => Value },
): Phase {
  const optimizers: Record<PlayerName, Optimizer> = {
    generator: adam({ learningRate: o.learningRate, beta1: o.beta1 }),
    discriminator: adam({ learningRate: o.discriminatorRate, beta1: o.beta1 }),
  };
  return {
    name: "game",
    init: (key, previous) => {
      const generator =
        (previous as GeneratorState | undefined)?.params.generator ??
        initGenerator(key.at("generator"), sizes);
      const discriminator = initDiscriminator(key.at("discriminator"), o.discriminator, sizes);
      return {
        ...{ generator, discriminator, step: constant(0) },
        optimizers: {
          generator: optimizers.generator.init(generator),
          discriminator: optimizers.discriminator.init(discriminator),
        },
      };
    },
    programs: gamePrograms(o, sizes, { ...given, optimizers }),
    iterate: async (iteration) => {
      let metrics: Metrics = {};
      const play = async (player: PlayerName, inputs: Readonly<Record<string, Batch>>) => {
        const outputs = await iteration.run(player, inputs);
        metrics = { ...metrics, ...scalarMetrics(outputs.metrics as Tree<Tensor>) };
      };
      for (let i = 0; i < o.discriminatorSteps; i++) {
        await play("discriminator", { batch: iteration.next() });
      }
      await play("generator", {});
      return metrics;
    },
  };
}

/** One update of each player. */
function gamePrograms(
  o: Options,
  sizes: SequenceSizes,
  given: {
    readonly optimizers: Readonly<Record<PlayerName, Optimizer>>;
    readonly batchSize: number;
    readonly tau: (step: Value) => Value;
  },
): Readonly<Record<PlayerName, PhaseProgram>> {
  const { tau } = given;
  const fakes = ({ generator, step }: Players, rows: Value["shape"][number], key: Key): Value =>
    generate(generator, sizes, (logits, t) =>
      gumbelSoftmax({
        ...{ logits: broadcastRows(logits, rows), key: key.at(t), temperature: tau(step) },
        hard: o.estimator === "st-gumbel-softmax",
      }),
    );
  const descend = (players: Players, player: PlayerName, loss: Value) => {
    const state = { params: players[player], optimizer: players.optimizers[player] };
    const { params, optimizer } = applyGradient(state, loss, given.optimizers[player]);
    return {
      ...players,
      [player]: params,
      optimizers: { ...players.optimizers, [player]: optimizer },
    };
  };
  return {
    discriminator: {
      inputs: { batch: tokensSpec(sizes) },
      build: ({ state, batch }, scope) => {
        const players = state as unknown as Players;
        const real = oneHots(batch as Tree<Value>, sizes);
        const fake = fakes(players, real.size(0), scope.key.at("fake"));
        const [onReal, onFake] = [real, fake].map((x) =>
          discriminate(players.discriminator, x),
        ) as [Value, Value];
        const discriminator = mean(softplus(onReal.neg())).add(mean(softplus(onFake)));
        const [slope] = gradients(sum(onReal), [real]) as [Value];
        const penalty = mean(sum(slope.square(), [1, 2])).mul(o.penalty / 2);
        const loss = o.penalty === 0 ? discriminator : discriminator.add(penalty);
        return {
          state: descend(players, "discriminator", loss) as unknown as Tree<Value>,
          metrics: o.penalty === 0 ? { discriminator } : { discriminator, penalty },
        };
      },
    },
    generator: {
      inputs: {},
      build: ({ state }, scope) => {
        const players = state as unknown as Players;
        const fake = fakes(players, given.batchSize, scope.key.at("fake"));
        const generator = mean(softplus(discriminate(players.discriminator, fake).neg()));
        const next = descend(players, "generator", generator);
        return {
          state: { ...next, step: players.step.add(1) } as unknown as Tree<Value>,
          metrics: { generator, temperature: tau(players.step) },
        };
      },
    },
  };
}

export const sequenceGan = defineMethod({
  name: "sequence-gan",
  summary: "Sequences of symbols by a generator and a discriminator",
  paper:
    "Kusner, Hernández-Lobato, GANs for sequences of discrete elements with the Gumbel-softmax distribution (2016)",
  options,
  training: { batchSize: 128, epochs: 20, data: "arithmetic" },
  create,
});
