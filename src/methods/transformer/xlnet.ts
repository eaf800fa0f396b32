/**
 * Permutation language modelling: Yang, Dai, Yang, Carbonell, Salakhutdinov, Le, "XLNet: generalized autoregressive
 * pretraining for language understanding" (2019), sections 2.2 and 2.3.
 *
 *   loss = −E_z[Σ_{t > c} log p(x_{z_t} | x_{z_<t})],   z: a random order of the positions    (equations 3, 5)
 *   p(x_{z_t} | x_{z_<t}) = softmax(g(x_{z_<t}, z_t)·Eᵀ)                                        (equation 4)
 *
 * g is the query stream of two-stream attention, which knows the position of a token and not the token. Only the last
 * positions of the order are asked for. The first token of a window is always known, so that no position has nothing
 * before it. x [B, T], nats a token.
 */
import { z } from "zod";
import type { Scope } from "../../nn/index.ts";
import {
  broadcastTo,
  concat,
  full,
  matmul,
  mean,
  oneHot,
  range,
  slice,
  takeAlongAxis,
  topK,
} from "../../ops/index.ts";
import { type DataShape, defineMethod, type Method, modelOf } from "../../step/index.ts";
import type { Tree } from "../../tensor/index.ts";
import { uniform, type Value } from "../../trace/index.ts";
import { nextFunction } from "./generation.ts";
import { cacheSizes, longestOf } from "./gpt.ts";
import { languageModel, windowEvaluation } from "./language-model.ts";
import { tokenLogits } from "./network.ts";
import { type NetworkSizes, sizesOf, transformerOptions } from "./options.ts";
import {
  leftToRightFigures,
  type TextData,
  textOf,
  tokenLogProb,
  windowInput,
} from "./text-data.ts";
import { textTraining } from "./training.ts";
import {
  contentStates,
  initTwoStreams,
  queryStates,
  type TwoStreams,
  twoStreamStep,
} from "./two-streams.ts";

const options = z.object({
  ...transformerOptions({ positions: "relative", normPlacement: "pre", dropout: 0 }),
  predicted: z
    .number()
    .gt(0)
    .max(1)
    .default(1 / 6)
    .describe("share of a window's tokens that are asked for, the last ones in the drawn order"),
});

type Options = z.infer<typeof options>;

/** Log-likelihood [B, k] of the last k tokens of a random order of tokens [B, T]. */
function permutedLogProb(
  model: TwoStreams,
  tokens: Value,
  sizes: NetworkSizes,
  { count, scope }: { readonly count: number; readonly scope: Scope },
): Value {
  const [B, T] = [tokens.size(0), tokens.size(1) as number];
  const drawn = uniform(scope.key.at("order"), [B, T - 1]);
  const rank = concat([full([B, 1], 0), drawn], 1);
  const [, at] = topK(rank, count);
  const states = queryStates(model, tokens, rank, sizes, scope.at("network"));
  const asked = matmul(oneHot(at, T), states); // (B, k, width)
  return tokenLogProb(tokenLogits(model.network, asked), takeAlongAxis(tokens, at, 1));
}

/** Log-likelihood [B, T − 1] of the tokens after the first, in the order of the text. */
function orderedLogProb(model: TwoStreams, tokens: Value, sizes: NetworkSizes): Value {
  const rank = broadcastTo(range(tokens.size(1)), tokens.shape);
  const states = queryStates(model, tokens, rank, sizes);
  return tokenLogProb(tokenLogits(model.network, slice(states, 1, 1)), slice(tokens, 1, 1));
}

function create(o: Options, data: DataShape): Method {
  const text = textOf("xlnet", data, 2);
  const sizes = sizesOf(o, text);
  const count = Math.max(1, Math.min(text.context - 1, Math.round(o.predicted * text.context)));
  const tokensOf = (windows: Value): Value => slice(windows, 1, 0, text.context);
  return languageModel(o, {
    ...{ name: "xlnet", text },
    init: (key) => initTwoStreams(key, sizes),
    logProb: (model, windows, scope) =>
      permutedLogProb(model, tokensOf(windows), sizes, { count, scope }),
    functions: functionsOf(sizes, text, { count, tokensOf }),
  });
}

function functionsOf(
  sizes: NetworkSizes,
  text: TextData,
  { count, tokensOf }: { count: number; tokensOf: (windows: Value) => Value },
): Method["functions"] {
  const model = (weights: Tree<Value>): TwoStreams => modelOf(weights);
  // The position that asks is one more.
  const end = longestOf(sizes);
  const longest = end === undefined ? undefined : end - 1;
  return {
    next: nextFunction(twoStreamStep(sizes, model), cacheSizes(sizes), longest),
    encode: {
      summary: `mean hidden state of the first ${text.context} tokens of each window, each of which knows all others`,
      inputs: { tokens: windowInput(text) },
      exported: true,
      build: (weights, { tokens }) => ({
        latent: mean(contentStates(model(weights), tokensOf(tokens as Value), sizes), 1),
      }),
    },
    evaluate: windowEvaluation(
      text,
      "negative log-likelihood of the tokens of each window, a token: from left to right, and of the last ones of a random order",
      (weights, windows, scope) => {
        const shown = tokensOf(windows);
        const permuted = permutedLogProb(model(weights), shown, sizes, { count, scope });
        return {
          ...leftToRightFigures(orderedLogProb(model(weights), shown, sizes)),
          permutedNegativeLogLikelihood: mean(permuted, -1).neg(),
        };
      },
    ),
  };
}

export const xlnet = defineMethod({
  name: "xlnet",
  summary: "Permutation language model with two-stream attention",
  paper:
    "Yang, Dai, Yang, Carbonell, Salakhutdinov, Le, XLNet: generalized autoregressive pretraining for language understanding (2019), equations 3 to 5",
  options,
  training: textTraining,
  create,
});
