// Latent diffusion: Rombach, Blattmann, Lorenz, Esser, Ommer, "High-resolution image synthesis with latent diffusion
// models" (2022), section 3. The data are latents of a trained autoencoder, which goes with the model unchanged.
import { buffer, type Model, type ModelBuffer, type Variables } from "../../nn/index.ts";
import { constant } from "../../ops/index.ts";
import type { Autoencoder, ModelFunction } from "../../step/index.ts";
import { mapTree, ReparamError, type Tensor, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Network } from "./network.ts";

/** Between images and standardised latents, as functions of the whole model's weights. */
export interface LatentCoder {
  /** `image` [B, C, H, W] in bytes → `latent` [B, …row]. */
  readonly encode: ModelFunction;
  /** `latent` [B, …row] → `image` [B, C, H, W] in [0, 1]. */
  readonly decode: ModelFunction;
}

type LatentModel = { readonly network: Model; readonly autoencoder: Model };

/** A network whose model carries the autoencoder's weights as buffers. */
export function withAutoencoder(network: Network, { weights }: Autoencoder): Network {
  return {
    ...network,
    init: (key): LatentModel => ({
      network: network.init(key.at("network")),
      autoencoder: mapTree<Tensor, ModelBuffer>(weights, (weight) =>
        buffer(constant(weight)),
      ) as Model,
    }),
    apply: (model, ...rest) => network.apply((model as LatentModel).network, ...rest),
  };
}

const autoencoderWeights = (weights: Tree<Value>): Tree<Value> =>
  ((weights as unknown as Variables).buffers as { readonly autoencoder: Tree<Value> }).autoencoder;

/** Throws where the latents do not say how they were standardised. */
export function coderOf({ method, moments }: Autoencoder, row: readonly number[]): LatentCoder {
  const { latents } = method;
  if (latents === undefined || moments === undefined) {
    throw new ReparamError(
      `diffusion: latents come from encodeDataset with codes "latent", which ${method.name} did not make these by.`,
    );
  }
  const perChannel = (numbers: readonly number[]): Value =>
    constant({
      ...{ dtype: "float32", shape: [1, numbers.length, ...row.slice(1).map(() => 1)] },
      data: Float32Array.from(numbers),
    });
  const { mean, deviation } = moments;
  return {
    encode: {
      ...latents.encode,
      summary: `${latents.encode.summary}, standardised`,
      exported: true,
      build: (weights, inputs, scope) => {
        const { latent } = latents.encode.build(autoencoderWeights(weights), inputs, scope);
        return { latent: (latent as Value).sub(perChannel(mean)).div(perChannel(deviation)) };
      },
    },
    decode: {
      ...latents.decode,
      summary: `standardised ${latents.decode.summary}`,
      exported: true,
      build: (weights, { latent }, scope) => {
        const raw = (latent as Value).mul(perChannel(deviation)).add(perChannel(mean));
        return latents.decode.build(autoencoderWeights(weights), { latent: raw }, scope);
      },
    },
  };
}
