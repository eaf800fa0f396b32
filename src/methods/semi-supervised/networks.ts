// The three networks of the model: q(y | x), q(z | x, y) and p(x | y, z), each with one hidden layer.
import { Bernoulli, Normal, OneHotCategorical } from "../../distributions/index.ts";
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { concat, relu, sum } from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";

export interface NetworkSizes {
  /** Elements of an image. */
  readonly inputs: number;
  readonly classes: number;
  readonly hidden: number;
  readonly latents: number;
}

/** A hidden layer that sees a class besides its other input: the sum of two products. */
type Joined = { readonly input: LinearParams; readonly class: LinearParams };

type Classifier = { readonly hidden: LinearParams; readonly logits: LinearParams };
type Encoder = Joined & { readonly mean: LinearParams; readonly logVariance: LinearParams };
type Decoder = Joined & { readonly pixels: LinearParams };

export type Networks = {
  readonly classifier: Classifier;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
};

export function initNetworks(
  key: Key,
  { inputs, classes, hidden, latents }: NetworkSizes,
): Networks {
  const joined = (name: string, size: number): Joined => ({
    input: initLinear(key.at(`${name}.input`), size, hidden),
    class: initLinear(key.at(`${name}.class`), classes, hidden, { bias: false }),
  });
  return {
    classifier: {
      hidden: initLinear(key.at("classifier.hidden"), inputs, hidden),
      logits: initLinear(key.at("classifier.logits"), hidden, classes),
    },
    encoder: {
      ...joined("encoder", inputs),
      mean: initLinear(key.at("encoder.mean"), hidden, latents),
      logVariance: initLinear(key.at("encoder.logVariance"), hidden, latents),
    },
    decoder: {
      ...joined("decoder", latents),
      pixels: initLinear(key.at("decoder.pixels"), hidden, inputs),
    },
  };
}

/** q(y | x) of pixels [N, inputs], y one-hot. */
export const classesGiven = ({ classifier }: Networks, x: Value): OneHotCategorical =>
  OneHotCategorical({
    logits: linear(classifier.logits, relu(linear(classifier.hidden, x))),
  });

/** The encoder's view of pixels [N, inputs], which is the same for every class: [N, hidden]. */
export const view = ({ encoder }: Networks, x: Value): Value => linear(encoder.input, x);

/** q(z | x, y) by the encoder's view of x [N, hidden] and classes [..., N, classes]; z [..., N, latents]. */
export function styleGiven({ encoder }: Networks, viewed: Value, y: Value): Normal {
  const hidden = relu(linear(encoder.class, y).add(viewed));
  return Normal({
    mean: linear(encoder.mean, hidden),
    logVariance: linear(encoder.logVariance, hidden),
  });
}

/** p(x | y, z) of classes [..., N, classes] and styles [..., N, latents]: pixels [..., N, inputs]. */
export function pixelsGiven({ decoder }: Networks, y: Value, z: Value): Bernoulli {
  const hidden = relu(linear(decoder.class, y).add(linear(decoder.input, z)));
  return Bernoulli({ logits: linear(decoder.pixels, hidden) });
}

/** One latent of both: [N, classes] and [N, latents] to [N, classes + latents]. */
export const joinLatent = (y: Value, z: Value): Value => concat([y, z], -1);

/** log p(x | y, z) of pixels [N, inputs], in nats: [..., N]. */
export const logLikelihood = (networks: Networks, x: Value, y: Value, z: Value): Value =>
  sum(pixelsGiven(networks, y, z).logProb(x), -1);
