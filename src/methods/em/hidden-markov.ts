/**
 * Hidden Markov models by the Baum-Welch algorithm: Baum, Petrie, Soules, Weiss, "A maximization technique
 * occurring in the statistical analysis of probabilistic functions of Markov chains" (1970); Rabiner, "A
 * tutorial on hidden Markov models and selected applications in speech recognition" (1989), section III.
 *
 *   p(x) = Σ_s π_s₁ Π_t a_sₜ₋₁sₜ Π_t b_sₜ(xₜ)
 *   E-step   γₜ(i) = p(sₜ = i | x),  ξₜ(i, j) = p(sₜ = i, sₜ₊₁ = j | x)     (`forward-backward.ts`)
 *   M-step   π ∝ Σ γ₁,   a_ij ∝ Σₜ ξₜ(i, j),   b_i by weights γₜ(i)
 *
 * b_i is a Gaussian (`gaussian.ts`) or a categorical distribution. x [B, T, D] or [B, T]; log-likelihoods in
 * nats a sequence. A time where a value is NaN counts as not observed, so shorter sequences end in NaN.
 */
import { z } from "zod";
import {
  cast,
  expandDims,
  full,
  greater,
  reshape,
  slice,
  stack,
  sum,
  transpose,
  where,
} from "../../ops/index.ts";
import { type BatchSpec, type DataShape, defineMethod, type Method } from "../../step/index.ts";
import { elementCount, spec, type Tensor, type Tree, tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { clusterNoise, findClusters } from "./centres.ts";
import { emPhases, emWeights } from "./driver.ts";
import { categoricalEmission, type Emission, gaussianEmission } from "./emission.ts";
import { forwardBackward, type Posterior } from "./forward-backward.ts";
import { covarianceKinds, leastCount } from "./gaussian.ts";
import { chooseComponents, chooseRows } from "./gaussian-functions.ts";
import { checkShares, givenParameters } from "./given.ts";
import type { ExpectationModel, Named } from "./model.ts";
import { B, emFields, startField, weightColumn } from "./options.ts";
import { emNotes, parametersOf } from "./portrait.ts";
import { filledRows, rowsOf } from "./rows.ts";
import { type Sequences, sequencesOf } from "./sequences.ts";

const options = z.object({
  states: z.int().min(1).default(4).describe("hidden states"),
  covariance: z
    .enum(covarianceKinds)
    .default("diagonal")
    .describe(
      "of Gaussian emissions: a matrix each, one for all, a variance a feature, or one each",
    ),
  symbols: z
    .int()
    .min(0)
    .default(0)
    .describe("number of symbols where x is symbols 0, 1, …; 0 takes x as numbers with Gaussians"),
  regCovar: z
    .number()
    .min(0)
    .default(1e-3)
    .describe("added to every variance, in squared units of the data"),
  smoothing: z
    .number()
    .min(0)
    .default(0.01)
    .describe(
      "times that every start, transition and symbol is taken to have been seen beside its own",
    ),
  start: startField("k-means"),
  parameters: z
    .string()
    .default("")
    .describe(
      'start at these, as JSON (@FILE reads a file): {"initial": [K], "transition": [K, K], …} of a trained model',
    ),
  ...emFields,
  startRows: z.int().min(1).default(500).describe("sequences that the start is made from, about"),
});

type Options = z.infer<typeof options>;

const name = "hidden-markov";
/** Posteriors of a batch, and its rows; γ as [K, B·T], those of times not observed left out. */
function posteriorOf(
  o: Options,
  { times, read }: Sequences,
  emission: Emission,
  parameters: Named<Value>,
  columns: Readonly<Record<string, Value>>,
): Posterior & { rows: Value; observed: Value } {
  const { rows, seen } = read(columns);
  const all = emission.logDensities(parameters, rows); // (K, B·T)
  // Not a product: of a time that was not observed the density of what stands in its place may be 0.
  const densities = where(greater(seen, 0.5), all, full(all.shape, 0, "float64"));
  const byTime = transpose(reshape(densities, [o.states, -1, times]), [2, 1, 0]); // (T, B, K)
  const { initial, transition } = parameters as Record<"initial" | "transition", Value>;
  const { weight } = columns;
  const posterior = forwardBackward({ initial, transition }, byTime, weight);
  const weighted =
    weight === undefined ? posterior.states : posterior.states.mul(expandDims(weight, -1));
  const observed = reshape(transpose(weighted, [2, 1, 0]), [o.states, -1]).mul(seen);
  return { ...posterior, rows, observed };
}

function markovModel(
  o: Options,
  sequences: Sequences,
  emission: Emission,
  batch: BatchSpec,
): ExpectationModel {
  const { states } = o;
  const [initial, transition] = [spec("float64", [states]), spec("float64", [states, states])];
  const shares = (sums: Value): Value => {
    const raised = sums.add(o.smoothing + leastCount);
    return raised.div(sum(raised, -1, { keepDims: true }));
  };
  return {
    ...{ name, batch, missing: true },
    parameters: { initial, transition, ...emission.parameters },
    statistics: { initial, transition, ...emission.statistics },
    freeParameters: states - 1 + states * (states - 1) + emission.freeParameters,
    expectations: {
      accumulate: {
        inputs: {},
        expect: (parameters, columns) => {
          const found = posteriorOf(o, sequences, emission, parameters, columns);
          const first = reshape(slice(found.states, 0, 0, 1), found.states.shape.slice(1)); // (B, K)
          const { weight } = columns;
          return {
            logLikelihood: found.logLikelihood,
            statistics: {
              initial: sum(weight === undefined ? first : first.mul(expandDims(weight, -1)), 0),
              transition: found.transitions,
              ...emission.sums(parameters, found.rows, found.observed),
            },
          };
        },
      },
    },
    maximize: (statistics, parameters) => ({
      initial: shares(statistics.initial as Value),
      transition: shares(statistics.transition as Value),
      ...emission.maximize(statistics, parameters),
    }),
    complete: emission.complete,
    rebase: (statistics, before, after) => ({
      ...statistics,
      ...emission.rebase(statistics, before, after),
    }),
    startNoise: clusterNoise(states),
    start: (rows, uniforms) =>
      o.parameters === ""
        ? startParameters(o, sequences, emission, rows[sequences.column] as Tensor, uniforms)
        : givenChain(o.parameters, { initial, transition, ...emission.parameters }),
    regularized: o.smoothing > 0 || emission.regularized,
  };
}

/** Emissions of clusters of all times; every state is followed by itself rather than by the others. */
function startParameters(
  o: Options,
  { column, size }: Sequences,
  emission: Emission,
  given: Tensor,
  uniforms: Float64Array,
): Named<Tensor> {
  const { states } = o;
  const { data } = rowsOf(given);
  const scaled = column === "image" ? data.map((byte) => byte / 255) : data;
  const rows = filledRows({ count: data.length / size, size, data: scaled });
  const kept = states === 1 ? 1 : 0.5;
  const other = states === 1 ? 0 : 0.5 / (states - 1);
  return {
    initial: tensor(new Float64Array(states).fill(1 / states), [states]),
    transition: tensor(
      Float64Array.from({ length: states * states }, (_, i) =>
        i % (states + 1) === 0 ? kept : other,
      ),
      [states, states],
    ),
    ...emission.start(rows, findClusters(rows, states, o.start, uniforms)),
  };
}

/** Of the emission's parameters the whitening is derived from the covariances. */
function givenChain(text: string, wanted: ExpectationModel["parameters"]): Named<Tensor> {
  const { whitening, ...named } = wanted;
  const given = givenParameters(name, text, named);
  for (const part of ["initial", "transition", "probabilities"] as const) {
    if (given[part] !== undefined) checkShares(name, part, given[part]);
  }
  if (whitening === undefined) return given;
  const sizes = whitening.shape as readonly number[];
  return { ...given, whitening: tensor(new Float64Array(elementCount(sizes)), sizes) };
}

function functionsOf(o: Options, sequences: Sequences, emission: Emission): Method["functions"] {
  const { column, times, size } = sequences;
  const inputs = { [column]: { ...sequences.spec, description: "sequences" } };
  const find = (weights: Tree<Value>, given: Readonly<Record<string, Value>>): Posterior =>
    posteriorOf(o, sequences, emission, weights as unknown as Named<Value>, given);
  return {
    sample: {
      summary: "sequences from the model",
      inputs: {
        noise: { dtype: "float32", shape: [B, times, size], noise: emission.noise },
        choice: { dtype: "float32", shape: [B, times], noise: "uniform", description: "states" },
      },
      exported: true,
      build: (weights, { noise, choice }) => {
        const parameters = weights as unknown as Named<Value>;
        const states = drawStates(parameters, choice as Value, times); // (B, T, K)
        const rows = reshape(cast(noise as Value, "float64"), [-1, size]);
        const drawn = emission.draw(parameters, reshape(states, [-1, o.states]), rows);
        return { [column]: sequences.write(drawn) };
      },
    },
    encode: {
      summary:
        "sequences to the posteriors of the states at every time (latent), and their log-likelihood",
      inputs,
      exported: true,
      build: (weights, given) => {
        const { states, logLikelihood } = find(weights, given);
        return { latent: transpose(states, [1, 0, 2]), logLikelihood };
      },
    },
    evaluate: {
      summary: "negative log-likelihood of each sequence, in nats",
      inputs,
      exported: false,
      build: (weights, given) => ({
        negativeLogLikelihood: find(weights, given).logLikelihood.neg(),
      }),
    },
  };
}

/** One-hot states [B, T, K] by uniform numbers [B, T]. */
function drawStates({ initial, transition }: Named<Value>, choice: Value, times: number): Value {
  const states: Value[] = [];
  for (let t = 0; t < times; t++) {
    const u = reshape(slice(choice, 1, t, t + 1), [-1]);
    const before = states.at(-1);
    states.push(
      before === undefined
        ? chooseComponents(initial as Value, u)
        : chooseRows(before, transition as Value, u),
    );
  }
  return stack(states, 1);
}

function create(o: Options, data: DataShape): Method {
  const sequences = sequencesOf(data, o.symbols);
  const emission =
    o.symbols > 0
      ? categoricalEmission(name, o.states, o.symbols, o.smoothing)
      : gaussianEmission(
          name,
          { kind: o.covariance, components: o.states, size: sequences.size },
          o.regCovar,
        );
  const batch = { [sequences.column]: sequences.spec, ...weightColumn(data) };
  return {
    name,
    phases: emPhases(markovModel(o, sequences, emission, batch), o),
    weights: emWeights,
    functions: functionsOf(o, sequences, emission),
    preprocessing: `${sequences.column}: sequences as in the training data; NaN where not observed`,
    portrait: (tree, history) => {
      const { whitening: _, ...parameters } = parametersOf(tree);
      return {
        parameters,
        drawings: [],
        notes: emNotes(history, o, "regCovar or smoothing above 0"),
      };
    },
  };
}

export const hiddenMarkov = defineMethod({
  name,
  summary: "Hidden Markov model by the Baum-Welch algorithm",
  paper:
    "Baum, Petrie, Soules, Weiss, A maximization technique occurring in the statistical analysis of probabilistic functions of Markov chains (1970)",
  options,
  training: { batchSize: 256, epochs: 100, logEvery: 1 },
  create,
});
