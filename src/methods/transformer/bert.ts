/**
 * A bidirectional transformer that finds masked tokens: Devlin, Chang, Lee, Toutanova, "BERT: pre-training of deep
 * bidirectional transformers for language understanding" (2019), section 3.1.
 *
 *   loss = −E[log p(x_m | x̃)] − E[log p(pair | x̃)],   m: the chosen places of x̃, a corrupted x
 *   p(x_m | x̃) = softmax(norm(gelu(W h_m))·Eᵀ + b),   p(pair | x̃) = softmax(W tanh(W h_CLS))
 *
 * The second term is next-sentence prediction, or sentence-order prediction (Lan et al., "ALBERT", 2020), or left
 * out. x̃ [B, T], h [B, T, width], nats a token and a pair.
 */
import { z } from "zod";
import { mean } from "../../ops/index.ts";
import {
  type DataShape,
  defineMethod,
  gradientStep,
  gradientWeights,
  type LossTerms,
  type Method,
  modelOf,
} from "../../step/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { bertFunctions } from "./bert-functions.ts";
import { layoutOf, markersOf } from "./bert-inputs.ts";
import { type Bert, type BertSetup, initBert, pretrain } from "./bert-network.ts";
import { bertForHuggingFace } from "./hugging-face-bert.ts";
import { sizesOf, transformerOptions } from "./options.ts";
import { textOf, windowInput } from "./text-data.ts";
import { textOptimizer, textTraining } from "./training.ts";

const options = z.object({
  ...transformerOptions({ positions: "learned", normPlacement: "post", dropout: 0 }),
  pairs: z
    .enum(["none", "sentence-order", "next-sentence"])
    .default("sentence-order")
    .describe(
      "second task: whether the halves of a window are in order (ALBERT), or belong together (BERT)",
    ),
  maskRate: z.number().gt(0).lt(1).default(0.15).describe("share of tokens that are to be found"),
});

type Options = z.infer<typeof options>;

function create(o: Options, data: DataShape): Method {
  const text = textOf("bert", data, 8);
  if (o.pairs === "next-sentence" && data.batchSize < 2) {
    throw new ReparamError(
      "next-sentence prediction takes other sentences from other rows: batches of one have none.",
    );
  }
  const markers = markersOf(text);
  const pairs = o.pairs !== "none";
  const setup: BertSetup = {
    sizes: sizesOf(o, {
      vocabulary: markers.vocabulary,
      context: text.context,
      segments: pairs ? 2 : 0,
    }),
    ...{ markers, layout: layoutOf(text.context, pairs), pairs: o.pairs, maskRate: o.maskRate },
  };
  return {
    name: "bert",
    phases: [
      gradientStep({
        batch: { tokens: windowInput(text) },
        init: (key: Key) => initBert(key, setup),
        loss: (model: Bert, { tokens }, scope) => {
          const result = pretrain(model, tokens as Value, setup, scope);
          const masked = mean(result.masked).neg();
          if (result.pair === undefined) return { loss: masked };
          const pair = mean(result.pair).neg();
          return { loss: masked.add(pair), masked, pair } satisfies LossTerms;
        },
        optimizer: textOptimizer(o),
      }),
    ],
    weights: gradientWeights,
    functions: bertFunctions(setup, text, (weights) => modelOf<Bert>(weights)),
    huggingFace: (weights) => bertForHuggingFace(weights, setup),
    preprocessing:
      "token: int32 [batch, length] as [CLS] A [SEP] or [CLS] A [SEP] B [SEP], ids of the tokenizer of the training data",
  };
}

export const bert = defineMethod({
  name: "bert",
  summary: "Bidirectional transformer that finds masked tokens",
  paper:
    "Devlin, Chang, Lee, Toutanova, BERT: pre-training of deep bidirectional transformers for language understanding (2019), section 3.1",
  options,
  training: textTraining,
  create,
});
