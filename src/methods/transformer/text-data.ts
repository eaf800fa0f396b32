/** What the methods of this folder need to know of text, and the likelihood of its tokens. */
import { logSoftmax, mean, reshape, squeeze, takeAlongAxis } from "../../ops/index.ts";
import type { DataShape, FunctionInput } from "../../step/index.ts";
import { dim, ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";

export const B = dim("B");

/** Text as windows of tokens. */
export interface TextData {
  /** Ids are below this. */
  readonly vocabulary: number;
  /** Tokens that have a successor in their window: the column `tokens` is int32 [B, context + 1]. */
  readonly context: number;
  readonly special: DataShape["special"];
}

/** The text that a method is to be made for. Throws if the data are none, or shorter than `shortest`. */
export function textOf(method: string, data: DataShape, shortest = 1): TextData {
  const { tokens } = data.columns;
  const length = tokens?.shape[1];
  const { vocabulary, special } = data;
  if (tokens?.dtype !== "int32" || tokens.shape.length !== 2 || typeof length !== "number") {
    throw new ReparamError(
      `${method} wants text: a data set with a column tokens of int32 [context + 1], such as a text file given by --data.`,
    );
  }
  if (vocabulary === undefined) {
    throw new ReparamError(`${method} wants to know the vocabulary of its data set of tokens.`);
  }
  if (length - 1 < shortest) {
    throw new ReparamError(
      `${method} wants windows of at least ${shortest} tokens, got a context of ${length - 1}. Load the data with a longer one.`,
    );
  }
  return { vocabulary, context: length - 1, special };
}

/** The column of windows, as an input. */
export const windowInput = ({ context }: TextData): FunctionInput => ({
  dtype: "int32",
  shape: [B, context + 1],
  description: "windows of tokens",
});

/** Rows of windows whose logits fit into 128 MB; 256 at most. */
export const rowsAtOnce = ({ context, vocabulary }: TextData): number =>
  Math.max(1, Math.min(256, Math.floor(2 ** 25 / (context * vocabulary))));

/** log p of the tokens [B, T] by logits [B, T, vocabulary], in nats: [B, T]. */
export function tokenLogProb(logits: Value, tokens: Value): Value {
  const at = reshape(tokens, [...tokens.shape, 1]);
  return squeeze(takeAlongAxis(logSoftmax(logits), at, -1), -1);
}

/** Means over a window of log p of its tokens [B, T]: nats and bits a token, [B]. */
export function leftToRightFigures(logProb: Value): Record<string, Value> {
  const nats = mean(logProb, -1).neg();
  return { negativeLogLikelihood: nats, bitsPerToken: nats.mul(Math.LOG2E) };
}
