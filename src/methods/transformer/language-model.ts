/**
 * What the models of the likelihood of text have in common, gpt, xlnet and transformer-xl: how they are trained on
 * windows, and how windows are measured.
 */
import type { Model, Scope } from "../../nn/index.ts";
import { mean } from "../../ops/index.ts";
import {
  gradientStep,
  gradientWeights,
  type Method,
  type ModelFunction,
} from "../../step/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { rowsAtOnce, type TextData, windowInput } from "./text-data.ts";
import { type TrainingOptions, textOptimizer } from "./training.ts";

interface LanguageModel<M extends Model>
  extends Pick<Method, "name" | "functions" | "huggingFace"> {
  readonly text: TextData;
  readonly init: (key: Key) => M;
  /** log p, in nats, of the tokens of windows [B, context + 1] that the training asks for: [B, any]. */
  readonly logProb: (model: M, windows: Value, scope: Scope) => Value;
}

/** The method that minimizes −E[log p] of its tokens. */
export const languageModel = <M extends Model>(
  options: TrainingOptions,
  { text, init, logProb, ...method }: LanguageModel<M>,
): Method => ({
  ...method,
  phases: [
    gradientStep({
      batch: { tokens: windowInput(text) },
      init,
      loss: (model: M, { tokens }, scope) => ({
        loss: mean(logProb(model, tokens as Value, scope)).neg(),
      }),
      optimizer: textOptimizer(options),
    }),
  ],
  weights: gradientWeights,
  preprocessing: "token: int32 [batch, length], ids of the tokenizer of the training data",
});

/** The function `evaluate`: figures [B] of windows, as many at once as memory holds the logits of. */
export const windowEvaluation = (
  text: TextData,
  summary: string,
  figures: (
    weights: Parameters<ModelFunction["build"]>[0],
    windows: Value,
    scope: Scope,
  ) => Record<string, Value>,
): ModelFunction => ({
  summary,
  inputs: { tokens: windowInput(text) },
  exported: false,
  rowsAtOnce: rowsAtOnce(text),
  build: (weights, { tokens }, scope) => figures(weights, tokens as Value, scope),
});
