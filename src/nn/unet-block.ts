// The two parts of a U-Net: a residual block that is told the time, and attention between pixels.
import { concat, full, reshape, silu, sub, transpose } from "../ops/index.ts";
import type { Key, Operand, Value } from "../trace/index.ts";
import { type ConvolutionParams, convolution, initConv2d } from "./convolution.ts";
import { dropout } from "./dropout.ts";
import { zeros } from "./initializers.ts";
import { initLinear, type LinearParams, linear } from "./linear.ts";
import {
  type AttentionParams,
  initMultiHeadAttention,
  multiHeadAttention,
} from "./multi-head-attention.ts";
import { groupNorm, initGroupNorm, type NormParams } from "./normalization.ts";
import type { Scope } from "./scope.ts";

export type UNetBlockParams = {
  readonly norm1: NormParams;
  readonly conv1: ConvolutionParams;
  readonly time: LinearParams;
  readonly norm2: NormParams;
  readonly conv2: ConvolutionParams;
  /** Where the number of channels changes. */
  readonly shortcut?: ConvolutionParams;
};

export interface UNetBlockSizes {
  readonly inputs: number;
  readonly outputs: number;
  readonly timeFeatures: number;
  /** Whether the second convolution begins at zero, so that the block begins as its shortcut. */
  readonly zeroInit: boolean;
  /** Whether there is a projection around the block where the number of channels changes. */
  readonly projection: boolean;
}

export function initUNetBlock(key: Key, sizes: UNetBlockSizes): UNetBlockParams {
  const { inputs, outputs, timeFeatures, zeroInit, projection } = sizes;
  return {
    norm1: initGroupNorm(inputs),
    conv1: initConv2d(key.at("conv1"), { inputs, outputs, kernel: 3 }),
    time: initLinear(key.at("time"), timeFeatures, outputs),
    norm2: initGroupNorm(outputs),
    conv2: initConv2d(key.at("conv2"), {
      ...{ inputs: outputs, outputs, kernel: 3 },
      ...(zeroInit && { initializer: zeros, biasInitializer: zeros }),
    }),
    ...(inputs !== outputs &&
      projection && {
        shortcut: initConv2d(key.at("shortcut"), { inputs, outputs, kernel: 1 }),
      }),
  };
}

/** What a block reads: x [B, C, H, W], or two parts of its channels. */
export interface BlockInput {
  readonly backbone: Value;
  readonly skip?: Value;
  /** Factor of the skip's channels after the first norm, and on their way through the shortcut. */
  readonly afterNorm?: Operand | undefined;
}

export interface UNetBlockCall {
  readonly groups: number;
  readonly dropout: number;
  readonly scope?: Scope | undefined;
}

/**
 * y = shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + time))) (Ho et al. 2020): x [B, C, H, W] and features of
 * the time [B, F], SiLU applied → [B, C', H, W]. Without a shortcut where channels change, the branch alone.
 */
export function unetBlock(
  block: UNetBlockParams,
  { backbone, skip, afterNorm }: BlockInput,
  time: Value,
  { groups, dropout: rate, scope }: UNetBlockCall,
): Value {
  const same = { padding: 1 };
  const x = skip === undefined ? backbone : concat([backbone, skip], 1);
  const factor =
    skip && afterNorm !== undefined ? skipFactor(backbone, skip, afterNorm) : undefined;
  const scaled = (y: Value): Value => (factor === undefined ? y : y.mul(factor));
  const inner = convolution(block.conv1, silu(scaled(groupNorm(block.norm1, x, { groups }))), same);
  const shift = reshape(linear(block.time, time), [x.size(0), -1, 1, 1]);
  const normed = silu(groupNorm(block.norm2, inner.add(shift), { groups }));
  const kept = scope === undefined ? normed : dropout(normed, rate, scope.at("dropout"));
  const y = convolution(block.conv2, kept, same);
  if (block.shortcut !== undefined) return y.add(convolution(block.shortcut, scaled(x)));
  return x.size(1) === y.size(1) ? y.add(x) : y;
}

/** 1 for the channels of the backbone, the factor for those of the skip: [1 or B, C, 1, 1]. */
function skipFactor(backbone: Value, skip: Value, factor: Operand): Value {
  const channels = (x: Value, value: number): Value => full([1, x.size(1) as number, 1, 1], value);
  const ofSkip = concat([channels(backbone, 0), channels(skip, 1)], 1);
  return ofSkip.mul(sub(factor, 1)).add(1);
}

export type PixelAttentionParams = {
  readonly norm: NormParams;
  readonly attention: AttentionParams;
};

export const initPixelAttention = (
  key: Key,
  { features, heads, zeroInit }: { features: number; heads: number; zeroInit: boolean },
): PixelAttentionParams => ({
  norm: initGroupNorm(features),
  attention: initMultiHeadAttention(key, {
    ...{ features, heads },
    ...(zeroInit && { outInitializer: zeros }),
  }),
});

/** Pixels attend to each other: x + attention(norm(x)) for x [B, C, H, W]. */
export function pixelAttention(
  { norm, attention }: PixelAttentionParams,
  x: Value,
  { groups, heads }: { readonly groups: number; readonly heads: number },
): Value {
  const rows = reshape(groupNorm(norm, x, { groups }), [x.size(0), x.size(1), -1]);
  const y = multiHeadAttention(attention, transpose(rows, [0, 2, 1]), { heads });
  return x.add(reshape(transpose(y, [0, 2, 1]), x.shape));
}
