/**
 * Skip-gram word vectors: Mikolov et al., "Distributed representations of words and phrases and their
 * compositionality" (2013), equation 4, with k words of noise for every pair of a word w and a word c near it:
 *
 *   loss = −Σ_(w,c) [log σ(u_w·v_c) + k·E_(n~q) log σ(−u_w·v_n)] / pairs,   q(n) ∝ count(n)^¾
 *
 * At its minimum u_w·v_c = log p(w, c)/(p(w)q(c)) − log k: pointwise mutual information, shifted (Levy, Goldberg,
 * "Neural word embedding as implicit matrix factorization", 2014, section 3.1). With the objective "nce", scores less
 * log k·q(c) stand in place of the scores, and u_w·v_c + b_c becomes log p(c|w) (Gutmann, Hyvärinen, "Noise-contrastive
 * estimation", 2010, equation 3; Mnih, Teh 2012).
 *
 * Tokens [B, T], vectors u and v [V, features]. Two choices that are random in word2vec are taken by their expectation:
 * a window of a random size r ≤ window holds a word at distance d with probability (window − d + 1)/window, and a word
 * of frequency f is kept with probability min(1, √(t/f)). Noise words are drawn once for a batch.
 */
import { z } from "zod";
import {
  buffer,
  type EmbeddingParams,
  embedding,
  initEmbedding,
  initializers,
  type ModelBuffer,
  type Scope,
} from "../../nn/index.ts";
import {
  constant,
  expandDims,
  full,
  gather,
  matmul,
  maximum,
  mean,
  minimum,
  softplus,
  sqrt,
  sum,
} from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  type FunctionInput,
  gradientStep,
  gradientWeights,
  type Method,
  modelOf,
} from "../../step/index.ts";
import { dim, ReparamError, tensorOf } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { countTokens, drawWords, logShares, noiseShares } from "./noise.ts";

export const contrastFields = {
  features: z.int().min(1).default(64).describe("size of a vector"),
  negatives: z.number().positive().default(5).describe("k, words of noise for each true one"),
  noiseExponent: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe("of the counts by which noise is drawn"),
};

const options = z.object({
  ...contrastFields,
  window: z.int().min(1).default(5).describe("words to each side that are near"),
  objective: z
    .enum(["negative-sampling", "nce"])
    .default("negative-sampling")
    .describe("scores that end as mutual information, or as log-probabilities"),
  noiseWords: z.int().min(1).default(64).describe("different words of noise in a batch"),
  subsample: z
    .number()
    .positive()
    .default(1e-3)
    .describe("t, frequency above which words count less"),
  learningRate: z.number().positive().default(2e-3).describe("of Adam"),
});

type Options = z.infer<typeof options>;

export type SkipGram = {
  /** u, the vectors that are kept. */
  readonly word: EmbeddingParams;
  /** v, of words as neighbours. */
  readonly near: EmbeddingParams;
  /** Of nce: b [V], so that the score is u_w·v_c + b_c. */
  readonly bias?: Value;
  /** Words seen in training, [V]; none of special tokens. */
  readonly counts: ModelBuffer;
};

const B = dim("B");

export function initSkipGram(key: Key, vocabulary: number, o: Options): SkipGram {
  const { features } = o;
  // As in word2vec: small vectors, and scores of 0.
  const initializer = initializers.uniform(0.5 / features);
  return {
    word: initEmbedding(key.at("word"), vocabulary, features, { initializer }),
    near: initEmbedding(key.at("near"), vocabulary, features, { initializer: initializers.zeros }),
    // All words alike: −log V.
    ...(o.objective === "nce" && { bias: full([vocabulary], -Math.log(vocabulary), "float32") }),
    counts: buffer(full([vocabulary], 0, "float32")),
  };
}

/** Weights [T, T] of pairs of places by their distance. */
function bandWeights(length: number, window: number): Value {
  const weights = Float32Array.from({ length: length * length }, (_, at) => {
    const distance = Math.abs(Math.floor(at / length) - (at % length));
    return distance === 0 ? 0 : Math.max(0, window - distance + 1) / window;
  });
  return constant(tensorOf(weights, [length, length]));
}

/** Words of noise for a batch, [K]. */
const drawNoise = (o: Options, counts: Value, scope: Scope): Value =>
  drawWords(scope.key.at("noise"), noiseShares(counts, o.noiseExponent), o.noiseWords);

/**
 * The loss of every window of tokens [B, T], and the pairs that it counts, [B] each, by counts of words [V] and words
 * of noise [K].
 */
