/**
 * A language model from left to right: Radford, Narasimhan, Salimans, Sutskever, "Improving language understanding
 * by generative pre-training" (2018), equation 1; its norms before the branches as in Radford et al., "Language
 * models are unsupervised multitask learners" (2019), section 2.3.
 *
 *   loss = −E[log p(x_{t+1} | x_1 … x_t)],   p = softmax(h_t·Eᵀ),   h = causal transformer of x
 *
 * x [B, T], h [B, T, width], nats a token.
 */
import { z } from "zod";
import type { Scope } from "../../nn/index.ts";
import { mean, reshape, sizeValue, slice } from "../../ops/index.ts";
import {
  type DataShape,
  defineMethod,
  gradientStep,
  gradientWeights,
  type Method,
  modelOf,
} from "../../step/index.ts";
import type { Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type CacheSizes, type NextStep, nextFunction } from "./generation.ts";
import { gptForHuggingFace } from "./hugging-face-gpt.ts";
import { embedTokens, initNetwork, type Network, runLayers, tokenLogits } from "./network.ts";
import { type NetworkSizes, sizesOf, transformerOptions } from "./options.ts";
import { leftToRightFigures, rowsAtOnce, textOf, tokenLogProb, windowInput } from "./text-data.ts";
import { textOptimizer } from "./training.ts";

const options = z.object(
  transformerOptions({ positions: "learned", normPlacement: "pre", dropout: 0 }),
);

type Options = z.infer<typeof options>;

/** Logits [B, T, vocabulary] of the token after each of tokens [B, T]. */
export function causalLogits(
  network: Network,
  tokens: Value,
  sizes: NetworkSizes,
  scope?: Scope,
): Value {
  const x = embedTokens(network, tokens, sizes, scope === undefined ? {} : { scope });
  return tokenLogits(network, runLayers(network, x, sizes, () => ({ mask: "causal" }), scope).y);
}

/** The next token's logits from new tokens and what is remembered of those before. */
export const causalStep =
  (
    sizes: NetworkSizes,
    networkOf: (weights: Tree<Value>) => Network = modelOf<Network>,
  ): NextStep =>
  (weights, token, pasts) => {
    const network = networkOf(weights);
    const offset = pasts[0]?.keys.size(2) ?? 0;
    const x = embedTokens(network, token, sizes, { offset });
    const { y, caches } = runLayers(network, x, sizes, (i) => ({
      mask: "causal",
      cache: pasts[i] as (typeof pasts)[number],
      offset: sizeValue(offset, x),
    }));
    const last = slice(y, 1, -1);
    const logits = reshape(tokenLogits(network, last), [token.size(0), sizes.vocabulary]);
    return { logits, caches };
  };

/** What every layer of a network remembers of a position. */
export const cacheSizes = ({ layers, block }: NetworkSizes): CacheSizes => ({
  layers,
  keyValueHeads: block.keyValueHeads as number,
  keySize: block.keySize as number,
  headSize: block.headSize as number,
});

/** Where positions are learned, a text has an end. */
export const longestOf = ({ block, context }: NetworkSizes): number | undefined =>
  block.positions === "learned" ? context : undefined;

function create(o: Options, data: DataShape): Method {
  const text = textOf("gpt", data);
  const sizes = sizesOf(o, text);
  const { context } = text;
  const logProbs = (network: Network, window: Value, scope?: Scope): Value =>
    tokenLogProb(
      causalLogits(network, slice(window, 1, 0, context), sizes, scope),
      slice(window, 1, 1),
    );
  return {
    name: "gpt",
    phases: [
      gradientStep({
        batch: { tokens: windowInput(text) },
        init: (key) => initNetwork(key, sizes),
        loss: (network, { tokens }, scope) => ({
          loss: mean(logProbs(network, tokens as Value, scope)).neg(),
        }),
        optimizer: textOptimizer(o),
      }),
    ],
    weights: gradientWeights,
    functions: {
      next: nextFunction(causalStep(sizes), cacheSizes(sizes), longestOf(sizes)),
      evaluate: {
        summary: "negative log-likelihood of the tokens of each window, a token",
        inputs: { tokens: windowInput(text) },
        exported: false,
        rowsAtOnce: rowsAtOnce(text),
        build: (weights, { tokens }) =>
          leftToRightFigures(logProbs(modelOf(weights), tokens as Value)),
      },
    },
    huggingFace: (weights) => gptForHuggingFace(weights, sizes),
    preprocessing: "token: int32 [batch, length], ids of the tokenizer of the training data",
  };
}

export const gpt = defineMethod({
  name: "gpt",
  summary: "Language model from left to right",
  paper:
    "Radford, Narasimhan, Salimans, Sutskever, Improving language understanding by generative pre-training (2018), equation 1",
  options,
  training: {
    ...{ batchSize: 32, epochs: 1, data: "state-of-the-union" },
    load: { tokenizer: "characters" },
  },
  create,
});
