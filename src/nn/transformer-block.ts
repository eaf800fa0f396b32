import { constant, full } from "../ops/index.ts";
import { ReparamError, zeros } from "../tensor/index.ts";
import type { Key, Operand, Value } from "../trace/index.ts";
import type { AttentionMask } from "./attention.ts";
import { dropout } from "./dropout.ts";
import {
  type FeedForwardKind,
  type FeedForwardParams,
  feedForward,
  initFeedForward,
} from "./feed-forward.ts";
import { type Initializer, normal, zeros as zeroNumbers } from "./initializers.ts";
import {
  type AttentionCache,
  type AttentionParams,
  type AttentionSizes,
  cachedAttention,
  initMultiHeadAttention,
} from "./multi-head-attention.ts";
import { layerNormalization, rmsNorm } from "./normalization.ts";
import type { Scope } from "./scope.ts";
import type { TalkingHeadsOptions } from "./talking-heads.ts";

export type TransformerNorm = "layer" | "layer-no-bias" | "rms";
/** Before a part of the block, inside the residual branch; or after the sum with the residual. */
export type NormPlacement = "pre" | "post";
export type PositionKind = "learned" | "sinusoidal" | "rotary" | "alibi" | "relative";

/** What a block is made of; every transformer here has blocks of this one kind. */
export interface BlockOptions extends AttentionSizes, TalkingHeadsOptions {
  readonly features: number;
  readonly feedForward: FeedForwardKind;
  /** Width inside the feed-forward network; by default that of `feedForwardWidth`. */
  readonly hidden?: number;
  readonly norm: TransformerNorm;
  readonly placement: NormPlacement;
  /** Rotary, ALiBi and relative positions act in the attention; the others are added before the blocks. */
  readonly positions: PositionKind;
  /** Rate at which attention weights and the results of both parts are dropped in training. */
  readonly dropout: number;
}

/** scale [features]; offset [features] of "layer" only. */
export type TransformerNormParams = { readonly scale: Value; readonly offset?: Value };
export type AttentionPart = {
  readonly norm: TransformerNormParams;
  readonly attention: AttentionParams;
};
export type FeedForwardPart = {
  readonly norm: TransformerNormParams;
  readonly network: FeedForwardParams;
};

export function initTransformerNorm(
  features: number,
  kind: TransformerNorm,
): TransformerNormParams {
  const scale = full([features], 1);
  return kind === "layer" ? { scale, offset: full([features], 0) } : { scale };
}

/** The norm over the last axis of x [..., features]; without bias it is layer norm with its offset at 0. */
export function transformerNorm(
  { scale, offset }: TransformerNormParams,
  x: Value,
  kind: TransformerNorm,
): Value {
  if (kind === "rms") return rmsNorm({ scale }, x);
  const none = (): Value => constant(zeros([scale.size(0) as number], scale.dtype));
  return layerNormalization({ scale, offset: offset ?? none() }, x);
}

export interface InitBlockOptions extends BlockOptions {
  /** Blocks of the whole network, whose residuals add up. */
  readonly layers: number;
}

interface Initializers {
  readonly initializer: Initializer;
  readonly outInitializer: Initializer;
  readonly biasInitializer: Initializer;
}

/** Weights N(0, 0.02²), those that end a residual branch less by √(2·layers), biases 0 (Radford et al. 2019). */
const initializersOf = (layers: number): Initializers => ({
  initializer: normal(0.02),
  outInitializer: normal(0.02 / Math.sqrt(2 * layers)),
  biasInitializer: zeroNumbers,
});

export function initAttentionPart(key: Key, options: InitBlockOptions): AttentionPart {
  const { features, norm, positions, keySize, headSize, heads } = options;
  if (positions === "rotary" && (keySize ?? features / heads) % 2 !== 0) {
    throw new ReparamError(
      `rotary positions turn pairs of numbers: the key size must be even, got ${keySize ?? features / heads}. Set keySize, or other positions.`,
    );
  }
  return {
    norm: initTransformerNorm(features, norm),
    attention: initMultiHeadAttention(key.at("attention"), {
      ...options,
      ...(keySize !== undefined && { keySize }),
      ...(headSize !== undefined && { headSize }),
      relative: positions === "relative",
      ...initializersOf(options.layers),
    }),
  };
}

