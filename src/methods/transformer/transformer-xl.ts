/**
 * A language model with a memory of the segments before: Dai, Yang, Yang, Carbonell, Le, Salakhutdinov,
 * "Transformer-XL: attentive language models beyond a fixed-length context" (2019), sections 3.2 and 3.3.
 *
 *   loss = −E[log p(x_{t+1} | segment, memory)],   the memory of a layer: its input M positions before the segment
 *
 * A window of the data is several segments, through which the memory is carried in training; over test data it is
 * carried from window to window. x [B, S·T], nats a token.
 */
import { z } from "zod";
import type { Scope } from "../../nn/index.ts";
import { reshape, slice } from "../../ops/index.ts";
import { type DataShape, defineMethod, type Method, modelOf } from "../../step/index.ts";
import { mulSize, ReparamError, type Size } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { nextFunction } from "./generation.ts";
import { cacheSizes, causalStep, longestOf } from "./gpt.ts";
import { languageModel, windowEvaluation } from "./language-model.ts";
import { embedTokens, initNetwork, type Network, tokenLogits } from "./network.ts";
import { type NetworkSizes, sizesOf, transformerOptions } from "./options.ts";
import { type Recurrence, recurrentStates } from "./recurrence.ts";
import { leftToRightFigures, textOf, tokenLogProb } from "./text-data.ts";
import { textTraining } from "./training.ts";

const options = z.object({
  ...transformerOptions({ positions: "relative", normPlacement: "pre", dropout: 0 }),
  segments: z
    .int()
    .min(1)
    .default(2)
    .describe("segments that a window of the data is divided into"),
  memory: z
    .int()
    .min(0)
    .optional()
    .describe("positions before a segment that are remembered; those of one segment if left out"),
});

type Options = z.infer<typeof options>;

/** What is remembered of a window. Throws where the window has no such segments. */
function recurrenceOf({ segments, memory }: Options, context: number): Recurrence {
  if (context % segments !== 0) {
    throw new ReparamError(
      `a context of ${context} tokens has no ${segments} equal segments. Load the data with a multiple of ${segments}, or set segments.`,
    );
  }
  const segment = context / segments;
  return { segment, memory: memory ?? segment };
}

/** log p of the tokens after the first, [B, context], of windows [B, context + 1]. */
function logProbs(
  network: Network,
  windows: Value,
  sizes: NetworkSizes,
  recurrence: Recurrence & { readonly rows: "texts" | "one text" },
  scope?: Scope,
): Value {
  const { context, width } = sizes;
  const B = windows.size(0);
  const x = embedTokens(
    network,
    slice(windows, 1, 0, context),
    sizes,
    scope === undefined ? {} : { scope },
  );
  const whole = recurrence.rows === "one text";
  const segments = context / recurrence.segment;
  const count: Size = whole ? mulSize(B, segments) : segments;
  const texts = whole ? reshape(x, [1, mulSize(B, context), width]) : x;
  const y = recurrentStates(network, texts, sizes, { ...recurrence, count }, scope);
  const logits = tokenLogits(network, reshape(y, [B, context, width]));
  return tokenLogProb(logits, slice(windows, 1, 1));
}

function create(o: Options, data: DataShape): Method {
  const text = textOf("transformer-xl", data);
  const sizes = sizesOf(o, text);
  const recurrence = recurrenceOf(o, text.context);
  return languageModel(o, {
    ...{ name: "transformer-xl", text },
    init: (key) => initNetwork(key, sizes),
    logProb: (network, windows, scope) =>
      logProbs(network, windows, sizes, { ...recurrence, rows: "texts" }, scope),
    functions: {
      next: nextFunction(causalStep(sizes), cacheSizes(sizes), longestOf(sizes)),
      evaluate: windowEvaluation(
        text,
        "negative log-likelihood of the tokens of each window, a token; the memory goes from row to row",
        (weights, windows) => {
          const one = { ...recurrence, rows: "one text" } as const;
          return leftToRightFigures(logProbs(modelOf<Network>(weights), windows, sizes, one));
        },
      ),
    },
  });
}

export const transformerXl = defineMethod({
  name: "transformer-xl",
  summary: "Language model with a memory of the segments before",
  paper:
    "Dai, Yang, Yang, Carbonell, Le, Salakhutdinov, Transformer-XL: attentive language models beyond a fixed-length context (2019), sections 3.2 and 3.3",
  options,
  training: textTraining,
  create,
});
