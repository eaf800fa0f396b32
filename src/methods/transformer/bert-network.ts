/** The network of BERT and its two tasks. */
import {
  initializers,
  initLinear,
  initTransformerNorm,
  type LinearParams,
  linear,
  type Scope,
  type TransformerNormParams,
  transformerNorm,
} from "../../nn/index.ts";
import {
  cast,
  concat,
  full,
  gelu,
  matmul,
  oneHot,
  reshape,
  slice,
  split,
  tanh,
} from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import {
  corrupt,
  type Layout,
  type Markers,
  type PairTask,
  placesIn,
  segmentIds,
  segmentsOf,
  sequence,
} from "./bert-inputs.ts";
import { embedTokens, initNetwork, type Network, runLayers, tokenLogits } from "./network.ts";
import type { NetworkSizes } from "./options.ts";
import { tokenLogProb } from "./text-data.ts";

/** start: norm of the embeddings, of post-norm networks; find: before the logits of tokens; pair: of [CLS]. */
export type Bert = {
  readonly network: Network;
  readonly start?: TransformerNormParams;
  readonly find: {
    readonly dense: LinearParams;
    readonly norm: TransformerNormParams;
    readonly bias: Value;
  };
  readonly pair?: { readonly pool: LinearParams; readonly out: LinearParams };
};

export interface BertSetup {
  readonly sizes: NetworkSizes;
  readonly markers: Markers;
  readonly layout: Layout;
  readonly pairs: PairTask;
  readonly maskRate: number;
}

export function initBert(key: Key, { sizes, pairs }: BertSetup): Bert {
  const { width, vocabulary, block } = sizes;
  const small = {
    initializer: initializers.normal(0.02),
    biasInitializer: initializers.zeros,
  };
  return {
    network: initNetwork(key.at("network"), sizes),
    ...(block.placement === "post" && { start: initTransformerNorm(width, block.norm) }),
    find: {
      dense: initLinear(key.at("dense"), width, width, small),
      norm: initTransformerNorm(width, block.norm),
      bias: full([vocabulary], 0),
    },
    ...(pairs !== "none" && {
      pair: {
        pool: initLinear(key.at("pool"), width, width, small),
        out: initLinear(key.at("out"), width, 2, small),
      },
    }),
  };
}

interface HiddenOptions {
  /** int32 [B, T] or [1, T]; without them all tokens are of one segment. */
  readonly segments?: Value;
  /** True for tokens that are there, bool [B, T]. */
  readonly visible?: Value;
  readonly scope?: Scope;
}

/** Tokens [B, T], markers included, as hidden states [B, T, width] that know both sides. */
export function hiddenStates(
  { network, start }: Bert,
  tokens: Value,
  { sizes }: BertSetup,
  { segments, visible, scope }: HiddenOptions,
): Value {
  const embedded = embedTokens(network, tokens, sizes, {
    ...(segments && { segments }),
    ...(scope && { scope }),
  });
  const x = start === undefined ? embedded : transformerNorm(start, embedded, sizes.block.norm);
  const seen = visible && reshape(visible, [visible.size(0), 1, 1, visible.size(1)]);
  return runLayers(
    network,
    x,
    sizes,
    () => ({ mask: "none", ...(seen && { visible: seen }) }),
    scope,
  ).y;
}

/** Logits [..., vocabulary] of the tokens at hidden states [..., width]. */
export function foundLogits({ network, find }: Bert, hidden: Value, { sizes }: BertSetup): Value {
  const y = transformerNorm(find.norm, gelu(linear(find.dense, hidden)), sizes.block.norm);
  return tokenLogits(network, y).add(find.bias);
}

/** Logits [B, 2] of whole and broken pairs, from the hidden state of [CLS]. */
export function pairLogits({ pair }: Bert, hidden: Value): Value | undefined {
  if (pair === undefined) return undefined;
  const first = reshape(slice(hidden, 1, 0, 1), [hidden.size(0), hidden.size(2)]);
  return linear(pair.out, tanh(linear(pair.pool, first)));
}

export interface Pretrained {
  /** log p of the tokens to be found [B, k], their logits [B, k, vocabulary], and which they were [B, k]. */
  readonly masked: Value;
  readonly logits: Value;
  readonly target: Value;
  /** log p of what the pair is [B]. */
  readonly pair?: Value;
}

/** Both tasks on windows [B, context + 1], with noise of the scope. */
export function pretrain(bert: Bert, windows: Value, setup: BertSetup, scope: Scope): Pretrained {
  const { layout, markers, pairs, maskRate } = setup;
  const { segments, broken } = segmentsOf(windows, layout, pairs, scope.key);
  const text = segments.length === 1 ? (segments[0] as Value) : concat(segments, 1);
  const { text: shown, at, target } = corrupt(text, markers, maskRate, scope.key.at("corrupt"));
  const tokens = sequence(split(shown, 1, segments.length), markers);
  const hidden = hiddenStates(bert, tokens, setup, {
    ...(broken && { segments: segmentIds(layout) }),
    scope,
  });
  // Rows picked by a product: its gradient is a product too, and there are few.
  const picked = matmul(oneHot(placesIn(at, layout), layout.length), hidden); // (B, k, width)
  const logits = foundLogits(bert, picked, setup);
  const result = { masked: tokenLogProb(logits, target), logits, target };
  const both = pairLogits(bert, hidden);
  if (both === undefined || broken === undefined) return result;
  const kind = reshape(cast(broken, "int32"), [-1]);
  return { ...result, pair: tokenLogProb(both, kind) };
}
