/**
 * Probabilistic latent semantic analysis: Hofmann, "Probabilistic latent semantic indexing" (1999), equations
 * 3 to 7. A document d is counts n(d, w) of terms; every word of it has a topic z of its own.
 *
 *   p(w|d) = Σ_z p(w|z) p(z|d)
 *   E-step   q(z|d, w) ∝ p(w|z) p(z|d)
 *   M-step   p(z|d) ∝ Σ_w n(d, w) q(z|d, w),   p(w|z) ∝ Σ_d n(d, w) q(z|d, w) + α
 *   loss     −Σ n(d, w) log p(w|d) / Σ n(d, w), in nats a word; its exponential is the perplexity
 *
 * The p(z|d) belong to documents, so they are not kept: with p(w|z) held fixed the likelihood is concave in
 * them, and `foldIn` steps from the uniform distribution find them again, in training as for new documents.
 * What is maximised is KL-divergence non-negative matrix factorisation up to scale (Gaussier, Goutte,
 * "Relation between PLSA and NMF and implications", 2005).
 */
import { z } from "zod";
import {
  cast,
  equal,
  exp,
  expandDims,
  floor,
  full,
  log,
  matmul,
  maximum,
  minimum,
  range,
  sub,
  sum,
} from "../../ops/index.ts";
import { type BatchSpec, type DataShape, defineMethod, type Method } from "../../step/index.ts";
import { spec, type Tensor, type TensorSpec, type Tree, tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type Documents, documentsOf, topicsDrawing } from "./documents.ts";
import { emPhases, emWeights } from "./driver.ts";
import { givenParameters } from "./given.ts";
import type { ExpectationModel, Named } from "./model.ts";
import { B, emFields, weightColumn } from "./options.ts";
import { emNotes, parametersOf } from "./portrait.ts";
import { rowsOf } from "./rows.ts";

const options = z.object({
  topics: z.int().min(1).default(10).describe("topics"),
  foldIn: z.int().min(1).default(20).describe("steps that find the topics of a document"),
  smoothing: z
    .number()
    .min(0)
    .default(0.01)
    .describe("α, words that every topic is taken to have of every term beside its own"),
  parameters: z
    .string()
    .default("")
    .describe('start at these, as JSON (@FILE reads a file): {"topics": [Z, V]}'),
  ...emFields,
});

type Options = z.infer<typeof options>;

const name = "plsa";
/** Keeps quotients of what is 0 finite: far below every probability. */
const tiny = 1e-200;

/** p(z|d) [B, Z] of counts [B, V] for topics p(w|z) [Z, V], by `steps` of EM from the uniform one. */
export function foldIn(counts: Value, topics: Value, steps: number): Value {
  const z = topics.size(0) as number;
  let shares = full([counts.size(0), z], 1 / z, "float64");
  for (let i = 0; i < steps; i++) {
    const next = shares
      .mul(matmul(quotients(counts, shares, topics), topics, { transposeB: true }))
      .add(tiny);
    shares = next.div(sum(next, 1, { keepDims: true }));
  }
  return shares;
}

/** n(d, w) / p(w|d), [B, V]. */
const quotients = (counts: Value, shares: Value, topics: Value): Value =>
  counts.div(matmul(shares, topics).add(tiny));

/** Σ_w n(d, w) log p(w|d), [B]. */
const logLikelihoods = (counts: Value, shares: Value, topics: Value): Value =>
  sum(counts.mul(log(matmul(shares, topics).add(tiny))), 1);

function plsaModel(o: Options, documents: Documents, batch: BatchSpec): ExpectationModel {
  const topics = spec("float64", [o.topics, documents.terms]);
  return {
    name,
    batch,
    parameters: { topics },
    statistics: { sums: topics },
    expectations: {
      accumulate: {
        inputs: {},
        expect: (parameters, columns) => {
          const t = parameters.topics as Value;
          const counts = documents.read(columns);
          const shares = foldIn(counts, t, o.foldIn);
          const { weight } = columns;
          const weighted = weight === undefined ? shares : shares.mul(expandDims(weight, -1));
          const ratio = quotients(counts, shares, t);
          return {
            logLikelihood: logLikelihoods(counts, shares, t),
            size: sum(counts, 1),
            statistics: { sums: matmul(weighted, ratio, { transposeA: true }).mul(t) },
          };
        },
      },
    },
    maximize: ({ sums }) => {
      const raised = (sums as Value).add(o.smoothing + tiny);
      return { topics: raised.div(sum(raised, 1, { keepDims: true })) };
    },
    startNoise: o.topics * documents.terms,
    start: (rows, uniforms) =>
      o.parameters === ""
        ? { topics: startTopics(rows[documents.column] as Tensor, o.topics, uniforms) }
        : givenTopics(o.parameters, topics),
    // The p(z|d) of finitely many steps are not quite the best ones.
    regularized: true,
    nonNegative: true,
    metrics: (loss) => ({ perplexity: Math.exp(loss) }),
  };
}

