// Convolutional networks between images and a grid of vectors: van den Oord, Vinyals, Kavukcuoglu, "Neural discrete
// representation learning" (2017), section 4.1, with the number of halvings, of residual blocks and of channels free.
import {
  type ConvolutionParams,
  convolution,
  initConv2d,
  initConvTranspose2d,
  transposedConvolution,
} from "../../nn/index.ts";
import { relu } from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";

export interface NetworkSize {
  /** Halvings of the sides, at least 1; the grid is smaller by 2^halvings. */
  readonly halvings: number;
  /** Channels everywhere but at the image and at the grid. */
  readonly width: number;
  /** Residual blocks on each side of the grid. */
  readonly blocks: number;
}

type Block = { readonly wide: ConvolutionParams; readonly thin: ConvolutionParams };

export type EncoderParams = {
  readonly halvings: readonly ConvolutionParams[];
  readonly middle: ConvolutionParams;
  readonly blocks: readonly Block[];
  readonly last: ConvolutionParams;
};

export type DecoderParams = {
  readonly first: ConvolutionParams;
  readonly blocks: readonly Block[];
  readonly doublings: readonly ConvolutionParams[];
};

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

const initBlocks = (key: Key, { blocks, width }: NetworkSize): Block[] =>
  times(blocks, (i) => ({
    wide: initConv2d(key.at(i).at("wide"), { inputs: width, outputs: width, kernel: 3 }),
    thin: initConv2d(key.at(i).at("thin"), { inputs: width, outputs: width, kernel: 1 }),
  }));

/** x + conv₁ₓ₁(relu(conv₃ₓ₃(relu(x)))), block after block. */
const applyBlocks = (blocks: readonly Block[], x: Value): Value =>
  relu(
    blocks.reduce(
      (y, { wide, thin }) =>
        y.add(convolution(thin, relu(convolution(wide, relu(y), { padding: 1 })))),
      x,
    ),
  );

const four = { stride: 2, padding: 1 } as const;

export const initEncoder = (
  key: Key,
  channels: number,
  dimension: number,
  size: NetworkSize,
): EncoderParams => ({
  halvings: times(size.halvings, (i) =>
    initConv2d(key.at("halvings").at(i), {
      inputs: i === 0 ? channels : size.width,
      ...{ outputs: size.width, kernel: 4 },
    }),
  ),
  middle: initConv2d(key.at("middle"), { inputs: size.width, outputs: size.width, kernel: 3 }),
  blocks: initBlocks(key.at("blocks"), size),
  last: initConv2d(key.at("last"), { inputs: size.width, outputs: dimension, kernel: 1 }),
});

/** Pixels [B, C, H, W] → [B, dimension, H/2ⁿ, W/2ⁿ]: 4×4 convolutions of stride 2, a 3×3 one, and blocks. */
export function encode({ halvings, middle, blocks, last }: EncoderParams, x: Value): Value {
  const small = halvings.reduce((y, halving) => relu(convolution(halving, y, four)), x);
  return convolution(last, applyBlocks(blocks, convolution(middle, small, { padding: 1 })));
}

export const initDecoder = (
  key: Key,
  channels: number,
  dimension: number,
  size: NetworkSize,
): DecoderParams => ({
  first: initConv2d(key.at("first"), { inputs: dimension, outputs: size.width, kernel: 3 }),
  blocks: initBlocks(key.at("blocks"), size),
  doublings: times(size.halvings, (i) =>
    initConvTranspose2d(key.at("doublings").at(i), {
      inputs: size.width,
      outputs: i === size.halvings - 1 ? channels : size.width,
      kernel: 4,
    }),
  ),
});

/** [B, dimension, h, w] → pixels [B, C, h·2ⁿ, w·2ⁿ]: the same in reverse, with transposed convolutions. */
export function decode({ first, blocks, doublings }: DecoderParams, z: Value): Value {
  const start = applyBlocks(blocks, convolution(first, z, { padding: 1 }));
  return doublings.reduce((y, doubling, i) => {
    const next = transposedConvolution(doubling, y, four);
    return i < doublings.length - 1 ? relu(next) : next;
  }, start);
}
