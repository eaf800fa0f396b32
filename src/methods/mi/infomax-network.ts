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

/** q(z | x) = N(mean, e^logVariance), [B, z] each, and what the blocks that halve the image give. */
export interface Code {
  readonly mean: Value;
  readonly logVariance: Value;
  /** [B, z/4, H/2, W/2], [B, z/2, H/4, W/4] and [B, z, H/8, W/8]. */
  readonly maps: readonly Value[];
}

/** Blocks after which the image is halved. */
export const halvings = 3;

const pairsOf = (widths: readonly number[]): readonly (readonly [number, number])[] =>
  widths.slice(1).map((width, i) => [widths[i] as number, width]);

/** Channels of the maps of local features, the finest first. */
export const mapChannels = (size: number): readonly number[] =>
  [1 / 4, 1 / 2, 1].map((share) => Math.max(1, Math.round(size * share)));

/** Five 3×3 convolutions of z/4, z/2, z, z, z channels, and two linear heads of z latents. */
export function initEncoder(key: Key, [channels]: ImageShape, size: number): Encoder {
  const widths = [channels, ...mapChannels(size), size, size];
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
  const maps: Value[] = [];
  let h = x;
  for (const [i, block] of blocks.entries()) {
    const y = convolution(block.convolution, h, { padding: 1 });
    h = leakyRelu(batchNorm(block.norm, y, scope), 0.2);
    if (i >= halvings) continue;
    h = maxPool2d(h, { size: 2 });
    maps.push(h);
  }
  const features = reshape(globalMaxPool2d(h), [-1, h.size(1)]);
  return { mean: linear(mean, features), logVariance: linear(logVariance, features), maps };
}

/** Three hidden layers of width z with ReLU, and a score, from 2z features. */
export const initGlobalCritic = (key: Key, size: number): readonly LinearParams[] =>
  pairsOf([2 * size, size, size, size, 1]).map(([a, b], i) => initLinear(key.at(i), a, b));

/** Linear layers with ReLU between: a global critic, [B, 2z] → [B, 1], or a side of a dot critic, [..., z] → [..., z]. */
export const denseLayers = (layers: readonly LinearParams[], x: Value): Value =>
  layers.reduce((h, layer, i) => linear(layer, i === 0 ? h : relu(h)), x);

/** The same at every place of a map: 1×1 convolutions, from `inputs` channels to a score, or to `outputs` of them. */
export const initLocalCritic = (
  key: Key,
  size: number,
  inputs: number,
  outputs = 1,
): readonly ConvolutionParams[] =>
  pairsOf([inputs, size, size, size, outputs]).map(([a, b], i) =>
    initConv2d(key.at(i), { inputs: a, outputs: b, kernel: 1 }),
  );

/** [B, inputs, h, w] → [B, outputs, h, w]. */
export const localScore = (layers: readonly ConvolutionParams[], x: Value): Value =>
  layers.reduce((h, layer, i) => convolution(layer, i === 0 ? h : relu(h)), x);

/** The two sides of an encode-and-dot critic, a hidden layer each. */
export type DotCritic = {
  readonly latent: readonly LinearParams[];
  readonly feature: readonly LinearParams[];
};

/** Of latents or features with so many elements each. */
export function initDotCritic(
  key: Key,
  size: number,
  inputs: readonly [number, number] = [size, size],
): DotCritic {
  const side = (name: string, from: number): readonly LinearParams[] =>
    pairsOf([from, size, size]).map(([a, b], i) => initLinear(key.at(name).at(i), a, b));
  return { latent: side("latent", inputs[0]), feature: side("feature", inputs[1]) };
}
