/** The options that all transformers share, and what follows from them and the data. */
import { z } from "zod";
import type { BlockOptions } from "../../nn/index.ts";
import { ReparamError } from "../../tensor/index.ts";

const count = (): z.ZodInt => z.int().min(1);

interface Defaults {
  readonly positions: BlockOptions["positions"];
  readonly normPlacement: BlockOptions["placement"];
  readonly dropout: number;
}

/** Fields of a schema; what differs between the methods is given. */
export const transformerOptions = ({ positions, normPlacement, dropout }: Defaults) => ({
  layers: count().default(4).describe("blocks"),
  width: count().default(128).describe("features of every position"),
  heads: count().default(4).describe("attention heads"),
  keyValueHeads: count()
    .optional()
    .describe(
      "heads of keys and values, each for a group of query heads: 1 is multi-query (Shazeer 2019), else grouped (Ainslie et al. 2023); as many as heads if left out",
    ),
  keySize: count()
    .optional()
    .describe(
      "size of a query and a key; width/heads if left out. Larger ones lift the low-rank bottleneck (Bhojanapalli et al. 2020)",
    ),
  headSize: count().optional().describe("size of a value; width/heads if left out"),
  talkingHeads: z
    .enum(["none", "logits", "logits+weights"])
    .default("none")
    .describe(
      "what learned matrices mix over the heads: the logits before the mask and the softmax, and the weights after it (Shazeer et al. 2020)",
    ),
  softmaxHeads: count()
    .optional()
    .describe("heads of the softmax, between the two mixings of logits+weights; heads if left out"),
  norm: z
    .enum(["layer", "layer-no-bias", "rms"])
    .default("layer")
    .describe("layer norm, the same without offset, or root mean square norm"),
  normPlacement: z
    .enum(["pre", "post"])
    .default(normPlacement)
    .describe("norm inside each residual branch, or after the sum with it"),
  share: z
    .enum(["none", "all", "attention", "feed-forward"])
    .default("none")
    .describe("parts that are the same in every block (ALBERT, Lan et al. 2020)"),
  positions: z
    .enum(["learned", "sinusoidal", "rotary", "alibi", "relative"])
    .default(positions)
    .describe(
      "how positions are told: added to the tokens (learned, sinusoidal), or in the attention (rotary, ALiBi, relative as in Transformer-XL)",
    ),
  feedForward: z
    .enum(["gelu", "relu", "swiglu", "geglu"])
    .default("gelu")
    .describe("activation of the feed-forward networks; the last two are gated"),
  feedForwardWidth: count()
    .optional()
    .describe("features inside the feed-forward networks; 4·width, or 8/3·width with gates"),
  tiedEmbeddings: z
    .boolean()
    .default(true)
    .describe("predict tokens by the table that embeds them (Press, Wolf 2017)"),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(dropout)
    .describe("rate at which embeddings, attention weights and residual branches are dropped"),
  learningRate: z.number().positive().default(1e-3).describe("of AdamW, after the warm-up"),
  warmupSteps: z.int().min(0).default(100).describe("steps until the learning rate is reached"),
  decaySteps: z
    .int()
    .min(0)
    .default(0)
    .describe("steps after the warm-up to a tenth of the rate, along a cosine; 0 keeps it"),
  weightDecay: z.number().min(0).default(0.01).describe("of AdamW, on matrices"),
  clip: z.number().min(0).default(1).describe("most that the norm of the gradient may be; 0: any"),
});

export type TransformerOptions = z.infer<z.ZodObject<ReturnType<typeof transformerOptions>>>;

/** Sizes of a whole network: its blocks, and what stands before and after them. */
export interface NetworkSizes {
  readonly layers: number;
  readonly width: number;
  /** Rows of the embedding table, special tokens included. */
  readonly vocabulary: number;
  /** Positions that it is trained on. */
  readonly context: number;
  readonly share: TransformerOptions["share"];
  readonly tied: boolean;
  /** Kinds of segments that an input may have parts of; 0 where it has none. */
  readonly segments: number;
  readonly block: BlockOptions;
}

/** The sizes that options and data make. Throws where they do not go together. */
export function sizesOf(
  o: TransformerOptions,
  data: { readonly vocabulary: number; readonly context: number; readonly segments?: number },
): NetworkSizes {
  const whole = (name: string, given: number | undefined): number => {
    const size = given ?? o.width / o.heads;
    if (Number.isInteger(size)) return size;
    throw new ReparamError(
      `${o.heads} heads do not divide a width of ${o.width}: set ${name}, or another width.`,
    );
  };
  const keySize = whole("keySize", o.keySize);
  const headSize = whole("headSize", o.headSize);
  const { heads, keyValueHeads = heads, positions } = o;
  if (heads % keyValueHeads !== 0) {
    throw new ReparamError(
      `keyValueHeads ${keyValueHeads} does not divide heads ${heads}: every one must serve as many query heads.`,
    );
  }
  if (o.softmaxHeads !== undefined && o.talkingHeads !== "logits+weights") {
    throw new ReparamError(
      "softmaxHeads stands between two mixings: it wants talkingHeads logits+weights.",
    );
  }
  if (positions === "rotary" && keySize % 2 !== 0) {
    throw new ReparamError(
      `rotary positions turn pairs of numbers: keySize must be even, got ${keySize}.`,
    );
  }
  if ((positions === "sinusoidal" || positions === "relative") && o.width % 2 !== 0) {
    throw new ReparamError(`${positions} positions want an even width, got ${o.width}.`);
  }
  return {
    ...{ layers: o.layers, width: o.width, share: o.share, tied: o.tiedEmbeddings },
    ...{ vocabulary: data.vocabulary, context: data.context, segments: data.segments ?? 0 },
    block: {
      ...{ features: o.width, heads, keyValueHeads, keySize, headSize },
      talkingHeads: o.talkingHeads,
      ...(o.softmaxHeads !== undefined && { softmaxHeads: o.softmaxHeads }),
      ...{ norm: o.norm, placement: o.normPlacement, positions, dropout: o.dropout },
      feedForward: o.feedForward,
      ...(o.feedForwardWidth !== undefined && { hidden: o.feedForwardWidth }),
    },
  };
}
