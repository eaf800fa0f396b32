/**
 * Mixtures of independent discrete features by expectation-maximisation: Bishop, "Pattern recognition and
 * machine learning" (2006), section 9.3.3, equations 9.47 to 9.60; McLachlan, Peel, "Finite mixture models"
 * (2000), section 5.
 *
 *   p(x) = Σ_k π_k Π_d p(x_d | k)
 *   Bernoulli     p(x_d | k) = μ_kd^x_d (1 − μ_kd)^(1 − x_d)
 *   categorical   p(x_d = c | k) = μ_kdc
 *   E-step   r_nk = π_k p(xₙ | k) / p(xₙ)
 *   M-step   μ_k = (Σₙ r_nk s(xₙ) + α) / (N_k + C·α),  s(x) = x, or x as one-hot;  C values, smoothing α
 *
 * log p(x | k) is linear in s(x), so either step is one matrix product. Log-likelihoods in nats a row.
 */
import { z } from "zod";
import { cast, clip, exp, expandDims, log, logSumExp, matmul, sum } from "../../ops/index.ts";
import { type BatchSpec, type DataShape, defineMethod, type Method } from "../../step/index.ts";
import { ReparamError, spec, type Tensor, type Tree, tensor } from "../../tensor/index.ts";
import { evaluate, trace, type Value } from "../../trace/index.ts";
import { type Clusters, clusterNoise, findClusters } from "./centres.ts";
import { type RowColumn, rowColumn } from "./columns.ts";
import { bernoulli, categorical, type Family } from "./discrete-family.ts";
import { emPhases, emWeights } from "./driver.ts";
import { leastCount } from "./gaussian.ts";
import { chooseComponents } from "./gaussian-functions.ts";
import { checkShares, givenParameters } from "./given.ts";
import type { ExpectationModel, Named } from "./model.ts";
import { B, emFields, startField, weightColumn } from "./options.ts";
import { componentImages, emNotes, parametersOf } from "./portrait.ts";
import type { Rows } from "./rows.ts";

const fields = {
  components: z.int().min(1).default(10).describe("components of the mixture"),
  smoothing: z
    .number()
    .min(0)
    .default(0.01)
    .describe("α, rows that every value of every feature is taken to have beside its own"),
  start: startField("random"),
  parameters: z
    .string()
    .default("")
    .describe(
      'start at these, as JSON (@FILE reads a file): {"weights": [K], "probabilities": …} of a trained model',
    ),
  ...emFields,
  startRows: z.int().min(1).default(2000).describe("rows that the start is made from, about"),
};

const bernoulliOptions = z.object(fields);
const categoricalOptions = z.object({
  ...fields,
  categories: z
    .int()
    .min(2)
    .default(4)
    .describe("values of a feature: 0 … C − 1, or as many grey levels"),
});

type Options = z.infer<typeof bernoulliOptions>;

/** log π_k + log p(x | k), [B, K]. */
function logJoint(
  family: Family,
  { weights, probabilities }: Record<string, Value>,
  s: Value,
): Value {
  const { natural, offset } = family.natural(probabilities as Value);
  const logs = log(weights as Value);
  const each = offset === undefined ? logs : logs.add(offset);
  return matmul(s, natural, { transposeB: true }).add(each);
}

/** Where probabilities are kept, so that their logarithms are finite. */
const least = 1e-12;

function discreteModel(
  family: Family,
  o: Options,
  column: RowColumn,
  batch: BatchSpec,
): ExpectationModel {
  const { components, smoothing } = o;
  const size = column.size * family.width;
  const probabilities = spec("float64", [components, size]);
  const weights = spec("float64", [components]);
  return {
    name: family.name,
    batch,
    parameters: { weights, probabilities },
    statistics: { count: weights, sums: probabilities },
    freeParameters: components - 1 + components * column.size * (family.values - 1),
    expectations: {
      accumulate: {
        inputs: {},
        expect: (parameters, columns) => {
          const s = family.statistics(column.read(columns));
          const joint = logJoint(family, parameters as Record<string, Value>, s);
          const logLikelihood = logSumExp(joint, 1);
          const r = exp(joint.sub(expandDims(logLikelihood, -1)));
          const { weight } = columns;
          const counted = weight === undefined ? r : r.mul(expandDims(weight, -1));
          const sums = matmul(counted, s, { transposeA: true });
          return { logLikelihood, statistics: { count: sum(counted, 0), sums } };
        },
      },
    },
    maximize: ({ count, sums }) => {
      const counts = (count as Value).add(leastCount);
      const rows = expandDims(counts.add(family.values * smoothing), -1);
      return {
        weights: counts.div(sum(counts)),
        probabilities: clip((sums as Value).add(smoothing).div(rows), least, 1 - least),
      };
    },
    startNoise: clusterNoise(components),
    start: (batchRows, uniforms) => {
      const rows = column.readHost(batchRows[column.name] as Tensor);
      checkValues(family, rows);
      if (o.parameters !== "")
        return givenMixture(family, o.parameters, { weights, probabilities });
      const clusters = findClusters(rows, components, o.start, uniforms);
      return clusterProbabilities(family, rows, clusters, Math.max(smoothing, 0.5));
    },
    regularized: smoothing > 0,
  };
}

function givenMixture(
  { name, width }: Family,
  text: string,
  wanted: ExpectationModel["parameters"],
): Named<Tensor> {
  const given = givenParameters(name, text, wanted) as Record<"weights" | "probabilities", Tensor>;
  checkShares(name, "weights", given.weights);
  const values = given.probabilities.data as Float64Array<ArrayBuffer>;
  if (width > 1) {
    checkShares(name, "probabilities", {
      ...given.probabilities,
      shape: [values.length / width, width],
    });
  } else if (!values.every((p) => p >= 0 && p <= 1)) {
    throw new ReparamError(`${name}: given probabilities must be between 0 and 1.`);
  }
  const kept = values.map((p) => Math.min(Math.max(p, least), 1 - least));
  return { ...given, probabilities: { ...given.probabilities, data: kept } };
}

