/**
 * Introspective variational autoencoder: Huang, Li, He, Sun, Tan, "IntroVAE: introspective variational autoencoders for
 * photographic image synthesis" (2018). The encoder E is the discriminator as well: the KL divergence of E(x) from the
 * prior is small for real images and is made large for generated ones, up to a margin m; the generator G makes it small.
 *
 *   L_E = KL(E(x)) + α·Σ_s max(0, m − KL(E(x_s))) + β·½‖x − x_r‖²,                                  (equation 11)
 *   L_G = α·Σ_s KL(E(x_s)) + β·½‖x − x_r‖²,                                                         (equation 12)
 *   x_r = G(z), z ~ E(x);  x_p = G(z_p), z_p ~ N(0, I);  s = r, p; no gradient of L_E through x_s.
 *
 * The soft variant: Daniel, Tamar, "Soft-IntroVAE: analyzing and improving the introspective variational autoencoder"
 * (2021), has exp of the evidence lower bound in place of the margin, s = 1/pixels, and L(x) = β·‖x − G(E(x))‖²:
 *
 *   L_E = s·(L(x) + KL(E(x))) + ¼·Σ_s exp(−2s·(L(x_s) + β_neg·KL(E(x_s)))),                        (equation 6)
 *   L_G = s·(L(x) + ½·Σ_s (KL(E(x_s)) + γ_r·L(x_s))),  γ_r = 1e-8.                                 (equation 7)
 *
 * x [B, C, H, W] in [0, 1]; squared errors are sums over pixels, divergences in nats.
 */
import { z } from "zod";
import { Normal } from "../../distributions/index.ts";
import { assemble, initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { flatten, sigmoid } from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  initPlayer,
  type Method,
  type Metrics,
  type ModelFunction,
  modelOf,
  movePlayer,
  type Phase,
  type PhaseProgram,
  type Player,
  scalarMetrics,
} from "../../step/index.ts";
import { elementCount, type Tensor, type Tree } from "../../tensor/index.ts";
import { type Key, normal, type Value } from "../../trace/index.ts";
import { autoencoderFunctions } from "./functions.ts";
import { latentTraversal, posteriorOf, scaledNormal } from "./gaussian-vae.ts";
import {
  type Autoencoder,
  type Draws,
  divergence,
  type LossOf,
  marginDecoder,
  marginEncoder,
  marginPlain,
  softDecoder,
  softEncoder,
  softPlain,
  squaredError,
  type Terms,
  type Weights,
} from "./introvae-losses.ts";
import { B, imageBatch, imageShapeOf, type Likelihood, pixelsOf } from "./likelihood.ts";
import { type ImageShape, type Networks, networkOption, networksOf } from "./networks.ts";

const weight = z.number().min(0);

const options = z.object({
  network: networkOption("convolutional"),
  latents: z.int().min(1).default(32).describe("size of the latent vector"),
  hidden: z.int().min(1).default(256).describe("features of the hidden layer"),
  width: z.int().min(1).default(32).describe("channels of the convolutional network's first layer"),
  variant: z
    .enum(["margin", "soft"])
    .default("margin")
    .describe("hinge of the paper (Huang et al. 2018), or its smooth form (Daniel, Tamar 2021)"),
  margin: z
    .number()
    .positive("must be above 0")
    .default(25)
    .describe(
      "nats up to which the divergence of generated images is raised; of the margin variant",
    ),
  adversarial: weight
    .default(0.25)
    .describe("α: weight of the divergences of generated images; of the margin variant"),
  reconstruction: weight
    .default(3)
    .describe("β: weight of the squared error, the inverse variance of a pixel"),
  negative: weight
    .optional()
    .describe(
      "β_neg: weight of generated images' divergence in the exponent; of the soft variant; without one a twelfth of the numbers of an image, which is the paper's 256 at 32×32 colours",
    ),
  vaeSteps: z
    .int()
    .min(0)
    .default(500)
    .describe("iterations as a plain variational autoencoder before the game begins"),
  learningRate: z.number().positive().default(5e-4).describe("of both players, by Adam"),
});

type Options = z.infer<typeof options>;

type Encoder = {
  readonly net: Tree<Value>;
  readonly mean: LinearParams;
  readonly logVariance: LinearParams;
};
type Decoder = { readonly net: Tree<Value> };
type Game = { readonly encoder: Player; readonly decoder: Player };

/** What the two players are made of. */
interface Players {
  readonly image: ImageShape;
  readonly networks: Networks;
  readonly options: Options;
}

const posteriorAt = ({ networks }: Players, { net, mean: m, logVariance }: Encoder, x: Value) => {
  const features = flatten(networks.encoder.apply(net, x));
  return Normal({ mean: linear(m, features), logVariance: linear(logVariance, features) });
};

const imagesOf = ({ networks }: Players, { net }: Decoder, latent: Value): Value =>
  sigmoid(networks.decoder.apply(net, latent));

function drawsOf(x: Value, latents: number, key: Key): Draws {
  const draw = (name: string): Value => normal(key.at(name), [x.size(0), latents]);
  return { real: draw("latent"), prior: draw("prior"), again: draw };
}

