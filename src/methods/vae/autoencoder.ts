import { z } from "zod";
import type { Model, Scope } from "../../nn/index.ts";
import { broadcastTo, clip, constant, logSumExp, mean, reshape } from "../../ops/index.ts";
import { type Method, type ModelFunction, modelOf } from "../../step/index.ts";
import { elementCount } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { B, type Likelihood, mergeSamples, pixelsOf } from "./likelihood.ts";
import type { ImageShape } from "./networks.ts";

/** A distribution over latents given images, as every variational autoencoder here has one. */
export interface Posterior {
  /** KL to the prior, [B]. */
  readonly kl: Value;
  /** m exact samples of every row, [m, B, ...latent], through which no gradient need flow. */
  readonly sample: (key: Key, m: number) => Value;
  /** log p(z) − log q(z | x) of such samples, [m, B]. */
  readonly logWeight: (z: Value) => Value;
  /** What stands for the image when one latent is wanted, [B, ...latent]. */
  readonly mode: Value;
}

/** What a variational autoencoder is made of; training and everything after it follow. */
export interface Autoencoder<M extends Model> {
  readonly image: ImageShape;
  /** Shape of one latent. */
  readonly latent: readonly number[];
  readonly dynamicBinarization: boolean;
  /** Samples of the importance-weighted bound. */
  readonly boundSamples: number;
  readonly posterior: (model: M, pixels: Value) => Posterior;
  /** [N, ...latent] → the decoder's output [N, C, H, W]. */
  readonly decode: (model: M, z: Value) => Value;
  readonly likelihood: (model: M) => Likelihood;
  /** What `encode` returns beside `latent`. */
  readonly describe: (model: M, pixels: Value) => Readonly<Record<string, Value>>;
}

/** Options of every variational autoencoder's objective, training and evaluation. */
export const objectiveOptions = {
  dynamicBinarization: z
    .boolean()
    .default(false)
    .describe("draw each pixel anew as 0 or 1 with its grey value as probability"),
  beta: z.number().min(0).default(1).describe("weight of the KL term (Higgins et al. 2017)"),
  warmupSteps: z.int().min(0).default(0).describe("updates over which beta rises from 0"),
  learningRate: z.number().positive().default(1e-3).describe("of Adam"),
  boundSamples: z.int().min(1).default(50).describe("samples of the importance-weighted bound"),
};

/** Means over a batch of the terms of the negative evidence lower bound, in nats an image. */
export interface ElboTerms {
  readonly negativeElbo: Value;
  readonly reconstruction: Value;
  readonly kl: Value;
}

/** −ELBO = −E[log p(x | z)] + KL(q(z | x) ‖ p(z)) by one sample z (Kingma, Welling 2014, equation 3). */
export function elboTerms(logLikelihood: Value, kl: Value): ElboTerms {
  const reconstruction = mean(logLikelihood).neg();
  const divergence = mean(kl);
  return { negativeElbo: reconstruction.add(divergence), reconstruction, kl: divergence };
}

/** β, reached linearly over `warmupSteps` updates (Higgins et al. 2017; Sønderby et al. 2016). */
export const klWeight = (beta: number, warmupSteps: number, step: Value): Value =>
  warmupSteps === 0 ? constant(beta) : clip(step.mul(1 / warmupSteps), 0, 1).mul(beta);

