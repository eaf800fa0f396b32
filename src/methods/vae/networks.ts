import { z } from "zod";
import {
  type ConvolutionParams,
  convolution,
  initConv2d,
  initConvTranspose2d,
  initLinear,
  type LinearParams,
  linear,
  transposedConvolution,
} from "../../nn/index.ts";
import { flatten, relu, reshape } from "../../ops/index.ts";
import { elementCount, ReparamError, type Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";

/** Channels, height, width. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** A part of a model: how its parameters start, and what it computes with them. */
export interface Network {
  readonly init: (key: Key) => Tree<Value>;
  /** `params` has the structure that `init` made. */
  readonly apply: (params: Tree<Value>, x: Value) => Value;
}

/** A network with the structure of its parameters forgotten: the options decide which one is used. */
const network = <P extends Tree<Value>>(
  init: (key: Key) => P,
  apply: (params: P, x: Value) => Value,
): Network => ({ init, apply: apply as Network["apply"] });

type Layers = readonly LinearParams[];

const initLayers = (key: Key, sizes: readonly number[]): Layers =>
  sizes.slice(1).map((size, i) => initLinear(key.at(i), sizes[i] as number, size));

/** [B, C, H, W] → [B, hidden.at(-1)] by fully connected layers, ReLU after each. */
export const denseEncoder = ([c, h, w]: ImageShape, hidden: readonly number[]): Network =>
  network(
    (key) => initLayers(key, [c * h * w, ...hidden]),
    (layers: Layers, x) => layers.reduce((y, layer) => relu(linear(layer, y)), flatten(x)),
  );

/** [B, latents] → [B, C, H, W] by fully connected layers, ReLU between them. */
export const denseDecoder = (
  [c, h, w]: ImageShape,
  latents: number,
  hidden: readonly number[],
): Network =>
  network(
    (key) => initLayers(key, [latents, ...hidden, c * h * w]),
    (layers: Layers, z) => {
      const last = layers.length - 1;
      const pixels = layers.reduce((y, layer, i) => {
        const next = linear(layer, y);
        return i < last ? relu(next) : next;
      }, z);
      return reshape(pixels, [-1, c, h, w]);
    },
  );

export interface ConvolutionalSize {
  /** Channels after the first halving of the image; twice as many after the second. */
  readonly width: number;
  /** Features of the dense layer between image and latents. */
  readonly features: number;
}

type ConvolutionalEncoder = {
  readonly conv1: ConvolutionParams;
  readonly conv2: ConvolutionParams;
  readonly dense: LinearParams;
};

/** [B, C, H, W] → [B, features]: two 3×3 convolutions of stride 2 and a dense layer, ReLU after each. */
export function convolutionalEncoder(
  image: ImageShape,
  { width, features }: ConvolutionalSize,
): Network {
  const [c, h, w] = checkDivisible(image);
  return network(
    (key): ConvolutionalEncoder => ({
      conv1: initConv2d(key.at("conv1"), { inputs: c, outputs: width, kernel: 3 }),
      conv2: initConv2d(key.at("conv2"), { inputs: width, outputs: 2 * width, kernel: 3 }),
      dense: initLinear(key.at("dense"), (2 * width * h * w) / 16, features),
    }),
    ({ conv1, conv2, dense }, x) => {
      const half = relu(convolution(conv1, x, { stride: 2, padding: 1 })); // [B, width, H/2, W/2]
      const quarter = relu(convolution(conv2, half, { stride: 2, padding: 1 })); // [B, 2·width, H/4, W/4]
      return relu(linear(dense, flatten(quarter)));
    },
  );
}

type ConvolutionalDecoder = {
  readonly features: LinearParams;
  readonly dense: LinearParams;
  readonly up1: ConvolutionParams;
  readonly up2: ConvolutionParams;
  readonly pixels: ConvolutionParams;
};

/**
 * [B, latents] → [B, C, H, W]: two dense layers, two 3×3 transposed convolutions of stride 2, ReLU after
 * each, and a 3×3 convolution to the pixels.
 */
export function convolutionalDecoder(
  image: ImageShape,
  latents: number,
  { width, features }: ConvolutionalSize,
): Network {
  const [c, h, w] = checkDivisible(image);
  const wide = 2 * width;
  const double = { stride: 2, padding: 1, outputPadding: 1 } as const;
  return network(
    (key): ConvolutionalDecoder => ({
      features: initLinear(key.at("features"), latents, features),
      dense: initLinear(key.at("dense"), features, (wide * h * w) / 16),
      up1: initConvTranspose2d(key.at("up1"), { inputs: wide, outputs: wide, kernel: 3 }),
      up2: initConvTranspose2d(key.at("up2"), { inputs: wide, outputs: width, kernel: 3 }),
      pixels: initConv2d(key.at("pixels"), { inputs: width, outputs: c, kernel: 3 }),
    }),
    (p, z) => {
      const seed = relu(linear(p.dense, relu(linear(p.features, z))));
      const quarter = reshape(seed, [-1, wide, h / 4, w / 4]);
      const half = relu(transposedConvolution(p.up1, quarter, double)); // [B, 2·width, H/2, W/2]
      const full = relu(transposedConvolution(p.up2, half, double)); // [B, width, H, W]
      return convolution(p.pixels, full, { padding: 1 });
    },
  );
}

/** Two halvings need sides divisible by 4. */
function checkDivisible(image: ImageShape): ImageShape {
  const [, h, w] = image;
  if (h % 4 !== 0 || w % 4 !== 0) {
    throw new ReparamError(
      `the convolutional network halves images twice and wants sides divisible by 4, got ${h}×${w}. Use --image-size with a multiple of 4, or --network mlp.`,
    );
  }
  return image;
}

export type NetworkKind = "linear" | "mlp" | "convolutional";

/** The option by which a method lets its networks be chosen. */
export const networkOption = (preset: NetworkKind) =>
  z
    .enum(["linear", "mlp", "convolutional"])
    .default(preset)
    .describe("layers of encoder and decoder; linear has none but those to and from the latents");

export interface Networks {
  /** [B, C, H, W] → [B, features]. */
  readonly encoder: Network;
  readonly features: number;
  /** [B, latents] → [B, C, H, W]. */
  readonly decoder: Network;
}

/** Encoder and decoder of one kind; `features` are those of hidden dense layers. */
export function networksOf(
  kind: NetworkKind,
  image: ImageShape,
  { latents, ...size }: ConvolutionalSize & { readonly latents: number },
): Networks {
  if (kind === "convolutional") {
    return {
      encoder: convolutionalEncoder(image, size),
      features: size.features,
      decoder: convolutionalDecoder(image, latents, size),
    };
  }
  const hidden = kind === "mlp" ? [size.features] : [];
  return {
    encoder: denseEncoder(image, hidden),
    features: hidden[0] ?? elementCount(image),
    decoder: denseDecoder(image, latents, hidden),
  };
}
