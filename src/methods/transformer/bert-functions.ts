/** What a trained BERT can do. */
import { argMax, cast, equal, exp, greater, mean, reshape, slice } from "../../ops/index.ts";
import type { FunctionInput, Method, ModelFunction } from "../../step/index.ts";
import { dim, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { layoutOf, sequence } from "./bert-inputs.ts";
import {
  type Bert,
  type BertSetup,
  foundLogits,
  hiddenStates,
  pairLogits,
  pretrain,
} from "./bert-network.ts";
import { windowEvaluation } from "./language-model.ts";
import { B, type TextData, windowInput } from "./text-data.ts";

type ModelOf = (weights: Tree<Value>) => Bert;

export const bertFunctions = (
  setup: BertSetup,
  text: TextData,
  modelOf: ModelOf,
): Method["functions"] => ({
  fill: fillFunction(setup, modelOf),
  encode: encodeFunction(setup, text, modelOf),
  evaluate: evaluateFunction(setup, text, modelOf),
});

/** Sequences of any length, as they come from a tokenizer, padded where rows differ. */
function fillFunction(setup: BertSetup, modelOf: ModelOf): ModelFunction {
  const shape = [B, dim("T")] as const;
  const input = (description: string, more = {}): FunctionInput => ({
    ...{ dtype: "int32", shape, description },
    ...more,
  });
  const { block, context } = setup.sizes;
  return {
    summary: "logits of every token from all tokens around it",
    inputs: {
      token: input("ids, markers and masked tokens included"),
      visible: input("1 for a token, 0 for padding", { default: 1 }),
      ...(setup.sizes.segments > 0 && {
        segment: input("0 until the first [SEP], 1 after it", { default: 0 }),
      }),
    },
    exported: true,
    ...(block.positions === "learned" && { longest: context }),
    build: (weights, { token, visible, segment }) => {
      const bert = modelOf(weights);
      const hidden = hiddenStates(bert, token as Value, setup, {
        visible: greater(visible as Value, 0),
        ...(segment && { segments: segment }),
      });
      const pair = pairLogits(bert, hidden);
      return {
        logits: foundLogits(bert, hidden, setup),
        hidden,
        ...(pair && { pairLogits: pair }),
      };
    },
  };
}

function encodeFunction(setup: BertSetup, text: TextData, modelOf: ModelOf): ModelFunction {
  const { segment } = layoutOf(text.context, false);
  return {
    summary: `mean hidden state of the first ${segment} tokens of each window`,
    inputs: { tokens: windowInput(text) },
    exported: true,
    build: (weights, { tokens }) => {
      const shown = sequence([slice(tokens as Value, 1, 0, segment)], setup.markers);
      const hidden = hiddenStates(modelOf(weights), shown, setup, {});
      return { latent: mean(slice(hidden, 1, 1, -1), 1) };
    },
  };
}

function evaluateFunction(setup: BertSetup, text: TextData, modelOf: ModelOf): ModelFunction {
  return windowEvaluation(
    text,
    "masked tokens of each window, drawn by the seed, and its pair, in nats and found",
    (weights, windows, scope) => {
      const { masked, logits, target, pair } = pretrain(modelOf(weights), windows, setup, scope);
      const right = cast(equal(cast(argMax(logits), "int32"), target), "float32");
      return {
        maskedNegativeLogLikelihood: mean(masked, -1).neg(),
        maskedAccuracy: mean(right, -1),
        ...(pair && {
          pairNegativeLogLikelihood: pair.neg(),
          // The likelier of two is above a half.
          pairAccuracy: reshape(cast(greater(exp(pair), 0.5), "float32"), [-1]),
        }),
      };
    },
  );
}
