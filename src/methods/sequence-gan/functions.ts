// What a trained generator of sequences can do.
import { argMax, broadcastTo, cast, log, oneHot, slice, squeeze } from "../../ops/index.ts";
import type { BatchSpec, Method } from "../../step/index.ts";
import { dim, type Size, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { generate, logLikelihood, type Recurrent, type SequenceSizes } from "./generator.ts";

const B = dim("B");

/** A batch of sequences. */
export const tokensSpec = ({ length }: Pick<SequenceSizes, "length">): BatchSpec => ({
  tokens: { dtype: "int32", shape: [B, length] },
});

/** Logits that all rows share, [1, symbols], for each of them; others as they are. */
export const broadcastRows = (logits: Value, rows: Size): Value =>
  logits.size(0) === 1 ? broadcastTo(logits, [rows, logits.size(-1)]) : logits;

export function sequenceFunctions(sizes: SequenceSizes): Method["functions"] {
  const { symbols, length } = sizes;
  const generatorOf = (weights: Tree<Value>): Recurrent =>
    (weights as { readonly generator: Recurrent }).generator;
  return {
    sample: {
      summary: "sequences of symbols, drawn exactly",
      inputs: {
        noise: {
          ...{ dtype: "float32", shape: [B, length, symbols], noise: "uniform" },
          description: "U(0, 1)",
        },
        temperature: {
          ...{ dtype: "float32", shape: [], default: 1 },
          description: "of the logits: below 1 the likelier symbols are likelier still",
        },
      },
      exported: true,
      build: (weights, { noise, temperature }) => {
        // The largest of logits and Gumbel noise is a sample of softmax(logits).
        const gumbel = log(log(noise as Value).neg()).neg();
        const drawn = generate(generatorOf(weights), sizes, (logits, t) => {
          const own = squeeze(slice(gumbel, 1, t, t + 1), 1);
          const scores = broadcastRows(logits, B)
            .div(temperature as Value)
            .add(own);
          return oneHot(argMax(scores, -1), symbols);
        });
        return { tokens: cast(argMax(drawn, -1), "int32") };
      },
    },
    evaluate: {
      summary: "negative log-likelihood of sequences under the generator, in nats",
      inputs: tokensSpec(sizes),
      exported: false,
      build: (weights, { tokens }) => ({
        negativeLogLikelihood: logLikelihood(
          generatorOf(weights),
          oneHot(tokens as Value, symbols),
        ).neg(),
      }),
    },
  };
}
