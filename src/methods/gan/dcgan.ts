import {
  type ConvolutionParams,
  dropout,
  initConvTranspose2d,
  initializers,
  type Scope,
  transposedConvolution,
} from "../../nn/index.ts";
import { concat, flatten, leakyRelu, oneHot, relu, reshape, tanh } from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import {
  type Conv,
  conv,
  type Dense,
  dense,
  initConv,
  initDense,
  initNormalization,
  type Normalization,
  normalize,
} from "./layers.ts";
import type { NetworkSizes, Networks } from "./networks.ts";

const halve = { stride: 2, padding: 1 };
const ownInitializer = initializers.normal(0.02);

/** How often an image is halved until 4 to 7 pixels are left. */
export function halvings([, height, width]: readonly [number, number, number]): number {
  let count = 0;
  let [h, w] = [height, width];
  while (h % 2 === 0 && w % 2 === 0 && Math.min(h, w) >= 8) {
    [h, w] = [h / 2, w / 2];
    count++;
  }
  if (count === 0 || Math.max(h, w) > 8) {
    throw new ReparamError(
      `images of ${height}×${width} cannot be halved down to 4 to 8 pixels. Use 28, 32, 64 pixels or the like, or --architecture mlp.`,
    );
  }
  return count;
}

type Discriminator = {
  readonly convs: readonly Conv[];
  readonly norms: readonly Normalization[];
};

type Generator = {
  readonly dense: Dense;
  readonly first: Normalization;
  readonly ups: readonly ConvolutionParams[];
  readonly norms: readonly Normalization[];
};

/**
 * Convolutions of stride 2 down to 4 to 7 pixels, and their mirror: Radford, Metz, Chintala, "Unsupervised
 * representation learning with deep convolutional generative adversarial networks" (2016). `width` channels in the
 * first layer of the discriminator, twice as many in each that follows.
 */
export function dcgan(sizes: NetworkSizes): Networks {
  const { latents, width, classes, generatorNormalization: norm } = sizes;
  const { initializer = ownInitializer } = sizes;
  const image = sizes.row as readonly [number, number, number];
  const stages = halvings(image);
  const [channels, height, breadth] = image;
  const bottom = [height / 2 ** stages, breadth / 2 ** stages] as const;
  /** Channels after `i` halvings. */
  const widthAt = (i: number): number => width * 2 ** (i - 1);
  const top = widthAt(stages);
  const condition = classes === undefined ? undefined : { classes };
  const features = top * bottom[0] * bottom[1];
  const plain = { spectral: false, initializer };
  return {
    generator: {
      init: (key: Key): Generator => ({
        dense: initDense(key.at("dense"), latents + (classes ?? 0), features, plain),
        first: initNormalization(norm, top, condition),
        ups: Array.from({ length: stages }, (_, i) =>
          initConvTranspose2d(key.at(`up${i}`), {
            ...{ inputs: widthAt(stages - i), kernel: 4, initializer },
            ...{ outputs: i === stages - 1 ? channels : widthAt(stages - i - 1) },
            bias: i === stages - 1 || norm === "none",
          }),
        ),
        norms: Array.from({ length: stages - 1 }, (_, i) =>
          initNormalization(norm, widthAt(stages - i - 1), condition),
        ),
      }),
      rows: (model, z, scope, told) => {
        const { dense: start, first, ups, norms } = model as Generator;
        const given =
          told.label === undefined
            ? z
            : concat([z, oneHot(told.label, classes as number, "float32")], -1);
        const seed = reshape(dense(start, given, scope), [-1, top, ...bottom]);
        return ups.reduce(
          (h, up, i) => {
            const y = transposedConvolution(up, h, halve);
            const n = norms[i];
            return n === undefined ? tanh(y) : relu(normalize(n, y, scope, told));
          },
          relu(normalize(first, seed, scope, told)),
        );
      },
    },
    discriminator: {
      features,
      init: (key: Key): Discriminator => ({
        convs: Array.from({ length: stages }, (_, i) =>
          initConv(
            key.at(`conv${i}`),
            {
              ...{ inputs: i === 0 ? channels : widthAt(i), outputs: widthAt(i + 1), kernel: 4 },
              bias: i === 0 || sizes.normalization === "none",
            },
            { spectral: sizes.spectral, initializer },
          ),
        ),
        // The first layer has none, as in the paper.
        norms: Array.from({ length: stages - 1 }, (_, i) =>
          initNormalization(sizes.normalization, widthAt(i + 2)),
        ),
      }),
      of: (model, rows: Value, scope: Scope) => {
        const { convs, norms } = model as Discriminator;
        const top = convs.reduce((h, layer, i) => {
          const y = conv(layer, h, scope, halve);
          const n = norms[i - 1];
          const active = leakyRelu(n === undefined ? y : normalize(n, y, scope), 0.2);
          return dropout(active, sizes.dropout, scope.at(`dropout${i}`));
        }, rows);
        return flatten(top);
      },
    },
  };
}
