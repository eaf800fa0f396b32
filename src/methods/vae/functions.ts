// What a trained variational autoencoder can do, whatever its latents are.
import type { Model, Scope } from "../../nn/index.ts";
import { broadcastTo, constant, logSumExp, reshape } from "../../ops/index.ts";
import { type Method, type ModelFunction, modelOf } from "../../step/index.ts";
import { elementCount } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { B, type Likelihood, mergeSamples, pixelsOf } from "./likelihood.ts";
import type { ImageShape } from "./networks.ts";
import type { LatentPrior, Posterior, Traversal } from "./posterior.ts";

/** A variational autoencoder as its functions see it. */
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
  readonly prior: LatentPrior;
  readonly traversal: Traversal;
}

/** log p(x | z) of samples z [m, B, ...latent] of every row, [m, B]. */
export function logLikelihoodOf<M extends Model>(
  a: Autoencoder<M>,
  model: M,
  x: Value,
  z: Value,
): Value {
  const m = z.size(0) as number;
  const repeated = m === 1 ? x : mergeSamples(broadcastTo(x, [m, ...x.shape])); // [m·B, C, H, W]
  return reshape(a.likelihood(model).logProb(a.decode(model, mergeSamples(z)), repeated), [m, -1]);
}

/** Everything that a trained autoencoder can do. */
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
      const { mode, described } = a.posterior(modelOf<M>(weights), x);
      return { latent: mode, ...described };
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
  return {
    ...{ sample: sampleFunction(a), encode, decode, reconstruct, evaluate },
    ...{ bound: boundFunction(a, pixels), traverse: traverseFunction(a) },
  };
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
      const logWeights = logLikelihoodOf(a, m, x, drawn).add(posterior.logWeight(drawn)); // [m, B]
      return { negativeBound: logSumExp(logWeights, 0).sub(Math.log(samples)).neg() };
    },
  };
}

/** Images of latents drawn from the prior. */
function sampleFunction<M extends Model>(a: Autoencoder<M>): ModelFunction {
  const { summary, inputs, latent } = a.prior;
  return {
    summary,
    inputs,
    exported: true,
    build: (weights, given) => {
      const model = modelOf<M>(weights);
      return { image: a.likelihood(model).image(a.decode(model, latent(given))) };
    },
  };
}

/** Images of one image's latent with some of its elements replaced: rows of `columns` edits. */
function traverseFunction<M extends Model>(a: Autoencoder<M>): ModelFunction {
  const { summary, columns, edits } = a.traversal;
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
