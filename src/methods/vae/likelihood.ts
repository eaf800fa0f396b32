import { Bernoulli, Independent, Normal } from "../../distributions/index.ts";
import type { Scope } from "../../nn/index.ts";
import { cast, clip, exp, less, reshape, sigmoid } from "../../ops/index.ts";
import type { BatchSpec, DataShape } from "../../step/index.ts";
import { dim, ReparamError, staticShape } from "../../tensor/index.ts";
import { uniform, type Value } from "../../trace/index.ts";
import type { ImageShape } from "./networks.ts";

/** The free batch axis of every function of the models here. */
export const B = dim("B");

/** Shape of the images of a data set. Throws if it has none. */
export function imageShapeOf({ columns }: Pick<DataShape, "columns">): ImageShape {
  const image = columns.image;
  const shape = image === undefined ? undefined : staticShape(image.shape.slice(1));
  if (image?.dtype !== "uint8" || shape?.length !== 3) {
    throw new ReparamError(
      "this method wants images: a data set with a column image of bytes [channels, height, width].",
    );
  }
  return shape as unknown as ImageShape;
}

/** A batch of nothing but images. */
export const imageBatch = (image: ImageShape): BatchSpec => ({
  image: { dtype: "uint8", shape: [B, ...image] },
});

/** Bytes as numbers in [0, 1]; `dynamic` draws each pixel anew as 0 or 1 with that probability. */
export function pixelsOf(image: Value, dynamic: boolean, scope: Scope): Value {
  const pixels = cast(image, "float32").mul(1 / 255);
  if (!dynamic) return pixels;
  return cast(less(uniform(scope.key.at("binarize"), pixels.shape), pixels), "float32");
}

/** How images are distributed around what the decoder says, over the whole image: values in nats [...]. */
export interface Likelihood {
  /** log p(x | decoded), [B]. `decoded` and `x` are [B, C, H, W]. */
  readonly logProb: (decoded: Value, x: Value) => Value;
  /** The mean image in [0, 1]. */
  readonly image: (decoded: Value) => Value;
}

/** Bernoulli pixels, the decoder giving logits. On grey pixels the bound is not one on a log-likelihood. */
export const bernoulliLikelihood: Likelihood = {
  logProb: (decoded, x) => Independent(Bernoulli({ logits: decoded }), 3).logProb(x),
  image: sigmoid,
};

/**
 * Normal pixels, the decoder giving the mean and one learned standard deviation being shared by all pixels
 * (Rybkin, Daniilidis, Levine, "Simple and effective VAE training with calibrated decoders", 2021); it
 * stays above e⁻⁶, because pixels that never change would pull it to 0.
 */
export const normalLikelihood = (logStd: Value): Likelihood => ({
  logProb: (decoded, x) => {
    const std = exp(clip(logStd, -6, 4));
    return Independent(Normal({ mean: decoded, std }), 3).logProb(x);
  },
  image: (decoded) => clip(decoded, 0, 1),
});

/** [m, B, ...] → [m·B, ...], to run a network on m samples of every row. */
export const mergeSamples = (z: Value): Value => reshape(z, [-1, ...z.shape.slice(2)]);
