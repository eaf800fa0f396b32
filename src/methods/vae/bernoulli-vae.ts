/**
 * Variational autoencoder with binary latents, with the networks of Jang, Gu, Poole, "Categorical
 * Reparameterization with Gumbel-Softmax" (2017), section 4.2: 784–200–784, one layer each way.
 *
 *   z ∈ {0, 1}^latents, fair coins a priori;  q(z | x) = σ(o(x)) of each,
 *   loss = −E_q[log p(x | z)] + KL(q(z | x) ‖ ½),   KL = Σ log 2 − H(σ(o)) in closed form.
 *
 * The gradient of the first term is estimated, by default through binary concrete samples
 * z̃ = σ((o + log u − log(1 − u))/τ), u ~ U(0, 1), and by other estimators by name. `evaluate` and `bound` use
 * exact samples. x [B, C, H, W] in [0, 1], z [B, latents]; nats an image.
 */
import { z } from "zod";
import { Bernoulli, Independent, kl } from "../../distributions/index.ts";
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { cast, full, greater, less, sum } from "../../ops/index.ts";
import { type DataShape, defineMethod, type Method } from "../../step/index.ts";
import type { Value } from "../../trace/index.ts";
import { estimatorOptions } from "../estimation.ts";
import { temperatureOf, temperatureOptions } from "../relaxation.ts";
import { createAutoencoder, objectiveOptions } from "./autoencoder.ts";
import { B } from "./likelihood.ts";
import { networkOption, networksOf } from "./networks.ts";
import type { Edit, LatentPrior, Posterior } from "./posterior.ts";

const options = z.object({
  network: networkOption("linear"),
  latents: z.int().min(1).default(200).describe("number of binary latents"),
  hidden: z.int().min(1).default(200).describe("features of hidden layers, where there are any"),
  width: z.int().min(1).default(32).describe("channels of the convolutional network's first layer"),
  ...estimatorOptions("gumbel-softmax"),
  ...temperatureOptions({ floor: 0.5, decay: 0.9999 }),
  ...objectiveOptions,
});

type Options = z.infer<typeof options>;

type Heads = { readonly logits: LinearParams };

const create = (o: Options, data: DataShape): Method =>
  createAutoencoder<Heads>(
    {
      name: "bernoulli-vae",
      latent: [o.latents],
      networks: (image) => networksOf(o.network, image, { ...o, features: o.hidden }),
      init: (key, features) => ({ logits: initLinear(key.at("logits"), features, o.latents) }),
      posterior: ({ logits }, features) => posteriorOf(linear(logits, features)),
      temperature: temperatureOf(o),
      prior: fairCoins(o.latents),
      traversal: {
        summary: "the first latents at 0 and at 1 around an image",
        columns: 10,
        edits: editsOf(o.latents),
      },
    },
    o,
    data,
  );

/** q(z | x) by logits [B, latents]. */
function posteriorOf(logits: Value): Posterior {
  const q = Bernoulli({ logits });
  const prior = Bernoulli({ logits: full([1], 0) });
  return {
    q: Independent(q, 1),
    logPrior: (latent) => sum(prior.logProb(latent), -1),
    kl: sum(kl(q, prior), -1),
    sample: (key, m) => q.sample(key, [m]),
    logWeight: (latent) => sum(prior.logProb(latent).sub(q.logProb(latent)), -1),
    mode: cast(greater(logits, 0), "float32"),
    described: { probabilities: q.mean() },
  };
}

const fairCoins = (latents: number): LatentPrior => ({
  summary: "images of fair coins",
  inputs: {
    noise: { dtype: "float32", shape: [B, latents], noise: "uniform", description: "U(0, 1)" },
  },
  latent: ({ noise }) => cast(less(noise as Value, 0.5), "float32"),
});

/** Five latents a row, each at 0 and then at 1, the others as encoded. */
const editsOf = (latents: number): Edit[] =>
  Array.from({ length: 2 * Math.min(50, latents) }, (_, i) => ({
    at: Math.floor(i / 2),
    values: [i % 2],
  }));

export const bernoulliVae = defineMethod({
  name: "bernoulli-vae",
  summary: "Variational autoencoder with binary latents",
  paper: "Jang, Gu, Poole, Categorical Reparameterization with Gumbel-Softmax (2017), section 4.2",
  options,
  training: { batchSize: 100, epochs: 20 },
  create,
});
