/**
 * Variational autoencoder with categorical latents, trained by Gumbel-softmax: Jang, Gu, Poole, "Categorical
 * Reparameterization with Gumbel-Softmax" (2017); Maddison, Mnih, Teh, "The Concrete Distribution" (2017).
 *
 *   z: `latents` one-hot vectors of `classes`, uniform a priori;  q(z | x) = softmax(o(x)) of each,
 *   loss = −E[log p(x | z̃)] + KL(q(z | x) ‖ uniform),   z̃ = softmax((o − log(−log u))/τ), u ~ U(0, 1),
 *
 * with the KL between the discrete distributions. The loss is a bound on the relaxed model only; `evaluate`
 * and `bound` use exact one-hot samples, so theirs are bounds on −log p(x).
 * Other estimators of the gradient of −E[log p(x | z)] take the place of z̃ by name.
 * x [B, C, H, W] in [0, 1], z [B, latents, classes]; nats an image.
 */
import { z } from "zod";
import { Independent, kl, OneHotCategorical } from "../../distributions/index.ts";
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { argMax, full, oneHot, reshape, sum } from "../../ops/index.ts";
import { type DataShape, defineMethod, type Method } from "../../step/index.ts";
import type { Value } from "../../trace/index.ts";
import { estimatorOptions } from "../estimation.ts";
import { temperatureOf, temperatureOptions } from "../relaxation.ts";
import { createAutoencoder, objectiveOptions } from "./autoencoder.ts";
import { B } from "./likelihood.ts";
import { networkOption, networksOf } from "./networks.ts";
import type { Edit, LatentPrior, Posterior } from "./posterior.ts";

const options = z.object({
  network: networkOption("convolutional"),
  latents: z.int().min(1).default(32).describe("number of categorical latents"),
  classes: z.int().min(2).default(10).describe("classes of each latent"),
  width: z.int().min(1).default(32).describe("channels of the first convolution"),
  features: z.int().min(1).default(32).describe("features of the dense layer next to the latents"),
  ...estimatorOptions("gumbel-softmax"),
  ...temperatureOptions({ floor: 0.01, decay: 0.999 }),
  ...objectiveOptions,
});

type Options = z.infer<typeof options>;

type Heads = { readonly logits: LinearParams };

const create = (o: Options, data: DataShape): Method =>
  createAutoencoder<Heads>(
    {
      name: "categorical-vae",
      latent: [o.latents, o.classes],
      networks: (image) => networksOf(o.network, image, { ...o, latents: o.latents * o.classes }),
      init: (key, features) => ({
        logits: initLinear(key.at("logits"), features, o.latents * o.classes),
      }),
      posterior: ({ logits }, features) =>
        posteriorOf(reshape(linear(logits, features), [-1, o.latents, o.classes])),
      temperature: temperatureOf(o),
      prior: uniformPrior(o),
      traversal: {
        summary: "the first latents through their classes, a row each, around an image",
        columns: o.classes,
        edits: editsOf(o),
      },
    },
    o,
    data,
  );

/** q(z | x) by logits [B, latents, classes]. */
function posteriorOf(logits: Value): Posterior {
  const [latents, classes] = [logits.size(1) as number, logits.size(2) as number];
  const q = OneHotCategorical({ logits });
  const prior = OneHotCategorical({ logits: full([latents, classes], 0) });
  const most = argMax(logits, -1);
  return {
    q: Independent(q, 1),
    logPrior: (latent) => sum(prior.logProb(latent), -1),
    kl: sum(kl(q, prior), -1),
    sample: (key, m) => q.sample(key, [m]),
    logWeight: (latent) => sum(prior.logProb(latent).sub(q.logProb(latent)), -1),
    mode: oneHot(most, classes),
    described: { classes: most, probabilities: q.mean() },
  };
}

/** The largest of `classes` numbers is uniform. */
const uniformPrior = ({ latents, classes }: Options): LatentPrior => ({
  summary: "images of latents from the uniform prior",
  inputs: {
    noise: {
      dtype: "float32",
      shape: [B, latents, classes],
      noise: "uniform",
      description: "U(0, 1)",
    },
  },
  latent: ({ noise }) => oneHot(argMax(noise as Value, -1), classes),
});

/** Rows: the first ten latents. Columns: the classes of that latent, the others as encoded. */
const editsOf = ({ latents, classes }: Options): Edit[] =>
  Array.from({ length: Math.min(10, latents) * classes }, (_, i) => ({
    at: Math.floor(i / classes) * classes,
    values: Array.from({ length: classes }, (_value, k) => (k === i % classes ? 1 : 0)),
  }));

export const categoricalVae = defineMethod({
  name: "categorical-vae",
  summary: "Variational autoencoder with categorical latents by Gumbel-softmax",
  paper: "Jang, Gu, Poole, Categorical Reparameterization with Gumbel-Softmax (2017), equation 2",
  options,
  training: { batchSize: 100, epochs: 10 },
  create,
});