/** encode, decode, reconstruct, evaluate and bound; `sample` and `traverse` depend on the latent. */
export function autoencoderFunctions<M extends Model>(a: Autoencoder<M>): Method["functions"] {
  const image = { dtype: "uint8", shape: [B, ...a.image], description: "bytes" } as const;
  const latent = { dtype: "float32", shape: [B, ...a.latent] } as const;
  const pixels = (bytes: Value | undefined, scope: Scope): Value =>
    pixelsOf(bytes as Value, a.dynamicBinarization, scope);
  // A reconstruction shows the picture that was given, not a draw of its pixels.
  const grey = (bytes: Value | undefined, scope: Scope): Value =>
    pixelsOf(bytes as Value, false, scope);
  const encode: ModelFunction = {
    summary: "images to latents",
    inputs: { image },
    exported: true,
    build: (weights, inputs, scope) => {
      const x = grey(inputs.image, scope);
      return {
        latent: a.posterior(modelOf<M>(weights), x).mode,
        ...a.describe(modelOf<M>(weights), x),
      };
    },
  };
  const decode: ModelFunction = {
    summary: "latents to images in [0, 1]",
    inputs: { latent },
    exported: true,
    build: (weights, { latent }) => {
      const m = modelOf<M>(weights);
      return { image: a.likelihood(m).image(a.decode(m, latent as Value)) };
    },
  };
  const reconstruct: ModelFunction = {
    summary: "images through their latents and back",
    inputs: { image },
    exported: true,
    build: (weights, inputs, scope) => {
      const m = modelOf<M>(weights);
      const { mode } = a.posterior(m, grey(inputs.image, scope));
      return { image: a.likelihood(m).image(a.decode(m, mode)) };
    },
  };
  const evaluate: ModelFunction = {
    summary:
      "terms of the negative evidence lower bound of each image, in nats, by one latent sample",
    inputs: { image },
    exported: false,
    build: (weights, inputs, scope) => {
      const m = modelOf<M>(weights);
      const x = pixels(inputs.image, scope);
      const posterior = a.posterior(m, x);
      const drawn = mergeSamples(posterior.sample(scope.key.at("latent"), 1));
      const reconstruction = a.likelihood(m).logProb(a.decode(m, drawn), x).neg();
      return { negativeElbo: reconstruction.add(posterior.kl), reconstruction, kl: posterior.kl };
    },
  };
  return { encode, decode, reconstruct, evaluate, bound: boundFunction(a, pixels) };
}

/**
 * −log 1/m Σ p(x, z)/q(z | x) over m samples z: an upper bound on −log p(x) that falls with m (Burda,
 * Grosse, Salakhutdinov, "Importance weighted autoencoders", 2016, equation 8).
 */
function boundFunction<M extends Model>(
  a: Autoencoder<M>,
  pixels: (bytes: Value | undefined, scope: Scope) => Value,
): ModelFunction {
  const samples = a.boundSamples;
  return {
    summary: `importance-weighted bound on −log p(x) of each image with ${samples} samples, in nats`,
    inputs: { image: { dtype: "uint8", shape: [B, ...a.image] } },
    exported: false,
    build: (weights, inputs, scope) => {
      const m = modelOf<M>(weights);
      const x = pixels(inputs.image, scope);
      const posterior = a.posterior(m, x);
      const drawn = posterior.sample(scope.key.at("latent"), samples); // [m, B, ...latent]
      const repeated = mergeSamples(broadcastTo(x, [samples, ...x.shape])); // [m·B, C, H, W]
      const logLikelihood = a.likelihood(m).logProb(a.decode(m, mergeSamples(drawn)), repeated);
      const logWeights = reshape(logLikelihood, [samples, -1]).add(posterior.logWeight(drawn)); // [m, B]
      return { negativeBound: logSumExp(logWeights, 0).sub(Math.log(samples)).neg() };
    },
  };
}

/** Elements of a flattened latent that are replaced, from position `at` on. */
export interface Edit {
  readonly at: number;
  readonly values: readonly number[];
}

/** Images of one image's latent with some of its elements replaced: rows of `columns` edits. */
export function traverseFunction<M extends Model>(
  a: Autoencoder<M>,
  summary: string,
  columns: number,
  edits: readonly Edit[],
): ModelFunction {
  const size = elementCount(a.latent);
  const shape = [edits.length, ...a.latent];
  const keep = new Float32Array(edits.length * size).fill(1);
  const put = new Float32Array(edits.length * size);
  for (const [row, { at, values }] of edits.entries()) {
    keep.fill(0, row * size + at, row * size + at + values.length);
    put.set(values, row * size + at);
  }
  return {
    summary,
    columns,
    inputs: { image: { dtype: "uint8", shape: [1, ...a.image], description: "bytes" } },
    exported: false,
    build: (weights, { image }, scope) => {
      const model = modelOf<M>(weights);
      const { mode } = a.posterior(model, pixelsOf(image as Value, false, scope)); // [1, ...latent]
      const latents = mode
        .mul(constant({ dtype: "float32", shape, data: keep }))
        .add(constant({ dtype: "float32", shape, data: put }));
      return { image: a.likelihood(model).image(a.decode(model, latents)) };
    },
  };
}