export function initFeedForwardPart(key: Key, options: InitBlockOptions): FeedForwardPart {
  const { features, norm, hidden } = options;
  return {
    norm: initTransformerNorm(features, norm),
    network: initFeedForward(key.at("network"), {
      features,
      kind: options.feedForward,
      ...(hidden !== undefined && { hidden }),
      ...initializersOf(options.layers),
    }),
  };
}

/** What a block is told beside its parameters and x. */
export interface BlockCall {
  readonly mask: AttentionMask;
  /** True for keys that are there at all, bool [B, 1, 1, S]. */
  readonly visible?: Value;
  /** Keys and values of earlier positions. */
  readonly cache?: AttentionCache;
  /** Hidden states [B, S, features] that keys and values are made of, in place of x; they end where x does. */
  readonly memory?: Value;
  /** Position of the first row of x; 0 by default. */
  readonly offset?: Operand;
  /** What is done to both parts by a condition (Peebles & Xie 2023). */
  readonly modulation?: { readonly attention: Modulation; readonly feedForward: Modulation };
  /** Factor of both residual branches; 1 by default. */
  readonly residual?: Operand;
  /** Without it nothing is dropped. */
  readonly scope?: Scope;
}

/**
 * Adaptive layer norm: the part sees norm(x)·(1 + scale) + shift, and its result is multiplied by the gate before it
 * joins the residual (Peebles & Xie, "Scalable diffusion models with transformers", 2023, section 3.2). [B, 1, features].
 */
export interface Modulation {
  readonly shift: Value;
  readonly scale: Value;
  readonly gate: Value;
}

type PartName = "attention" | "feedForward";

/** A block: attention and a feed-forward network, each with its residual and norm. x [B, T, features] → y. */
export function transformerBlock(
  parts: { readonly attention: AttentionPart; readonly feedForward: FeedForwardPart },
  x: Value,
  options: BlockOptions,
  call: BlockCall,
): { readonly y: Value; readonly cache: AttentionCache } {
  const { placement, norm, dropout: rate } = options;
  const { scope, memory, modulation, residual } = call;
  const finish = (part: TransformerNormParams, at: Value, branch: Value, name: PartName): Value => {
    const kept = scope === undefined ? branch : dropout(branch, rate, scope.at(name));
    const gated = modulation === undefined ? kept : kept.mul(modulation[name].gate);
    const sum = at.add(residual === undefined ? gated : gated.mul(residual));
    return placement === "post" ? transformerNorm(part, sum, norm) : sum;
  };
  const enter = (part: TransformerNormParams, at: Value, name: PartName): Value => {
    const normed = placement === "pre" ? transformerNorm(part, at, norm) : at;
    if (modulation === undefined) return normed;
    return normed.mul(modulation[name].scale.add(1)).add(modulation[name].shift);
  };
  const { attention, feedForward: network } = parts;
  const { y, cache } = cachedAttention(
    attention.attention,
    enter(attention.norm, x, "attention"),
    attentionOptions(options, call, memory && enter(attention.norm, memory, "attention")),
  );
  const mixed = finish(attention.norm, x, y, "attention");
  const entered = enter(network.norm, mixed, "feedForward");
  const hidden = feedForward(network.network, entered, options.feedForward);
  return { y: finish(network.norm, mixed, hidden, "feedForward"), cache };
}

function attentionOptions(
  { heads, keyValueHeads, keySize, headSize, positions, dropout: rate }: BlockOptions,
  { mask, visible, cache, offset = 0, scope }: BlockCall,
  memory: Value | undefined,
): Parameters<typeof cachedAttention>[2] {
  return {
    heads,
    ...(keyValueHeads !== undefined && { keyValueHeads }),
    ...(keySize !== undefined && { keySize }),
    ...(headSize !== undefined && { headSize }),
    mask,
    ...(visible && { visible }),
    ...(positions === "rotary" && { rotary: { offset } }),
    ...(positions === "alibi" && { alibi: true }),
    ...(cache && { cache }),
    ...(memory && { memory }),
    ...(scope && rate > 0 && { dropout: { rate, scope: scope.at("weights") } }),
  };
}
