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
import { reshape, sizeValue, slice } from "../../ops/index.ts";
import { type DataShape, defineMethod, type Method, modelOf } from "../../step/index.ts";
import type { Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type CacheSizes, type NextStep, nextFunction } from "./generation.ts";
import { gptForHuggingFace } from "./hugging-face-gpt.ts";
import { languageModel, windowEvaluation } from "./language-model.ts";
import { embedTokens, initNetwork, type Network, runLayers, tokenLogits } from "./network.ts";
import { type NetworkSizes, sizesOf, transformerOptions } from "./options.ts";
import { leftToRightFigures, textOf, tokenLogProb } from "./text-data.ts";
import { textTraining } from "./training.ts";

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
  const logProb = (network: Network, window: Value, scope?: Scope): Value =>
    tokenLogProb(
      causalLogits(network, slice(window, 1, 0, context), sizes, scope),
      slice(window, 1, 1),
    );
  return languageModel(o, {
    ...{ name: "gpt", text, logProb },
    init: (key) => initNetwork(key, sizes),
    functions: {
      next: nextFunction(causalStep(sizes), cacheSizes(sizes), longestOf(sizes)),
      evaluate: windowEvaluation(
        text,
        "negative log-likelihood of the tokens of each window, a token",
        (weights, windows) => leftToRightFigures(logProb(modelOf(weights), windows)),
      ),
    },
    huggingFace: (weights) => gptForHuggingFace(weights, sizes),
  });
}

export const gpt = defineMethod({
  name: "gpt",
  summary: "Language model from left to right",
  paper:
    "Radford, Narasimhan, Salimans, Sutskever, Improving language understanding by generative pre-training (2018), equation 1",
  options,
  training: textTraining,
  create,
});
