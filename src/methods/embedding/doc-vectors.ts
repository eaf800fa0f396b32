/**
 * Document vectors by their words alone (PV-DBOW): Le, Mikolov, "Distributed representations of sentences and
 * documents" (2014), section 2.3, by negative sampling. A document d of N_d words, n_dw of them w, has the vector
 *
 *   x_d = argmin_x L_d(x),   L_d(x) = −Σ_w [n_dw/N_d·log σ(x·v_w) + k·q(w)·log σ(−x·v_w)] + λ/2·‖x‖²
 *   loss = mean_d L_d(x_d),   q(w) ∝ count(w)^¾
 *
 * L_d is convex in x. So the vectors of documents are not kept: `foldIn` steps of an accelerated gradient method
 * (Nesterov 1983) from 0 find them, in training as for documents that were never seen (section 2.2 of the paper calls
 * that the inference stage), and at the minimum the gradient towards v needs no derivative of x_d (the envelope
 * theorem). The vocabulary is small enough to sum over the noise in place of drawing it.
 *
 * counts [B, V], x [B, features], v [V, features], nats a word.
 */
import { z } from "zod";
import {
  buffer,
  type EmbeddingParams,
  initEmbedding,
  initializers,
  type ModelBuffer,
} from "../../nn/index.ts";
import {
  cast,
  full,
  matmul,
  maximum,
  mean,
  sigmoid,
  softplus,
  stopGradient,
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
import { dim, ReparamError } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { noiseShares } from "./noise.ts";
import { contrastFields } from "./skip-gram.ts";

const options = z.object({
  ...contrastFields,
  features: contrastFields.features.default(32).describe("size of a vector"),
  foldIn: z.int().min(1).default(30).describe("steps that find the vector of a document"),
  decay: z.number().positive().default(1e-2).describe("λ, of the squared length of a vector"),
  learningRate: z.number().positive().default(1e-2).describe("of Adam"),
});

type Options = z.infer<typeof options>;

export type DocVectors = {
  readonly word: EmbeddingParams;
  /** Words of all documents seen in training, [V]. */
  readonly counts: ModelBuffer;
};

const B = dim("B");

export const initDocVectors = (key: Key, terms: number, features: number): DocVectors => ({
  word: initEmbedding(key.at("word"), terms, features, {
    initializer: initializers.normal(1 / Math.sqrt(features)),
  }),
  counts: buffer(full([terms], 0, "float32")),
});

/** What decides the vector of each document: shares of words [B, V], noise k·q [V], and the vectors v [V, D]. */
interface Problem {
  readonly shares: Value;
  readonly noise: Value;
  readonly words: Value;
  readonly decay: number;
}

/** L_d(x), [B]. */
export function documentLoss(x: Value, { shares, noise, words, decay }: Problem): Value {
  const scores = matmul(x, words, { transposeB: true }); // (B, V)
  const contrast = softplus(scores.neg()).mul(shares).add(softplus(scores).mul(noise));
  return sum(contrast, 1).add(sum(x.square(), 1).mul(decay / 2));
}

/** x [B, D] after so many steps from 0. */
export function foldIn(problem: Problem, steps: number): Value {
  const { shares, noise, words, decay } = problem;
  // The second derivative is at most ¼ Σ_w (n_dw/N_d + k·q(w))·v_w·v_wᵀ + λ, and so its trace.
  const lengths = sum(words.square(), 1, { keepDims: true }); // (V, 1)
  const steepest = matmul(shares.add(noise), lengths).mul(0.25).add(decay); // (B, 1)
  const zero = full([shares.size(0), words.size(1)], 0, "float32");
  let [x, ahead] = [zero, zero];
  for (let step = 0; step < steps; step++) {
    const likely = sigmoid(matmul(ahead, words, { transposeB: true }));
    const slope = likely.mul(shares.add(noise)).sub(shares); // (B, V)
    const next = ahead.sub(matmul(slope, words).add(ahead.mul(decay)).div(steepest));
    ahead = next.add(next.sub(x).mul(step / (step + 3)));
    x = next;
  }
  return x;
}

function countsOf({ columns }: DataShape): {
  readonly terms: number;
  readonly input: FunctionInput;
} {
  const { counts } = columns;
  const terms = counts?.shape[1];
  if (counts === undefined || counts.shape.length !== 2 || typeof terms !== "number") {
    throw new ReparamError(
      "doc-vectors wants documents: a data set with a column counts of terms [V], such as --data state-of-the-union.",
    );
  }
  const input = {
    ...{ dtype: counts.dtype, shape: [B, terms], description: "how often each term occurs" },
  };
  return { terms, input };
}

function create(o: Options, data: DataShape): Method {
  const { terms, input } = countsOf(data);
  const problemOf = (model: DocVectors, counts: Value, noise: Value): Problem => {
    // Below 0 there is no count, and L_d would have no minimum.
    const own = maximum(cast(counts, "float32"), 0);
    return {
      shares: own.div(maximum(sum(own, 1, { keepDims: true }), 1)),
      noise: noiseShares(noise, o.noiseExponent).mul(o.negatives),
      ...{ words: model.word.weight, decay: o.decay },
    };
  };
  const found = (problem: Problem): Value =>
    stopGradient(foldIn({ ...problem, words: stopGradient(problem.words) }, o.foldIn));
  return {
    name: "doc-vectors",
    phases: [
      gradientStep<DocVectors>({
        batch: { counts: input },
        init: (key) => initDocVectors(key, terms, o.features),
        loss: (model, batch, scope) => {
          const counts = batch.counts as Value;
          const seen = model.counts.value.add(sum(cast(counts, "float32"), 0));
          scope.update(model.counts, seen);
          const problem = problemOf(model, counts, seen);
          return { loss: mean(documentLoss(found(problem), problem)) };
        },
        optimizer: adam({ learningRate: o.learningRate }),
      }),
    ],
    weights: gradientWeights,
    functions: {
      encode: {
        summary: "documents to their vectors",
        inputs: { counts: input },
        exported: true,
        build: (weights, given) => {
          const model = modelOf<DocVectors>(weights);
          const problem = problemOf(model, given.counts as Value, model.counts.value);
          return { latent: foldIn(problem, o.foldIn) };
        },
      },
      evaluate: {
        summary: "the loss of each document, its vector found from the same words",
        inputs: { counts: input },
        exported: false,
        build: (weights, given) => {
          const model = modelOf<DocVectors>(weights);
          const problem = problemOf(model, given.counts as Value, model.counts.value);
          return { loss: documentLoss(foldIn(problem, o.foldIn), problem) };
        },
      },
    },
    preprocessing: "counts: how often each term occurs, terms as in the training data",
  };
}

export const docVectors = defineMethod({
  name: "doc-vectors",
  summary: "Document vectors by noise-contrastive prediction of their words",
  paper: "Le, Mikolov, Distributed representations of sentences and documents (2014), section 2.3",
  options,
  training: {
    ...{ batchSize: 256, epochs: 300, data: "state-of-the-union" },
    load: { terms: 2000 },
  },
  create,
});
