// What every variational autoencoder here has in common: options, the loss of a step, and the method made of an
// encoder, latents of some kind and a decoder.
import { z } from "zod";
import type { Model, Scope } from "../../nn/index.ts";
import { clip, constant, flatten, full, mean } from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import {
  type DataShape,
  gradientStep,
  gradientWeights,
  type LossTerms,
  type Method,
} from "../../step/index.ts";
import { elementCount, type Tree } from "../../tensor/index.ts";
import { Key, type Operand, type Value } from "../../trace/index.ts";
import {
  checkBound,
  type EstimatorChoice,
  type EstimatorModel,
  type StochasticNode,
  stochasticNode,
} from "../estimation.ts";
import { type Autoencoder, autoencoderFunctions, logLikelihoodOf } from "./functions.ts";
import {
  bernoulliLikelihood,
  imageBatch,
  imageShapeOf,
  type Likelihood,
  pixelsOf,
} from "./likelihood.ts";
import type { ImageShape, Networks } from "./networks.ts";
import type { LatentPrior, Posterior, Traversal } from "./posterior.ts";

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

export interface AutoencoderOptions extends EstimatorChoice {
  readonly dynamicBinarization: boolean;
  readonly beta: number;
  readonly warmupSteps: number;
  readonly learningRate: number;
  readonly boundSamples: number;
}

/** What makes one autoencoder differ from another. `Own` are its parameters besides those of the networks. */
export interface LatentModel<Own extends Readonly<Record<string, Model>>> {
  readonly name: string;
  /** Shape of one latent. */
  readonly latent: readonly number[];
  readonly networks: (image: ImageShape) => Networks;
  /** The layers between features and latents, and whatever else is its own. */
  readonly init: (key: Key, features: number) => Own;
  /** q(z | x) by the encoder's features [B, features]. */
  readonly posterior: (own: Own, features: Value) => Posterior;
  /** Of pixels, Bernoulli by default. */
  readonly likelihood?: (own: Own) => Likelihood;
  /** Of a relaxation, by the count of updates. */
  readonly temperature?: ((step: Value) => Value) | undefined;
  readonly prior: LatentPrior;
  readonly traversal: Traversal;
}

type AutoencoderModel<Own> = Own & {
  readonly encoder: Tree<Value>;
  readonly decoder: Tree<Value>;
  readonly estimator: EstimatorModel;
};

/** The method for images of this data. */
export function createAutoencoder<Own extends Readonly<Record<string, Model>>>(
  latents: LatentModel<Own>,
  o: AutoencoderOptions,
  data: DataShape,
): Method {
  type M = AutoencoderModel<Own>;
  const image = imageShapeOf(data);
  const { encoder, features, decoder } = latents.networks(image);
  const node = stochasticNode(o, {
    input: elementCount(image),
    latent: elementCount(latents.latent),
    q: () => latents.posterior(latents.init(new Key("q"), features), full([1, features], 0)).q,
  });
  checkBound(node, o);
  const autoencoder: Autoencoder<M> = {
    ...{ image, latent: latents.latent, prior: latents.prior, traversal: latents.traversal },
    ...{ dynamicBinarization: o.dynamicBinarization, boundSamples: o.boundSamples },
    posterior: (model, x) => latents.posterior(model, flatten(encoder.apply(model.encoder, x))),
    decode: (model, latent) => decoder.apply(model.decoder, flatten(latent)),
    likelihood: (model) => latents.likelihood?.(model) ?? bernoulliLikelihood,
  };
  const init = (key: Key): M => ({
    encoder: encoder.init(key.at("encoder")),
    ...latents.init(key, features),
    decoder: decoder.init(key.at("decoder")),
    estimator: node.init(key.at("estimator")),
  });
  return {
    name: latents.name,
    phases: [
      gradientStep({
        batch: imageBatch(image),
        init,
        loss: (model, batch, scope, step) => {
          const temperature = latents.temperature?.(step);
          const terms = trainingTerms(autoencoder, node, {
            ...{ model, image: batch.image as Value, scope, temperature },
            weight: klWeight(o.beta, o.warmupSteps, step),
          });
          return temperature === undefined ? terms : { ...terms, temperature };
        },
        optimizer: adam({ learningRate: o.learningRate }),
      }),
    ],
    weights: gradientWeights,
    functions: autoencoderFunctions(autoencoder),
    preprocessing:
      "image: bytes 0 … 255, [batch, channels, height, width]; divided by 255 in the graph",
  };
}

/** Means over a batch of the terms of the negative evidence lower bound, in nats an image. */
interface ElboTerms {
  readonly negativeElbo: Value;
  readonly reconstruction: Value;
  readonly kl: Value;
}

/** −ELBO = −E[log p(x | z)] + KL(q(z | x) ‖ p(z)) by one sample z (Kingma, Welling 2014, equation 3). */
function elboTerms(logLikelihood: Value, kl: Value): ElboTerms {
  const reconstruction = mean(logLikelihood).neg();
  const divergence = mean(kl);
  return { negativeElbo: reconstruction.add(divergence), reconstruction, kl: divergence };
}

/** β, reached linearly over `warmupSteps` updates (Higgins et al. 2017; Sønderby et al. 2016). */
const klWeight = (beta: number, warmupSteps: number, step: Value): Value =>
  warmupSteps === 0 ? constant(beta) : clip(step.mul(1 / warmupSteps), 0, 1).mul(beta);

interface StepOptions<M extends Model> {
  readonly model: M & { readonly estimator: EstimatorModel };
  /** Bytes [B, C, H, W]. */
  readonly image: Value;
  readonly scope: Scope;
  /** Of the KL term. */
  readonly weight: Value;
  /** Of a relaxation. */
  readonly temperature: Operand | undefined;
}

/** What one step minimises, by the estimator's samples of every row, and its terms in nats an image. */
function trainingTerms<M extends Model>(
  a: Autoencoder<M>,
  node: StochasticNode,
  { model, image, scope, weight, temperature }: StepOptions<M>,
): LossTerms {
  const x = pixelsOf(image, a.dynamicBinarization, scope);
  const { q, kl, logPrior } = a.posterior(model, x);
  const given = { scope: scope.at("latent"), input: x };
  const expectation = (f: (z: Value) => Value): Value =>
    node.estimate(model.estimator, q, f, temperature ? { ...given, temperature } : given);
  if (node.target === "multi-sample bound") {
    const joint = (z: Value): Value => logLikelihoodOf(a, model, x, z).add(logPrior(z));
    const negativeBound = mean(expectation(joint)).neg();
    return { loss: negativeBound, negativeBound, kl: mean(kl) };
  }
  const logLikelihood = expectation((z) => logLikelihoodOf(a, model, x, z));
  const { negativeElbo, ...terms } = elboTerms(logLikelihood, kl);
  const loss = terms.reconstruction.add(terms.kl.mul(weight));
  // At relaxed samples it is the bound of another model.
  return node.estimator === "gumbel-softmax"
    ? { loss, relaxedNegativeElbo: negativeElbo, ...terms }
    : { loss, negativeElbo, ...terms };
}
