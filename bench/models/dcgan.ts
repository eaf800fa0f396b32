// DCGAN (Radford, Metz, Chintala 2016) on 32×32×3 images, widths 64, 128, 256, with the non-saturating loss;
// and its discriminator alone with the R1 penalty (Mescheder, Geiger, Nowozin 2018, eq. 9).
import { gradients } from "../../src/autodiff/index.ts";
import {
  assemble,
  type BatchNormParams,
  batchNorm,
  type ConvolutionParams,
  convolution,
  initBatchNorm,
  initConv2d,
  initConvTranspose2d,
  initializers,
  initLinear,
  type LinearParams,
  linear,
  type Scope,
  transposedConvolution,
  variablesOf,
} from "../../src/nn/index.ts";
import {
  cast,
  leakyRelu,
  mean,
  relu,
  reshape,
  softplus,
  stopGradient,
  sum,
  tanh,
} from "../../src/ops/index.ts";
import { adam } from "../../src/optim/index.ts";
import {
  applyGradient,
  type GradientState,
  type Phase,
  type PhaseProgram,
  type ProgramInputs,
  scalarMetrics,
} from "../../src/step/index.ts";
import { dim, spec, type Tensor, type Tree } from "../../src/tensor/index.ts";
import { type Key, normal, type Value } from "../../src/trace/index.ts";
import { denseImages, type Training } from "./samples.ts";

const [width, latents] = [64, 100];
const small = { initializer: initializers.normal(0.02) };
const halve = { stride: 2, padding: 1 };

type Discriminator = {
  readonly conv1: ConvolutionParams;
  readonly conv2: ConvolutionParams;
  readonly norm2: BatchNormParams;
  readonly conv3: ConvolutionParams;
  readonly norm3: BatchNormParams;
  readonly score: ConvolutionParams;
};

function initDiscriminator(key: Key): Discriminator {
  const conv = (name: string, inputs: number, outputs: number): ConvolutionParams =>
    initConv2d(key.at(name), { inputs, outputs, kernel: 4, bias: false, ...small });
  return {
    conv1: conv("conv1", 3, width),
    conv2: conv("conv2", width, 2 * width),
    norm2: initBatchNorm(2 * width),
    conv3: conv("conv3", 2 * width, 4 * width),
    norm3: initBatchNorm(4 * width),
    score: conv("score", 4 * width, 1),
  };
}

/** Images [B, 3, 32, 32] → logits [B] of being real. */
function discriminate(d: Discriminator, x: Value, scope: Scope): Value {
  const h1 = leakyRelu(convolution(d.conv1, x, halve), 0.2); // [B, 64, 16, 16]
  const h2 = leakyRelu(batchNorm(d.norm2, convolution(d.conv2, h1, halve), scope), 0.2);
  const h3 = leakyRelu(batchNorm(d.norm3, convolution(d.conv3, h2, halve), scope), 0.2);
  return reshape(convolution(d.score, h3), [-1]);
}

type Generator = {
  readonly dense: LinearParams;
  readonly norm1: BatchNormParams;
  readonly up1: ConvolutionParams;
  readonly norm2: BatchNormParams;
  readonly up2: ConvolutionParams;
  readonly norm3: BatchNormParams;
  readonly up3: ConvolutionParams;
};

function initGenerator(key: Key): Generator {
  const up = (name: string, inputs: number, outputs: number): ConvolutionParams =>
    initConvTranspose2d(key.at(name), { inputs, outputs, kernel: 4, bias: false, ...small });
  return {
    dense: initLinear(key.at("dense"), latents, 4 * width * 16, { ...small, bias: false }),
    norm1: initBatchNorm(4 * width),
    up1: up("up1", 4 * width, 2 * width),
    norm2: initBatchNorm(2 * width),
    up2: up("up2", 2 * width, width),
    norm3: initBatchNorm(width),
    up3: up("up3", width, 3),
  };
}

/** Latents [B, 100] → images [B, 3, 32, 32] in (−1, 1). */
function generate(g: Generator, z: Value, scope: Scope): Value {
  const seed = reshape(linear(g.dense, z), [-1, 4 * width, 4, 4]);
  const h1 = relu(batchNorm(g.norm1, seed, scope));
  const h2 = relu(batchNorm(g.norm2, transposedConvolution(g.up1, h1, halve), scope));
  const h3 = relu(batchNorm(g.norm3, transposedConvolution(g.up2, h2, halve), scope));
  return tanh(transposedConvolution(g.up3, h3, halve));
}

