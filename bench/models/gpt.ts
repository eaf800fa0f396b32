// A GPT: learned positions, pre-norm, causal attention, GELU of 4 times the width, AdamW.
import { Categorical } from "../../src/distributions/index.ts";
import {
  type AttentionCache,
  type AttentionParams,
  cachedAttention,
  dropout,
  type EmbeddingParams,
  embedding,
  initEmbedding,
  initializers,
  initLayerNorm,
  initLinear,
  initMultiHeadAttention,
  type LinearParams,
  layerNormalization,
  linear,
  type NormParams,
  type Scope,
} from "../../src/nn/index.ts";
import { gelu, mean, slice } from "../../src/ops/index.ts";
import { adamW } from "../../src/optim/index.ts";
import { gradientStep } from "../../src/step/index.ts";
import { addSize, dim, type Size, spec } from "../../src/tensor/index.ts";
import type { Key, Value } from "../../src/trace/index.ts";
import { integers, type Training } from "./samples.ts";

export const sizes = { layers: 6, features: 192, heads: 6, context: 128, vocabulary: 256 } as const;

type Layer = {
  readonly norm1: NormParams;
  readonly attention: AttentionParams;
  readonly norm2: NormParams;
  readonly wide: LinearParams;
  readonly narrow: LinearParams;
};

export type Gpt = {
  readonly tokens: EmbeddingParams;
  readonly positions: EmbeddingParams;
  readonly layers: readonly Layer[];
  readonly norm: NormParams;
  readonly head: LinearParams;
};

export function initGpt(key: Key): Gpt {
  const { layers, features, heads, context, vocabulary } = sizes;
  const small = { initializer: initializers.normal(0.02) };
  const initLayer = (k: Key): Layer => ({
    norm1: initLayerNorm(features),
    attention: initMultiHeadAttention(k.at("attention"), { features, heads, ...small }),
    norm2: initLayerNorm(features),
    wide: initLinear(k.at("wide"), features, 4 * features, small),
    narrow: initLinear(k.at("narrow"), 4 * features, features, small),
  });
  return {
    tokens: initEmbedding(key.at("tokens"), vocabulary, features, small),
    positions: initEmbedding(key.at("positions"), context, features, small),
    layers: Array.from({ length: layers }, (_, i) => initLayer(key.at(i))),
    norm: initLayerNorm(features),
    head: initLinear(key.at("head"), features, vocabulary, { ...small, bias: false }),
  };
}

export interface GptOptions {
  /** How many of the elements to drop, in training. */
  readonly dropout?: { readonly rate: number; readonly scope: Scope };
  /** A layer each; positions count from their length. */
  readonly caches?: readonly AttentionCache[];
}

/** Tokens [B, T] → logits [B, T, vocabulary] of the token after each, and the caches of the next call. */
export function logitsOf(
  model: Gpt,
  tokens: Value,
  { dropout: dropping, caches }: GptOptions = {},
): { readonly logits: Value; readonly caches: readonly AttentionCache[] } {
  const dropped = (x: Value, name: string): Value =>
    dropping === undefined ? x : dropout(x, dropping.rate, dropping.scope.at(name));
  const past: Size = caches?.[0]?.keys.size(2) ?? 0;
  const positions = slice(model.positions.weight, 0, past, addSize(past, tokens.size(1)));
  let x = dropped(embedding(model.tokens, tokens).add(positions), "embedding");
  const next: AttentionCache[] = [];
  for (const [i, layer] of model.layers.entries()) {
    const scope = dropping?.scope.at(`attention${i}`);
    const cache = caches?.[i];
    const { y, cache: all } = cachedAttention(layer.attention, layerNormalization(layer.norm1, x), {
      heads: sizes.heads,
      mask: "causal",
      ...(cache && { cache }),
      ...(scope && { dropout: { rate: dropping!.rate, scope } }),
    });
    next.push(all);
    x = x.add(dropped(y, `out${i}`));
    const hidden = gelu(linear(layer.wide, layerNormalization(layer.norm2, x)));
    x = x.add(dropped(linear(layer.narrow, hidden), `narrow${i}`));
  }
  return { logits: linear(model.head, layerNormalization(model.norm, x)), caches: next };
}

export function gpt(rate = 0, batchSize = 32): Training {
  const { context, vocabulary } = sizes;
  const length = 8 * batchSize;
  return {
    phase: gradientStep({
      batch: { token: spec("int32", [dim("B"), context + 1]) },
      init: initGpt,
      loss: (model, { token }, scope) => {
        const tokens = token as Value;
        const options = rate === 0 ? {} : { dropout: { rate, scope } };
        const { logits } = logitsOf(model, slice(tokens, 1, 0, context), options);
        const following = slice(tokens, 1, 1, context + 1);
        return { loss: mean(Categorical({ logits }).logProb(following)).neg() };
      },
      optimizer: adamW({ learningRate: 3e-4 }),
    }),
    samples: { length, columns: { token: integers(length, [context + 1], vocabulary) } },
    batchSize,
  };
}
