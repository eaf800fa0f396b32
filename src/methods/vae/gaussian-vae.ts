/**
 * Gaussian variational autoencoder: Kingma, Welling, "Auto-Encoding Variational Bayes" (2014).
 *
 *   z ~ N(0, I),  x ~ p(x | z) by the decoder,  q(z | x) = N(μ(x), diag σ²(x)) by the encoder,
 *   loss = −E_q[log p(x | z)] + β·KL(q(z | x) ‖ N(0, I)),   z = μ + σ·ε, ε ~ N(0, I).
 *
 * x [B, C, H, W] in [0, 1], z [B, latents]; every term in nats, summed over pixels and latents and averaged
 * over the batch.
 */
import { z } from "zod";
import { kl, Normal } from "../../distributions/index.ts";
import { initLinear, type LinearParams, linear, type Scope } from "../../nn/index.ts";
import { full, sum } from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  gradientStep,
  gradientWeights,
  type Method,
  type ModelFunction,
  modelOf,
} from "../../step/index.ts";
import type { Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import {
  type Autoencoder,
  autoencoderFunctions,
  type Edit,
  type ElboTerms,
  elboTerms,
  klWeight,
  objectiveOptions,
  type Posterior,
  traverseFunction,
} from "./autoencoder.ts";
import {
  B,
  bernoulliLikelihood,
  imageBatch,
  imageShapeOf,
  mergeSamples,
  normalLikelihood,
  pixelsOf,
} from "./likelihood.ts";
import {
  convolutionalDecoder,
  convolutionalEncoder,
  denseDecoder,
  denseEncoder,
  type ImageShape,
  type Network,
} from "./networks.ts";

const options = z.object({
  network: z
    .enum(["mlp", "convolutional"])
    .default("mlp")
    .describe("layers of encoder and decoder"),
  latents: z.int().min(1).default(20).describe("size of the latent vector"),
  hidden: z.int().min(1).default(400).describe("features of the hidden layer"),
  width: z.int().min(1).default(32).describe("channels of the convolutional network's first layer"),
  likelihood: z
    .enum(["bernoulli", "gaussian"])
    .default("bernoulli")
    .describe(
      "distribution of pixels; gaussian has a learned standard deviation (Rybkin et al. 2021)",
    ),
  ...objectiveOptions,
});

type Options = z.infer<typeof options>;

type GaussianVae = {
  readonly encoder: Tree<Value>;
  readonly mean: LinearParams;
  readonly logVariance: LinearParams;
  readonly decoder: Tree<Value>;
  /** log of the pixels' standard deviation; only the Gaussian likelihood has it. */
  readonly logStd?: Value;
};

const prior = Normal({ mean: 0, std: 1 });

/** log of a density of independent elements, summed over the last axis. */
const logDensity = (p: Normal, x: Value): Value => sum(p.logProb(x), -1);

/** q(z | x), its elements independent. */
const posteriorOf = (q: Normal): Posterior => ({
  kl: sum(kl(q, prior), -1),
  sample: (key, m) => q.pathwiseSample(key, [m]),
  logWeight: (latent) => logDensity(prior, latent).sub(logDensity(q, latent)),
  mode: q.mean(),
});

function networksOf(o: Options, image: ImageShape): { encoder: Network; decoder: Network } {
  if (o.network === "mlp") {
    return {
      encoder: denseEncoder(image, [o.hidden]),
      decoder: denseDecoder(image, o.latents, [o.hidden]),
    };
  }
  const size = { width: o.width, features: o.hidden };
  return {
    encoder: convolutionalEncoder(image, size),
    decoder: convolutionalDecoder(image, o.latents, size),
  };
}

function create(o: Options, data: DataShape): Method {
  const image = imageShapeOf(data);
  const { encoder, decoder } = networksOf(o, image);

  const init = (key: Key): GaussianVae => ({
    encoder: encoder.init(key.at("encoder")),
    mean: initLinear(key.at("mean"), o.hidden, o.latents),
    logVariance: initLinear(key.at("logVariance"), o.hidden, o.latents),
    decoder: decoder.init(key.at("decoder")),
    ...(o.likelihood === "gaussian" ? { logStd: full([1], -1) } : {}),
  });

  const encode = (model: GaussianVae, pixels: Value): Normal => {
    const features = encoder.apply(model.encoder, pixels);
    return Normal({
      mean: linear(model.mean, features),
      logVariance: linear(model.logVariance, features),
    });
  };

  const autoencoder: Autoencoder<GaussianVae> = {
    image,
    latent: [o.latents],
    dynamicBinarization: o.dynamicBinarization,
    boundSamples: o.boundSamples,
    posterior: (model, pixels) => posteriorOf(encode(model, pixels)),
    decode: (model, latent) => decoder.apply(model.decoder, latent),
    likelihood: ({ logStd }) =>
      logStd === undefined ? bernoulliLikelihood : normalLikelihood(logStd),
    describe: (model, pixels) => {
      const q = encode(model, pixels);
      return { mean: q.mean(), variance: q.variance() };
    },
  };

  return {
    name: "gaussian-vae",
    phases: [
      gradientStep({
        batch: imageBatch(image),
        init,
        loss: (model, batch, scope, step) => {
          const terms = trainingTerms(autoencoder, model, batch.image as Value, scope);
          const weight = klWeight(o.beta, o.warmupSteps, step);
          return { loss: terms.reconstruction.add(terms.kl.mul(weight)), ...terms };
        },
        optimizer: adam({ learningRate: o.learningRate }),
      }),
    ],
    weights: gradientWeights,
    functions: {
      sample: sampleFunction(autoencoder),
      ...autoencoderFunctions(autoencoder),
      traverse: traverseFunction(
        autoencoder,
        "the first latents from −3 to 3, a row each, around an image",
        steps.length,
        traversal(o.latents),
      ),
    },
    preprocessing:
      "image: bytes 0 … 255, [batch, channels, height, width]; divided by 255 in the graph",
  };
}

/** Terms of the loss, by one pathwise sample of every row. */
function trainingTerms(
  a: Autoencoder<GaussianVae>,
  model: GaussianVae,
  bytes: Value,
  scope: Scope,
): ElboTerms {
  const x = pixelsOf(bytes, a.dynamicBinarization, scope);
  const posterior = a.posterior(model, x);
  const latent = mergeSamples(posterior.sample(scope.key.at("latent"), 1));
  return elboTerms(a.likelihood(model).logProb(a.decode(model, latent), x), posterior.kl);
}

/** Images of latents drawn from the prior. */
const sampleFunction = (a: Autoencoder<GaussianVae>): ModelFunction => ({
  summary: "images of latents from the prior",
  inputs: {
    noise: { dtype: "float32", shape: [B, ...a.latent], noise: "normal", description: "N(0, 1)" },
    temperature: {
      dtype: "float32",
      shape: [],
      default: 1,
      description: "standard deviation of the latents",
    },
  },
  exported: true,
  build: (weights, { noise, temperature }) => {
    const model = modelOf<GaussianVae>(weights);
    const latent = (noise as Value).mul(temperature as Value);
    return { image: a.likelihood(model).image(a.decode(model, latent)) };
  },
});

/** Values of a latent along which `traverse` goes, in standard deviations of the prior. */
const steps = Array.from({ length: 11 }, (_, i) => 0.6 * (i - 5));

/** Rows: the first ten latents. Columns: the latent's value from −3 to 3, the others as encoded. */
const traversal = (latents: number): Edit[] =>
  Array.from({ length: Math.min(10, latents) }, (_, at) =>
    steps.map((value) => ({ at, values: [value] })),
  ).flat();

export const gaussianVae = defineMethod({
  name: "gaussian-vae",
  summary: "Variational autoencoder with Gaussian latents",
  paper: "Kingma, Welling, Auto-Encoding Variational Bayes (2014), equations 3 and 10",
  options,
  training: { batchSize: 128, epochs: 10 },
  create,
});