function checkValues({ name, values, width }: Family, { data }: Rows): void {
  const bad = width === 1 ? undefined : data.find((v) => v < 0 || v > values - 1);
  if (bad === undefined) return;
  throw new ReparamError(
    `${name}: a feature has the value ${bad}, but categories are 0 … ${values - 1}. Set categories to one more than the largest value.`,
  );
}

/** Weights and probabilities of clusters of rows. */
function clusterProbabilities(
  { width, values, statistic }: Family,
  { count, size, data }: Rows,
  { count: components, labels }: Clusters,
  smoothing: number,
): Named<Tensor> {
  const features = size * width;
  const counts = new Float64Array(components);
  const sums = new Float64Array(components * features).fill(smoothing);
  for (let n = 0; n < count; n++) {
    const k = labels[n] as number;
    counts[k] = (counts[k] as number) + 1;
    for (let f = 0; f < features; f++) {
      const value = data[n * size + Math.floor(f / width)] as number;
      const at = k * features + f;
      sums[at] = (sums[at] as number) + statistic(value, f % width);
    }
  }
  const probabilities = sums.map((value, i) => {
    return value / ((counts[Math.floor(i / features)] as number) + values * smoothing);
  });
  return {
    weights: tensor(
      counts.map((rows) => (rows + 1) / (count + components)),
      [components],
    ),
    probabilities: tensor(probabilities, [components, features]),
  };
}

function functionsOf(
  family: Family,
  { components }: Options,
  column: RowColumn,
): Method["functions"] {
  const of = (weights: Tree<Value>): Record<string, Value> =>
    weights as unknown as Record<string, Value>;
  const joint = (weights: Tree<Value>, given: Readonly<Record<string, Value>>): Value =>
    logJoint(family, of(weights), family.statistics(column.read(given)));
  const inputs = { [column.name]: column.input };
  return {
    sample: {
      summary: "rows from the mixture",
      inputs: {
        noise: { dtype: "float32", shape: [B, column.size], noise: "uniform" },
        choice: { dtype: "float32", shape: [B], noise: "uniform", description: "which component" },
      },
      exported: true,
      build: (given, { noise, choice }) => {
        const { weights, probabilities } = of(given);
        const chosen = chooseComponents(weights as Value, choice as Value);
        const rows = matmul(chosen, probabilities as Value);
        return { [column.name]: column.write(family.draw(rows, cast(noise as Value, "float64"))) };
      },
    },
    encode: {
      summary: "rows to responsibilities (latent), and their log-probability in nats",
      inputs,
      exported: true,
      build: (weights, given) => {
        const all = joint(weights, given);
        const logProbability = logSumExp(all, 1);
        return { latent: exp(all.sub(expandDims(logProbability, -1))), logProbability };
      },
    },
    decode: {
      summary: "responsibilities to means of the features",
      inputs: { latent: { dtype: "float64", shape: [B, components] } },
      exported: true,
      build: (weights, { latent }) => {
        const rows = matmul(latent as Value, of(weights).probabilities as Value);
        return { [column.name]: column.write(family.mean(rows)) };
      },
    },
    evaluate: {
      summary: "negative log-likelihood of each row, in nats",
      inputs,
      exported: false,
      build: (weights, given) => ({
        negativeLogLikelihood: logSumExp(joint(weights, given), 1).neg(),
      }),
    },
  };
}

function meansOf(family: Family, probabilities: Tensor): Tensor {
  const inputs = { probabilities };
  const program = trace((given) => ({ means: family.mean(given.probabilities) }), inputs);
  return evaluate(program, inputs).means;
}

function create(family: Family, o: Options, column: RowColumn, data: DataShape): Method {
  const batch = { [column.name]: column.spec, ...weightColumn(data) };
  return {
    name: family.name,
    phases: emPhases(discreteModel(family, o, column, batch), o),
    weights: emWeights,
    functions: functionsOf(family, o, column),
    preprocessing: `${column.name}: as in the training data`,
    portrait: (tree, history) => {
      const { weights, probabilities } = parametersOf(tree) as Record<string, Tensor>;
      const { pixels } = column;
      return {
        parameters: { weights, probabilities } as Record<string, Tensor>,
        drawings:
          pixels === undefined
            ? []
            : [
                componentImages(
                  meansOf(family, probabilities as Tensor),
                  pixels,
                  "The mean of every component.",
                ),
              ],
        notes: emNotes(history, o, "smoothing above 0"),
        rows: "responsibilities",
      };
    },
  };
}

export const bernoulliMixture = defineMethod({
  name: bernoulli.name,
  summary: "Mixture of independent binary features",
  paper: "Bishop, Pattern recognition and machine learning (2006), section 9.3.3",
  options: bernoulliOptions,
  training: { batchSize: 1024, epochs: 60, logEvery: 1 },
  create: (o, data) => create(bernoulli, o, rowColumn(bernoulli.name, data), data),
});

export const categoricalMixture = defineMethod({
  name: "categorical-mixture",
  summary: "Mixture of independent categorical features",
  paper: "McLachlan, Peel, Finite mixture models (2000), section 5",
  options: categoricalOptions,
  training: { batchSize: 1024, epochs: 60, logEvery: 1 },
  create: (o, data) => {
    const column = rowColumn("categorical-mixture", data);
    return create(categorical(o.categories, column.name === "image"), o, column, data);
  },
});
