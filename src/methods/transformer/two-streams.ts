/**
 * Two-stream attention: Yang, Dai, Yang, Carbonell, Salakhutdinov, Le, "XLNet: generalized autoregressive pretraining
 * for language understanding" (2019), section 2.3.
 *
 *   g_t ← attention(q = g_t, kv = h_j for j before t in the order)          the query stream: not x_t itself
 *   h_t ← attention(q = h_t, kv = h_j for j before t in the order, and t)   the content stream
 *
 * with the parameters of one transformer. h starts as the tokens, g as one learned vector; both have the positions.
 * What is before what is told by `rank` [B, T], numbers that grow along the order.
 */
import { embedding, initializers, type Scope } from "../../nn/index.ts";
import {
  broadcastTo,
  concat,
  less,
  lessOrEqual,
  range,
  reshape,
  sizeValue,
  slice,
} from "../../ops/index.ts";
import { addSize } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import type { NextStep } from "./generation.ts";
import {
  initNetwork,
  lastNorm,
  layerOf,
  type Network,
  placed,
  runLayers,
  tokenLogits,
} from "./network.ts";
import type { NetworkSizes } from "./options.ts";

/** query [width]: what stands in the query stream for the token that is to be found. */
export type TwoStreams = { readonly network: Network; readonly query: Value };

export function initTwoStreams(key: Key, sizes: NetworkSizes): TwoStreams {
  const fans = { fanIn: 1, fanOut: sizes.width };
  return {
    network: initNetwork(key.at("network"), sizes),
    query: initializers.normal(0.02)(key.at("query"), [sizes.width], fans),
  };
}

/**
 * Hidden states [B, T, width] of the query stream: at each position of what is before it in the order. The
 * position of the lowest rank has nothing before it, and its state means nothing.
 */
export function queryStates(
  { network, query }: TwoStreams,
  tokens: Value,
  rank: Value,
  sizes: NetworkSizes,
  scope?: Scope,
): Value {
  const [B, T] = [tokens.size(0), tokens.size(1)];
  const mine = reshape(rank, [B, 1, T, 1]);
  const theirs = reshape(rank, [B, 1, 1, T]);
  const [before, upTo] = [less(theirs, mine), lessOrEqual(theirs, mine)];
  const stream = (name: string, i?: number) =>
    scope === undefined ? {} : { scope: i === undefined ? scope.at(name) : scope.at(name).at(i) };
  const start = broadcastTo(query, [B, T, sizes.width]);
  let h = placed(network, embedding(network.tokens, tokens), sizes, stream("content"));
  let g = placed(network, start, sizes, stream("query"));
  for (let i = 0; i < sizes.layers; i++) {
    const call = { memory: h };
    const asked = { ...call, mask: before, ...stream("query", i) };
    const known = { ...call, mask: upTo, ...stream("content", i) };
    g = layerOf(network, i, g, sizes, asked).y;
    h = layerOf(network, i, h, sizes, known).y;
  }
  return lastNorm(network, g, sizes);
}

/** Hidden states [B, T, width] of the content stream where every token knows all others. */
export function contentStates({ network }: TwoStreams, tokens: Value, sizes: NetworkSizes): Value {
  const x = placed(network, embedding(network.tokens, tokens), sizes, {});
  return runLayers(network, x, sizes, () => ({ mask: "none" })).y;
}

/**
 * The next token's logits in the order of the text. The query stream is one position more after the new
 * tokens: it sees all before it, and no one sees it.
 */
export const twoStreamStep =
  (sizes: NetworkSizes, modelOf: (weights: Parameters<NextStep>[0]) => TwoStreams): NextStep =>
  (weights, token, pasts) => {
    const { network, query } = modelOf(weights);
    const offset = pasts[0]?.keys.size(2) ?? 0;
    const asking = broadcastTo(query, [token.size(0), 1, sizes.width]);
    const rows = concat([embedding(network.tokens, token), asking], 1);
    const x = placed(network, rows, sizes, { offset });
    const end = addSize(offset, token.size(1));
    const at = range(addSize(end, 1));
    const visible = reshape(less(at, sizeValue(end, at)), [1, 1, 1, addSize(end, 1)]);
    const { y, caches } = runLayers(network, x, sizes, (i) => ({
      mask: "causal",
      visible,
      cache: pasts[i] as (typeof pasts)[number],
      offset: sizeValue(offset, x),
    }));
    const logits = reshape(tokenLogits(network, slice(y, 1, -1)), [
      token.size(0),
      sizes.vocabulary,
    ]);
    const kept = caches.map(({ keys, values }) => ({
      keys: slice(keys, 2, 0, -1),
      values: slice(values, 2, 0, -1),
    }));
    return { logits, caches: kept };
  };