function phasesOf(players: Players, init: (key: Key) => { encoder: Encoder; decoder: Decoder }) {
  const { options: o, image } = players;
  const optimizer = adam({ learningRate: o.learningRate });
  const batch = imageBatch(image);
  const weights: Weights = { ...o, negative: o.negative ?? elementCount(image) / 12 };
  /** A program that moves some players by the loss of each. */
  const program = (
    losses: Partial<Record<keyof Game, LossOf>>,
    logged: keyof Game,
  ): PhaseProgram => ({
    inputs: { batch },
    build: ({ state, batch: given }, scope) => {
      const game = state as unknown as Game;
      const x = pixelsOf((given as Record<string, Value>).image as Value, false, scope);
      const [encoder, decoder] = [assemble<Encoder>(game.encoder), assemble<Decoder>(game.decoder)];
      const autoencoder: Autoencoder = {
        posterior: (rows) => posteriorAt(players, encoder, rows),
        generate: (latent) => imagesOf(players, decoder, latent),
      };
      const draws = drawsOf(x, o.latents, scope.key);
      const next: Record<string, Player> = { ...game };
      let metrics: Record<string, Value> = {};
      // A loss that both players share is that of the same draws.
      const known = new Map<LossOf, Terms>();
      for (const [name, lossOf] of Object.entries(losses)) {
        const found = known.get(lossOf) ?? lossOf(autoencoder, x, draws, weights);
        known.set(lossOf, found);
        const { loss, ...terms } = found;
        next[name] = movePlayer(game[name as keyof Game], loss, { optimizer, scope });
        if (name === logged) metrics = { [name]: loss, ...terms };
      }
      return { state: next as Tree<Value>, metrics };
    },
  });
  const start = (key: Key): Tree<Value> => {
    const { encoder, decoder } = init(key);
    return { encoder: initPlayer(encoder, optimizer), decoder: initPlayer(decoder, optimizer) };
  };
  const soft = o.variant === "soft";
  const game: Phase = {
    name: "game",
    init: (key, previous) => previous ?? start(key),
    programs: {
      encoder: program({ encoder: soft ? softEncoder : marginEncoder }, "encoder"),
      decoder: program({ decoder: soft ? softDecoder : marginDecoder }, "decoder"),
    },
    iterate: async ({ next, run }): Promise<Metrics> => {
      const given = { batch: next() };
      const first = await run("encoder", given);
      const second = await run("decoder", given);
      return scalarMetrics({
        ...(first.metrics as Record<string, Tensor>),
        ...(second.metrics as Record<string, Tensor>),
      });
    },
  };
  const begin = soft ? softPlain : marginPlain;
  const autoencoder: Phase = {
    name: "autoencoder",
    iterations: o.vaeSteps,
    init: start,
    programs: { step: program({ encoder: begin, decoder: begin }, "encoder") },
  };
  return o.vaeSteps === 0 ? [game] : [autoencoder, game];
}

/** Pixels of unit variance around the decoder's: squared errors are its negative logarithm. */
const squares: Likelihood = {
  logProb: (decoded, x) => squaredError(sigmoid(decoded), x).mul(-0.5),
  image: sigmoid,
};

function evaluateOf(players: Players): ModelFunction {
  return {
    summary: "squared error a pixel of reconstructions by the mean latent, and divergence in nats",
    inputs: { image: { dtype: "uint8", shape: [B, ...players.image] } },
    exported: false,
    build: (weights, { image }, scope) => {
      const { encoder, decoder } = modelOf<{ encoder: Encoder; decoder: Decoder }>(weights);
      const x = pixelsOf(image as Value, false, scope);
      const q = posteriorAt(players, encoder, x);
      const error = squaredError(x, imagesOf(players, decoder, q.mean()));
      return { squaredError: error.mul(1 / elementCount(players.image)), kl: divergence(q) };
    },
  };
}

function create(o: Options, data: DataShape): Method {
  const image = imageShapeOf(data);
  const networks = networksOf(o.network, image, { ...o, features: o.hidden });
  const players: Players = { image, networks, options: o };
  const init = (key: Key): { encoder: Encoder; decoder: Decoder } => ({
    encoder: {
      net: networks.encoder.init(key.at("encoder")),
      mean: initLinear(key.at("mean"), networks.features, o.latents),
      logVariance: initLinear(key.at("logVariance"), networks.features, o.latents),
    },
    decoder: { net: networks.decoder.init(key.at("decoder")) },
  });
  type Both = ReturnType<typeof init>;
  const { sample, encode, decode, reconstruct, traverse } = autoencoderFunctions<Both>({
    ...{ image, latent: [o.latents], dynamicBinarization: false, boundSamples: 1 },
    posterior: ({ encoder }, x) => posteriorOf(posteriorAt(players, encoder, x)),
    decode: ({ decoder }, latent) => networks.decoder.apply(decoder.net, latent),
    likelihood: () => squares,
    prior: scaledNormal(o.latents),
    traversal: latentTraversal(o.latents),
  });
  const own = { sample, encode, decode, reconstruct, traverse, evaluate: evaluateOf(players) };
  return {
    name: "introvae",
    phases: phasesOf(players, init),
    weights: (state) => {
      const { encoder, decoder } = state as unknown as Game;
      return { params: { encoder: encoder.params, decoder: decoder.params }, buffers: {} };
    },
    functions: own as Method["functions"],
    latents: { encode: encode as ModelFunction, decode: decode as ModelFunction },
    preprocessing:
      "image: bytes 0 … 255, [batch, channels, height, width]; divided by 255 in the graph",
  };
}

export const introvae = defineMethod({
  name: "introvae",
  summary: "Introspective variational autoencoder: the encoder is the discriminator",
  paper: "Huang et al., IntroVAE (2018), equations 11 and 12",
  options,
  training: { batchSize: 64, epochs: 10 },
  create,
});
