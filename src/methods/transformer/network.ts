/**
 * The network of every method in this folder: embeddings, blocks, and the logits of tokens.
 *
 * tokens [B, T] → x = E[token] (+ positions, + segments) → blocks → norm (pre-norm only) → logits = y·Eᵀ or y·W
 *
 * Vaswani et al., "Attention is all you need" (2017); layers that share parameters: Lan et al., "ALBERT" (2020).
 */
import {
  type AttentionCache,
  type AttentionPart,
  type BlockCall,
  dropout,
  type EmbeddingParams,
  embedding,
  type FeedForwardPart,
  initAttentionPart,
  initEmbedding,
  initFeedForwardPart,
  initializers,
  initLinear,
  initTransformerNorm,
  type LinearParams,
  linear,
  type Scope,
  sinusoidal,
  type TransformerNormParams,
  transformerBlock,
  transformerNorm,
} from "../../nn/index.ts";
import { gather, matmul, range, sizeValue, slice } from "../../ops/index.ts";
import { addSize, ReparamError, type Size } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import type { NetworkSizes } from "./options.ts";

/** attention and feedForward have an entry a layer, or one that all layers share. */
export type Network = {
  readonly tokens: EmbeddingParams;
  readonly positions?: EmbeddingParams;
  readonly segments?: EmbeddingParams;
  readonly attention: readonly AttentionPart[];
  readonly feedForward: readonly FeedForwardPart[];
  readonly norm?: TransformerNormParams;
  readonly head?: LinearParams;
};

export function initNetwork(key: Key, sizes: NetworkSizes): Network {
  const { layers, width, vocabulary, context, segments, share, tied, block } = sizes;
  const small = { initializer: initializers.normal(0.02) };
  const options = { ...block, layers };
  const one = (part: string): boolean => share === "all" || share === part;
  const each = <P>(part: string, init: (key: Key, o: typeof options) => P): readonly P[] =>
    Array.from({ length: one(part) ? 1 : layers }, (_, i) => init(key.at(part).at(i), options));
  return {
    tokens: initEmbedding(key.at("tokens"), vocabulary, width, small),
    ...(block.positions === "learned" && {
      positions: initEmbedding(key.at("positions"), context, width, small),
    }),
    ...(segments > 0 && { segments: initEmbedding(key.at("segments"), segments, width, small) }),
    attention: each("attention", initAttentionPart),
    feedForward: each("feed-forward", initFeedForwardPart),
    ...(block.placement === "pre" && { norm: initTransformerNorm(width, block.norm) }),
    ...(!tied && {
      head: initLinear(key.at("head"), width, vocabulary, { ...small, bias: false }),
    }),
  };
}

export interface EmbedOptions {
  /** Position of the first token; 0 by default. */
  readonly offset?: Size;
  /** Kind of the segment of each token, integers [B, T]. */
  readonly segments?: Value;
  readonly scope?: Scope;
}

/** Tokens [B, T] as vectors [B, T, width], with the positions that are not left to the attention. */
export function embedTokens(
  network: Network,
  tokens: Value,
  sizes: NetworkSizes,
  options: EmbedOptions = {},
): Value {
  return placed(network, embedding(network.tokens, tokens), sizes, options);
}

/** Vectors x [..., T, width] with their positions and segments added. */
export function placed(
  network: Network,
  x: Value,
  { context, width, block }: NetworkSizes,
  { offset = 0, segments, scope }: EmbedOptions,
): Value {
  const T = x.size(-2);
  let y = x;
  if (block.positions === "learned") {
    const end = addSize(offset, T);
    if (typeof end === "number" && end > context) {
      throw new ReparamError(
        `a text of ${end} tokens is longer than the ${context} positions that were learned. Cut it, or train with other positions.`,
      );
    }
    y = y.add(positionRows((network.positions as EmbeddingParams).weight, T, offset));
  } else if (block.positions === "sinusoidal") {
    const at = range(T, x.dtype);
    // Tokens at the scale of the sinusoids (Vaswani et al. 2017, section 3.4).
    y = y.mul(Math.sqrt(width)).add(sinusoidal(at.add(sizeValue(offset, at)), width));
  }
  if (segments !== undefined && network.segments !== undefined) {
    y = y.add(embedding(network.segments, segments));
  }
  return scope === undefined ? y : dropout(y, block.dropout, scope.at("embedding"));
}

/** Rows offset … offset + T − 1 of the table. Of free sizes they are looked up: a slice would end with the table. */
function positionRows(table: Value, T: Size, offset: Size): Value {
  if (typeof T === "number" && typeof offset === "number") {
    return slice(table, 0, offset, offset + T);
  }
  const at = range(T, "int64");
  return gather(table, at.add(sizeValue(offset, at)));
}

/** What happens in a layer, told from its number. */
export type LayerCall = (layer: number, x: Value) => Omit<BlockCall, "scope">;

/** One block, by its number: x [B, T, width] → y. */
export function layerOf(
  network: Network,
  i: number,
  x: Value,
  { block }: NetworkSizes,
  call: BlockCall,
): { readonly y: Value; readonly cache: AttentionCache } {
  const pick = <P>(parts: readonly P[]): P => parts[Math.min(i, parts.length - 1)] as P;
  const parts = { attention: pick(network.attention), feedForward: pick(network.feedForward) };
  return transformerBlock(parts, x, block, call);
}

/** All blocks, and the last norm where there is one: x [B, T, width] → y, and a cache a layer. */
export function runLayers(
  network: Network,
  x: Value,
  sizes: NetworkSizes,
  call: LayerCall,
  scope?: Scope,
): { readonly y: Value; readonly caches: readonly AttentionCache[] } {
  const caches: AttentionCache[] = [];
  let y = x;
  for (let i = 0; i < sizes.layers; i++) {
    const part = scope === undefined ? {} : { scope: scope.at(`layer${i}`) };
    const result = layerOf(network, i, y, sizes, { ...call(i, y), ...part });
    caches.push(result.cache);
    y = result.y;
  }
  return { y: lastNorm(network, y, sizes), caches };
}

/** The norm after the last block of a pre-norm network. */
export const lastNorm = ({ norm }: Network, y: Value, { block }: NetworkSizes): Value =>
  norm === undefined ? y : transformerNorm(norm, y, block.norm);

/** Hidden states [..., width] → logits [..., vocabulary]. */
export const tokenLogits = ({ head, tokens }: Network, y: Value): Value =>
  head === undefined ? matmul(y, tokens.weight, { transposeB: true }) : linear(head, y);
