import { argMax, cast, equal, logSoftmax, mean, oneHot, slice, sum } from "../../ops/index.ts";
import type { DataShape } from "../../step/index.ts";
import { formatShape, ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { InputRule } from "./inputs.ts";
import type { Options } from "./options.ts";

export type LossName = Exclude<Options["loss"], "auto">;

/** Figures of every row [B], the loss first. */
export type RowFigures = (
  output: Value,
  input: Value,
  batch: Readonly<Record<string, Value>>,
) => { readonly loss: Value; readonly [name: string]: Value };

export function lossName(o: Options, { column }: InputRule, data: DataShape): LossName {
  if (o.loss !== "auto") return o.loss;
  if (column === "tokens") return "next-token";
  return data.columns.label === undefined ? "squared-error" : "cross-entropy";
}

const classesOf = (logits: Value): number => {
  const size = logits.size(-1);
  if (typeof size === "number") return size;
  throw new ReparamError(`finetune: the scores ${formatShape(logits.shape)} have no fixed count.`);
};

/** −log softmax(logits)[target], of the last axis. */
const crossEntropy = (logits: Value, targets: Value): Value =>
  sum(logSoftmax(logits).mul(oneHot(targets, classesOf(logits), logits.dtype)), -1).neg();

export const rowFigures: Readonly<Record<LossName, RowFigures>> = {
  "cross-entropy": (output, _input, { label }) => {
    if (label === undefined)
      throw new ReparamError("finetune: cross-entropy wants data with labels.");
    if (output.rank !== 2) {
      throw new ReparamError(
        `finetune: cross-entropy wants scores [batch, classes], the output is ${formatShape(output.shape)}. Add --new-head, or name another --output.`,
      );
    }
    const right = equal(argMax(output), cast(label, "int64"));
    return { loss: crossEntropy(output, label), accuracy: cast(right, "float32") };
  },
  "next-token": (output, _input, { tokens }) => {
    if (tokens === undefined || output.rank !== 3) {
      throw new ReparamError(
        `finetune: next-token wants text and scores [batch, length, vocabulary], the output is ${formatShape(output.shape)}.`,
      );
    }
    const targets = slice(tokens, 1, 1);
    const right = equal(argMax(output), cast(targets, "int64"));
    return {
      loss: mean(crossEntropy(output, targets), 1),
      accuracy: mean(cast(right, "float32"), 1),
    };
  },
  "squared-error": (output, input) => {
    if (formatShape(output.shape) !== formatShape(input.shape)) {
      throw new ReparamError(
        `finetune: squared-error compares the output ${formatShape(output.shape)} with the input ${formatShape(input.shape)}, which differ.`,
      );
    }
    const axes = Array.from({ length: output.rank - 1 }, (_, i) => i + 1);
    return { loss: mean(output.sub(cast(input, output.dtype)).square(), axes) };
  },
};