/** The frequencies of all documents, every one times a number between ½ and 1½. */
function startTopics(counts: Tensor, topics: number, uniforms: Float64Array): Tensor {
  const { data, size } = rowsOf(counts);
  const totals = new Float64Array(size).fill(1e-3);
  for (const [i, count] of data.entries()) totals[i % size] = (totals[i % size] as number) + count;
  const values = uniforms.map((u, i) => (0.5 + u) * (totals[i % size] as number));
  return normalized(values, [topics, size]);
}

function givenTopics(text: string, wanted: TensorSpec): Named<Tensor> {
  const { data, shape } = givenParameters(name, text, { topics: wanted }).topics as Tensor;
  return { topics: normalized(data as Float64Array, shape) };
}

function normalized(values: Float64Array, shape: readonly number[]): Tensor {
  const size = shape[1] as number;
  const sums = Float64Array.from({ length: shape[0] as number }, (_, row) =>
    values.subarray(row * size, (row + 1) * size).reduce((total, value) => total + value, 0),
  );
  return tensor(
    Float64Array.from(values, (value, i) => value / (sums[Math.floor(i / size)] as number)),
    shape,
  );
}

/** Half of the words of each document [B, V]: of an odd count, the larger half of every second term. Of
 * fractions below 1, all of every second. */
function halfOf(counts: Value, terms: number): Value {
  const place = cast(range(terms), "float64");
  const even = cast(equal(floor(place.mul(0.5)).mul(2), place), "float64");
  const half = counts.mul(0.5);
  const down = floor(half);
  const known = down.add(cast(equal(down, half), "float64").neg().add(1).mul(even));
  return minimum(known, counts);
}

function functionsOf(o: Options, documents: Documents): Method["functions"] {
  const topicsOf = (weights: Tree<Value>): Value =>
    (weights as unknown as { topics: Value }).topics;
  const inputs = {
    [documents.column]: { ...documents.spec, description: "how often each term occurs" },
  };
  return {
    encode: {
      summary: "documents to their shares of topics (latent)",
      inputs,
      exported: true,
      build: (weights, given) => ({
        latent: foldIn(documents.read(given), topicsOf(weights), o.foldIn),
      }),
    },
    decode: {
      summary: "shares of topics to the distribution of terms",
      inputs: { latent: { dtype: "float64", shape: [B, o.topics] } },
      exported: true,
      build: (weights, { latent }) => documents.write(matmul(latent as Value, topicsOf(weights))),
    },
    evaluate: {
      summary:
        "nats a word of one half of each document, its topics found from the other half, and their exponential",
      inputs,
      exported: false,
      build: (weights, given) => {
        const counts = documents.read(given);
        const known = halfOf(counts, documents.terms);
        const rest = sub(counts, known);
        const topics = topicsOf(weights);
        const logs = logLikelihoods(rest, foldIn(known, topics, o.foldIn), topics);
        const negativeLogLikelihood = logs.div(maximum(sum(rest, 1), 1e-9)).neg();
        return { negativeLogLikelihood, perplexity: exp(negativeLogLikelihood) };
      },
    },
  };
}

function create(o: Options, data: DataShape): Method {
  const documents = documentsOf(name, data);
  const batch = { [documents.column]: documents.spec, ...weightColumn(data) };
  return {
    name,
    phases: emPhases(plsaModel(o, documents, batch), o),
    weights: emWeights,
    functions: functionsOf(o, documents),
    preprocessing: `${documents.column}: counts of terms, as in the training data`,
    portrait: (tree, history) => {
      const topics = parametersOf(tree).topics as Tensor;
      return {
        parameters: { topics },
        drawings: [topicsDrawing(topics, documents, data)],
        notes: emNotes(history, o, "smoothing above 0, or finitely many steps of foldIn,"),
        rows: "documents",
      };
    },
  };
}

export const plsa = defineMethod({
  name,
  summary: "Probabilistic latent semantic analysis",
  paper: "Hofmann, Probabilistic latent semantic indexing (1999), equations 3 to 7",
  options,
  training: { batchSize: 256, epochs: 200, logEvery: 1 },
  create,
});