export function skipGramTerms(
  model: SkipGram,
  o: Options,
  tokens: Value,
  { counts, noise }: { readonly counts: Value; readonly noise: Value },
): { readonly loss: Value; readonly pairs: Value } {
  const u = embedding(model.word, tokens); // (B, T, D)
  const v = embedding(model.near, tokens);
  const offset = offsetOf(model, o, counts);
  const withOffset = (scores: Value, words: Value): Value =>
    offset === undefined ? scores : scores.add(gather(offset, words));
  const near = withOffset(
    matmul(u, v, { transposeB: true }),
    expandDims(tokens, 1), // (B, 1, T)
  );
  const far = withOffset(
    matmul(u, embedding(model.near, noise), { transposeB: true }), // (B, T, K)
    noise,
  );
  const kept = keptShares(counts, o.subsample, tokens); // (B, T)
  const weights = bandWeights(tokens.size(1) as number, o.window)
    .mul(expandDims(kept, 2))
    .mul(expandDims(kept, 1)); // (B, T, T)
  const positive = sum(softplus(near.neg()).mul(weights), [1, 2]);
  const negative = sum(mean(softplus(far), 2).mul(sum(weights, 2)), 1).mul(o.negatives);
  return { loss: positive.add(negative), pairs: sum(weights, [1, 2]) };
}

/** What nce adds to the scores of each word, b − log k·q. */
function offsetOf({ bias }: SkipGram, o: Options, counts: Value): Value | undefined {
  if (o.objective !== "nce") return undefined;
  const noise = logShares(noiseShares(counts, o.noiseExponent), o.negatives);
  return bias === undefined ? noise.neg() : bias.sub(noise);
}

/** min(1, √(t/f)) of each token; 0 of special ones, which are never counted. */
function keptShares(counts: Value, subsample: number, tokens: Value): Value {
  const total = maximum(sum(counts), 1);
  const kept = minimum(sqrt(total.mul(subsample).div(maximum(counts, 1))), 1);
  return gather(kept.mul(minimum(counts, 1)), tokens);
}

function vocabularyOf({ columns, vocabulary, special }: DataShape) {
  const { tokens } = columns;
  const length = tokens?.shape[1];
  if (tokens?.dtype !== "int32" || tokens.shape.length !== 2 || typeof length !== "number") {
    throw new ReparamError(
      "skip-gram wants text: a data set with a column tokens of int32 [context + 1], such as a text file given by --data.",
    );
  }
  if (vocabulary === undefined) {
    throw new ReparamError(
      "skip-gram wants to know the vocabulary of its data set of tokens. Load it with a tokenizer.",
    );
  }
  return { vocabulary, length, words: special?.end ?? vocabulary };
}

function create(o: Options, data: DataShape): Method {
  const { vocabulary, length, words } = vocabularyOf(data);
  const isWord = Float32Array.from({ length: vocabulary }, (_, id) => Number(id < words));
  const tokens: FunctionInput = {
    ...{ dtype: "int32", shape: [B, length], description: "windows of tokens" },
  };
  return {
    name: "skip-gram",
    phases: [
      gradientStep<SkipGram>({
        batch: { tokens },
        init: (key) => initSkipGram(key, vocabulary, o),
        loss: (model, batch, scope) => {
          const given = batch.tokens as Value;
          const seen = countTokens(given, vocabulary).mul(constant(tensorOf(isWord, [vocabulary])));
          const counts = model.counts.value.add(seen);
          scope.update(model.counts, counts);
          const noise = drawNoise(o, counts, scope);
          const { loss, pairs } = skipGramTerms(model, o, given, { counts, noise });
          return { loss: sum(loss).div(maximum(sum(pairs), 1)) };
        },
        optimizer: adam({ learningRate: o.learningRate }),
      }),
    ],
    weights: gradientWeights,
    functions: {
      encode: {
        summary: "tokens to the vectors of their words",
        inputs: {
          tokens: { dtype: "int32", shape: [B, dim("T")], below: vocabulary, description: "ids" },
        },
        exported: true,
        build: (weights, given) => ({
          latent: embedding(modelOf<SkipGram>(weights).word, given.tokens as Value),
        }),
      },
      evaluate: {
        summary: "nats a pair of each window, against noise that is drawn once a chunk",
        inputs: { tokens },
        exported: false,
        build: (weights, given, scope) => {
          const model = modelOf<SkipGram>(weights);
          const counts = model.counts.value;
          const noise = drawNoise(o, counts, scope);
          const { loss, pairs } = skipGramTerms(model, o, given.tokens as Value, { counts, noise });
          return { loss: loss.div(maximum(pairs, 1e-6)) };
        },
      },
    },
    preprocessing: "tokens: int32 [batch, length], ids of the tokenizer of the training data",
  };
}

export const skipGram = defineMethod({
  name: "skip-gram",
  summary: "Word vectors by noise-contrastive prediction of neighbours",
  paper:
    "Mikolov et al., Distributed representations of words and phrases and their compositionality (2013), equation 4",
  options,
  training: {
    ...{ batchSize: 64, epochs: 5, data: "state-of-the-union" },
    load: { tokenizer: "words", vocabulary: 8000, context: 32 },
  },
  create,
});
