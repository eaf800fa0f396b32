/**
 * Variational autoencoder with categorical latents, trained by Gumbel-softmax: Jang, Gu, Poole, "Categorical
 * Reparameterization with Gumbel-Softmax" (2017); Maddison, Mnih, Teh, "The Concrete Distribution" (2017).
 *
 *   z: `latents` one-hot vectors of `classes`, uniform a priori;  q(z | x) = softmax(o(x)) of each,
 *   loss = −E[log p(x | z̃)] + KL(q(z | x) ‖ uniform),   z̃ = softmax((o − log(−log u))/τ), u ~ U(0, 1),
 *
 * with the KL between the discrete distributions. The loss is a bound on the relaxed model only; `evaluate`
 * and `bound` use exact one-hot samples, so theirs are bounds on −log p(x).
 * x [B, C, H, W] in [0, 1], z [B, latents, classes]; nats an image.
 */
import { z } from "zod";
import { gumbelSoftmax, kl, OneHotCategorical } from "../../distributions/index.ts";
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { argMax, flatten, full, oneHot, reshape, sum } from "../../ops/index.ts";
import { adam, schedules } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  gradientStep,
  gradientWeights,
  type Method,
  type ModelFunction,
  modelOf,
} from "../../step/index.ts";
import { ReparamError, type Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import {
  type Autoencoder,
  autoencoderFunctions,
  type Edit,
  elboTerms,
  klWeight,
  objectiveOptions,
  type Posterior,
  traverseFunction,
} from "./autoencoder.ts";
import { B, bernoulliLikelihood, imageBatch, imageShapeOf, pixelsOf } from "./likelihood.ts";
import { convolutionalDecoder, convolutionalEncoder } from "./networks.ts";

const temperature = z.number().positive("must be above 0");

const options = z.object({
  latents: z.int().min(1).default(32).describe("number of categorical latents"),
  classes: z.int().min(2).default(10).describe("classes of each latent"),
  width: z.int().min(1).default(32).describe("channels of the first convolution"),
  features: z.int().min(1).default(32).describe("features of the dense layer next to the latents"),
  relaxation: z
    .enum(["gumbel-softmax", "st-gumbel-softmax"])
    .default("gumbel-softmax")
    .describe("soft samples, or one-hot ones with the gradient of the soft (straight-through)"),
  temperature: temperature.default(1).describe("of the relaxation at the first step"),
  temperatureFloor: temperature.default(0.01).describe("the temperature does not fall below this"),
  temperatureDecay: z
    .number()
    .positive()
    .max(1)
    .default(0.999)
    .describe("the temperature is multiplied by this at every step; 1 keeps it"),
  ...objectiveOptions,
});

type Options = z.infer<typeof options>;

type CategoricalVae = {
  readonly encoder: Tree<Value>;
  readonly logits: LinearParams;
  readonly decoder: Tree<Value>;
};

function create(o: Options, data: DataShape): Method {
  if (o.temperatureFloor > o.temperature) {
    throw new ReparamError(
      `temperatureFloor ${o.temperatureFloor} is above temperature ${o.temperature}. Lower the floor.`,
    );
  }
  const image = imageShapeOf(data);
  const encoder = convolutionalEncoder(image, o);
  const decoder = convolutionalDecoder(image, o.latents * o.classes, o);
  const tau = schedules.exponential({
    start: o.temperature,
    rate: o.temperatureDecay,
    floor: o.temperatureFloor,
  });

  const init = (key: Key): CategoricalVae => ({
    encoder: encoder.init(key.at("encoder")),
    logits: initLinear(key.at("logits"), o.features, o.latents * o.classes),
    decoder: decoder.init(key.at("decoder")),
  });

  const logitsOf = (model: CategoricalVae, pixels: Value): Value => {
    const scores = linear(model.logits, encoder.apply(model.encoder, pixels));
    return reshape(scores, [-1, o.latents, o.classes]); // [B, latents, classes]
  };

  const decode = (model: CategoricalVae, latent: Value): Value =>
    decoder.apply(model.decoder, flatten(latent));

  const autoencoder: Autoencoder<CategoricalVae> = {
    image,
    latent: [o.latents, o.classes],
    dynamicBinarization: o.dynamicBinarization,
    boundSamples: o.boundSamples,
    posterior: (model, pixels) => posteriorOf(logitsOf(model, pixels), o),
    decode,
    likelihood: () => bernoulliLikelihood,
    describe: (model, pixels) => {
      const logits = logitsOf(model, pixels);
      return { classes: argMax(logits, -1), probabilities: OneHotCategorical({ logits }).mean() };
    },
  };

  return {
    name: "categorical-vae",
    phases: [
      gradientStep({
        batch: imageBatch(image),
        init,
        loss: (model, batch, scope, step) => {
          const x = pixelsOf(batch.image as Value, o.dynamicBinarization, scope);
          const logits = logitsOf(model, x);
          const now = tau(step);
          const hard = o.relaxation === "st-gumbel-softmax";
          const key = scope.key.at("latent");
          const latent = gumbelSoftmax({ logits, temperature: now, key, hard });
          const logLikelihood = bernoulliLikelihood.logProb(decode(model, latent), x);
          const terms = elboTerms(logLikelihood, posteriorOf(logits, o).kl);
          const weighted = terms.kl.mul(klWeight(o.beta, o.warmupSteps, step));
          const loss = terms.reconstruction.add(weighted);
          return {
            loss,
            relaxedNegativeElbo: terms.negativeElbo,
            reconstruction: terms.reconstruction,
            kl: terms.kl,
            temperature: now,
          };
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
        "the first latents through their classes, a row each, around an image",
        o.classes,
        traversal(o),
      ),
    },
    preprocessing:
      "image: bytes 0 … 255, [batch, channels, height, width]; divided by 255 in the graph",
  };
}

function posteriorOf(logits: Value, { latents, classes }: Options): Posterior {
  const q = OneHotCategorical({ logits });
  const prior = OneHotCategorical({ logits: full([latents, classes], 0) });
  return {
    kl: sum(kl(q, prior), -1),
    sample: (key, m) => q.sample(key, [m]),
    logWeight: (latent) => sum(prior.logProb(latent).sub(q.logProb(latent)), -1),
    mode: oneHot(argMax(logits, -1), classes),
  };
}

/** Images of latents drawn from the uniform prior: the largest of `classes` numbers is uniform. */
const sampleFunction = (a: Autoencoder<CategoricalVae>): ModelFunction => ({
  summary: "images of latents from the uniform prior",
  inputs: {
    noise: { dtype: "float32", shape: [B, ...a.latent], noise: "uniform", description: "U(0, 1)" },
  },
  exported: true,
  build: (weights, { noise }) => {
    const model = modelOf<CategoricalVae>(weights);
    const latent = oneHot(argMax(noise as Value, -1), a.latent[1] as number);
    return { image: a.likelihood(model).image(a.decode(model, latent)) };
  },
});

/** Rows: the first ten latents. Columns: the classes of that latent, the others as encoded. */
const traversal = ({ latents, classes }: Options): Edit[] =>
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