type Player = Omit<GradientState, "step">;
type Game = { readonly discriminator: Player; readonly generator: Player };

const optimizer = adam({ learningRate: 2e-4, beta1: 0.5 });
const inputs = { batch: { image: spec("uint8", [dim("B"), 3, 32, 32]) } };

const gameOf = (state: Tree<Value>): Game => state as unknown as Game;

function realImages({ batch }: ProgramInputs): Value {
  const { image } = batch as Readonly<Record<string, Value>>;
  return cast(image as Value, "float32")
    .mul(2 / 255)
    .sub(1);
}

/** The next state of a player from its loss. */
const moved = (player: Player, loss: Value, scope: Scope): Player => ({
  ...applyGradient(player, loss, optimizer),
  buffers: scope.nextBuffers(player.buffers),
});

/** Latents are drawn anew in either program. */
const fakes = (game: Game, like: Value, scope: Scope): Value =>
  generate(
    assemble<Generator>(game.generator),
    normal(scope.key.at("latent"), [like.size(0), latents]),
    scope,
  );

/** One update of the discriminator; `gamma`/2 times the squared gradient at real images is added. */
const discriminatorProgram = (gamma: number): PhaseProgram => ({
  inputs,
  build: (given, scope) => {
    const game = gameOf(given.state);
    const real = realImages(given);
    const model = assemble<Discriminator>(game.discriminator);
    const fake = stopGradient(fakes(game, real, scope.reading("generator")));
    const realLogits = discriminate(model, real, scope);
    const fakeLogits = discriminate(model, fake, scope.reading("fake"));
    // −log σ(x) = softplus(−x), −log(1 − σ(x)) = softplus(x).
    let loss = mean(softplus(realLogits.neg())).add(mean(softplus(fakeLogits)));
    if (gamma > 0) {
      const [slope] = gradients(sum(realLogits), [real]) as [Value];
      loss = loss.add(mean(sum(slope.square(), [1, 2, 3])).mul(gamma / 2));
    }
    const discriminator = moved(game.discriminator, loss, scope);
    return {
      state: { ...game, discriminator } as unknown as Tree<Value>,
      metrics: { discriminator: loss },
    };
  },
});

const generatorProgram: PhaseProgram = {
  inputs,
  build: (given, scope) => {
    const game = gameOf(given.state);
    const fake = fakes(game, realImages(given), scope);
    const model = assemble<Discriminator>(game.discriminator);
    const loss = mean(softplus(discriminate(model, fake, scope.reading("discriminator")).neg()));
    const generator = moved(game.generator, loss, scope);
    return {
      state: { ...game, generator } as unknown as Tree<Value>,
      metrics: { generator: loss },
    };
  },
};

function initGame(key: Key): Tree<Value> {
  const [d, g] = [
    variablesOf(initDiscriminator(key.at("discriminator"))),
    variablesOf(initGenerator(key.at("generator"))),
  ];
  const game: Game = {
    discriminator: { ...d, optimizer: optimizer.init(d.params) },
    generator: { ...g, optimizer: optimizer.init(g.params) },
  };
  return game as unknown as Tree<Value>;
}

const trainingOf = (phase: Phase, batchSize: number): Training => ({
  phase,
  samples: {
    length: 16 * batchSize,
    columns: { image: denseImages(16 * batchSize, [3, 32, 32]) },
  },
  batchSize,
});

/** A step of the discriminator and one of the generator. */
export const dcgan = (batchSize = 64): Training =>
  trainingOf(
    {
      name: "game",
      init: initGame,
      programs: { discriminator: discriminatorProgram(0), generator: generatorProgram },
      iterate: async ({ next, run }) => {
        const batch = next();
        const first = await run("discriminator", { batch });
        const second = await run("generator", { batch });
        return scalarMetrics({
          ...(first.metrics as object),
          ...(second.metrics as object),
        } as Tree<Tensor>);
      },
    },
    batchSize,
  );

/** The step of the discriminator with the R1 penalty. */
export const r1 = (batchSize = 64): Training =>
  trainingOf(
    { name: "game", init: initGame, programs: { discriminator: discriminatorProgram(10) } },
    batchSize,
  );
