import {
  type BatchNormParams,
  batchNorm,
  type ConvolutionParams,
  convolution,
  initBatchNorm,
  initConv2d,
  initLinear,
  type LinearParams,
  linear,
  type Scope,
} from "../../nn/index.ts";
import { globalMaxPool2d, leakyRelu, maxPool2d, relu, reshape } from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";

/** Channels, height, width. */
export type ImageShape = readonly [channels: number, height: number, width: number];

type Block = { readonly convolution: ConvolutionParams; readonly norm: BatchNormParams };

export type Encoder = {
  readonly blocks: readonly Block[];
  readonly mean: LinearParams;
  readonly logVariance: LinearParams;
};

/** q(z | x) = N(mean, e^logVariance), [B, z] each, and the map of local features, [B, z, H/8, W/8]. */
export interface Code {
  readonly mean: Value;
  readonly logVariance: Value;
  readonly map: Value;
}

/** Blocks after which the image is halved; the map of local features is what the last of them gives. */
const halvings = 3;

const pairsOf = (widths: readonly number[]): readonly (readonly [number, number])[] =>
  widths.slice(1).map((width, i) => [widths[i] as number, width]);

/** Five 3×3 convolutions of z/4, z/2, z, z, z channels, and two linear heads of z latents. */
export function initEncoder(key: Key, [channels]: ImageShape, size: number): Encoder {
  const part = (share: number): number => Math.max(1, Math.round(size * share));
  const widths = [channels, part(1 / 4), part(1 / 2), size, size, size];
  return {
    blocks: pairsOf(widths).map(([inputs, outputs], i) => ({
      convolution: initConv2d(key.at(`convolution${i}`), {
        ...{ inputs, outputs, kernel: 3, bias: false },
      }),
      norm: initBatchNorm(outputs),
    })),
    mean: initLinear(key.at("mean"), size, size),
    logVariance: initLinear(key.at("logVariance"), size, size),
  };
}

/** x [B, C, H, W] in [0, 1]. */
export function encode({ blocks, mean, logVariance }: Encoder, x: Value, scope: Scope): Code {
  let [h, map] = [x, x];
  for (const [i, block] of blocks.entries()) {
    const y = convolution(block.convolution, h, { padding: 1 });
    h = leakyRelu(batchNorm(block.norm, y, scope), 0.2);
    if (i < halvings) h = maxPool2d(h, { size: 2 });
    if (i === halvings - 1) map = h;
  }
  const features = reshape(globalMaxPool2d(h), [-1, h.size(1)]);
  return { mean: linear(mean, features), logVariance: linear(logVariance, features), map };
}

/** Three hidden layers of width z with ReLU, and a score, from 2z features. */
export const initGlobalCritic = (key: Key, size: number): readonly LinearParams[] =>
  pairsOf([2 * size, size, size, size, 1]).map(([a, b], i) => initLinear(key.at(i), a, b));

/** Linear layers with ReLU between: a global critic, [B, 2z] → [B, 1], or a side of a dot critic, [..., z] → [..., z]. */
export const denseLayers = (layers: readonly LinearParams[], x: Value): Value =>
  layers.reduce((h, layer, i) => linear(layer, i === 0 ? h : relu(h)), x);

/** The same at every place of the map: 1×1 convolutions. */
export const initLocalCritic = (key: Key, size: number): readonly ConvolutionParams[] =>
  pairsOf([2 * size, size, size, size, 1]).map(([inputs, outputs], i) =>
    initConv2d(key.at(i), { inputs, outputs, kernel: 1 }),
  );

/** [B, 2z, h, w] → [B, 1, h, w]. */
export const localScore = (layers: readonly ConvolutionParams[], x: Value): Value =>
  layers.reduce((h, layer, i) => convolution(layer, i === 0 ? h : relu(h)), x);

/** The two sides of an encode-and-dot critic, a hidden layer each. */
export type DotCritic = {
  readonly latent: readonly LinearParams[];
  readonly feature: readonly LinearParams[];
};

export function initDotCritic(key: Key, size: number): DotCritic {
  const side = (name: string): readonly LinearParams[] =>
    pairsOf([size, size, size]).map(([a, b], i) => initLinear(key.at(name).at(i), a, b));
  return { latent: side("latent"), feature: side("feature") };
}
