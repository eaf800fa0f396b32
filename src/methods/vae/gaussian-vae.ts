/**
 * Gaussian variational autoencoder: Kingma, Welling, "Auto-Encoding Variational Bayes" (2014).
 *
 *   z ~ N(0, I),  x ~ p(x | z) by the decoder,  q(z | x) = N(μ(x), diag σ²(x)) by the encoder,
 *   loss = −E_q[log p(x | z)] + β·KL(q(z | x) ‖ N(0, I)),   z = μ + σ·ε, ε ~ N(0, I).
 *
 * Other estimators of the gradient of the first term take the place of the path by name, and those of a
 * multi-sample bound that of the loss: −E[log 1/m Σ p(x, z)/q(z | x)] (Burda, Grosse, Salakhutdinov 2016).
 * x [B, C, H, W] in [0, 1], z [B, latents]; every term in nats, summed over pixels and latents and averaged
 * over the batch.
 */
import { z } from "zod";
import { Independent, kl, Normal } from "../../distributions/index.ts";
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { full, sum } from "../../ops/index.ts";
import { type DataShape, defineMethod, functionOf, type Method } from "../../step/index.ts";
import type { Value } from "../../trace/index.ts";
import { estimatorOptions } from "../estimation.ts";
import { createAutoencoder, objectiveOptions } from "./autoencoder.ts";
import { B, bernoulliLikelihood, normalLikelihood } from "./likelihood.ts";
import { networkOption, networksOf } from "./networks.ts";
import type { Edit, LatentPrior, Posterior, Traversal } from "./posterior.ts";

const options = z.object({
  network: networkOption("mlp"),
  latents: z.int().min(1).default(20).describe("size of the latent vector"),
  hidden: z.int().min(1).default(400).describe("features of the hidden layer"),
  width: z.int().min(1).default(32).describe("channels of the convolutional network's first layer"),
  likelihood: z
    .enum(["bernoulli", "gaussian"])
    .default("bernoulli")
    .describe(
      "distribution of pixels; gaussian has a learned standard deviation (Rybkin et al. 2021)",
    ),
  ...estimatorOptions("pathwise"),
  ...objectiveOptions,
});

type Options = z.infer<typeof options>;

type Heads = {
  readonly mean: LinearParams;
  readonly logVariance: LinearParams;
  /** log of the pixels' standard deviation; only the Gaussian likelihood has it. */
  readonly logStd?: Value;
};

const prior = Normal({ mean: 0, std: 1 });

/** log of a density of independent elements, summed over the last axis. */
const logDensity = (p: Normal, x: Value): Value => sum(p.logProb(x), -1);

/** q(z | x), its elements independent. */
export const posteriorOf = (q: Normal): Posterior => ({
  q: Independent(q, 1),
  logPrior: (latent) => logDensity(prior, latent),
  kl: sum(kl(q, prior), -1),
  sample: (key, m) => q.pathwiseSample(key, [m]),
  logWeight: (latent) => logDensity(prior, latent).sub(logDensity(q, latent)),
  mode: q.mean(),
  described: { mean: q.mean(), variance: q.variance() },
});

const create = (o: Options, data: DataShape): Method => {
  const method = createAutoencoder<Heads>(
    {
      name: "gaussian-vae",
      latent: [o.latents],
      networks: (image) => networksOf(o.network, image, { ...o, features: o.hidden }),
      init: (key, features) => ({
        mean: initLinear(key.at("mean"), features, o.latents),
        logVariance: initLinear(key.at("logVariance"), features, o.latents),
        ...(o.likelihood === "gaussian" ? { logStd: full([1], -1) } : {}),
      }),
      posterior: ({ mean, logVariance }, features) =>
        posteriorOf(
          Normal({ mean: linear(mean, features), logVariance: linear(logVariance, features) }),
        ),
      likelihood: ({ logStd }) =>
        logStd === undefined ? bernoulliLikelihood : normalLikelihood(logStd),
      prior: scaledNormal(o.latents),
      traversal: latentTraversal(o.latents),
    },
    o,
    data,
  );
  const [encode, decode] = [functionOf(method, "encode"), functionOf(method, "decode")];
  return { ...method, latents: { encode, decode } };
};

export const scaledNormal = (latents: number): LatentPrior => ({
  summary: "images of latents from the prior",
  inputs: {
    noise: { dtype: "float32", shape: [B, latents], noise: "normal", description: "N(0, 1)" },
    temperature: {
      dtype: "float32",
      shape: [],
      default: 1,
      description: "standard deviation of the latents",
    },
  },
  latent: ({ noise, temperature }) => (noise as Value).mul(temperature as Value),
});

/** Values of a latent along which `traverse` goes, in standard deviations of the prior. */
const steps = Array.from({ length: 11 }, (_, i) => 0.6 * (i - 5));

/** Rows: the first ten latents. Columns: the latent's value from −3 to 3, the others as encoded. */
const editsOf = (latents: number): Edit[] =>
  Array.from({ length: Math.min(10, latents) }, (_, at) =>
    steps.map((value) => ({ at, values: [value] })),
  ).flat();

export const latentTraversal = (latents: number): Traversal => ({
  summary: "the first latents from −3 to 3, a row each, around an image",
  columns: steps.length,
  edits: editsOf(latents),
});

export const gaussianVae = defineMethod({
  name: "gaussian-vae",
  summary: "Variational autoencoder with Gaussian latents",
  paper: "Kingma, Welling, Auto-Encoding Variational Bayes (2014), equations 3 and 10",
  options,
  training: { batchSize: 128, epochs: 10 },
  create,
});
