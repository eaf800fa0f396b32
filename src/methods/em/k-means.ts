/**
 * k-means: Lloyd, "Least squares quantization in PCM" (1982), begun as k-means++ by Arthur, Vassilvitskii,
 * "k-means++: the advantages of careful seeding" (2007), section 2.2.
 *
 *   assign   kₙ = argmin_k ‖xₙ − c_k‖²
 *   move     c_k = mean of the rows with kₙ = k
 *   loss     mean ‖xₙ − c_kₙ‖², in squared units of the data
 *
 * It is expectation-maximisation for spherical Gaussians of one variance σ² → 0: the responsibilities
 * become 0 and 1, and −2σ² log p(x) the squared distance (Bishop, "Pattern recognition and machine
 * learning", 2006, section 9.3.2).
 */
import { z } from "zod";
import {
  argMin,
  expandDims,
  gather,
  matmul,
  maximum,
  mean,
  min,
  oneHot,
  sum,
} from "../../ops/index.ts";
import { type BatchSpec, type DataShape, defineMethod, type Method } from "../../step/index.ts";
import type { Tensor, Tree } from "../../tensor/index.ts";
import { spec, tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { clusterNoise, findClusters } from "./centres.ts";
import { type RowColumn, rowColumn } from "./columns.ts";
import { emPhases, emWeights } from "./driver.ts";
import { leastCount } from "./gaussian.ts";
import { givenParameters } from "./given.ts";
import type { ExpectationModel } from "./model.ts";
import { B, emFields, weightColumn } from "./options.ts";
import { centresDrawing, componentImages, emNotes, parametersOf } from "./portrait.ts";

const options = z.object({
  clusters: z.int().min(1).default(8).describe("centres"),
  start: z
    .enum(["k-means++", "random"])
    .default("k-means++")
    .describe("first centres: spread out (Arthur, Vassilvitskii 2007), or rows by chance"),
  parameters: z
    .string()
    .default("")
    .describe('start at these, as JSON (@FILE reads a file): {"centres": [K, D]}'),
  ...emFields,
});

type Options = z.infer<typeof options>;

const name = "k-means";

/** ‖x − c‖² [B, K] of rows [B, D] and centres [K, D]. */
export function squaredDistances(x: Value, centres: Value): Value {
  // Around the middle of the centres, where the least is lost when the squares are subtracted.
  const middle = mean(centres, 0, { keepDims: true });
  const [rows, c] = [x.sub(middle), centres.sub(middle)];
  const squares = sum(rows.square(), 1, { keepDims: true }).add(expandDims(sum(c.square(), 1), 0));
  return maximum(squares.sub(matmul(rows, c, { transposeB: true }).mul(2)), 0);
}

function kMeansModel(o: Options, column: RowColumn, batch: BatchSpec): ExpectationModel {
  const { clusters } = o;
  const centres = spec("float64", [clusters, column.size]);
  return {
    name,
    batch,
    parameters: { centres },
    statistics: { count: spec("float64", [clusters]), sums: centres },
    expectations: {
      accumulate: {
        inputs: {},
        expect: (parameters, columns) => {
          const x = column.read(columns);
          const c = parameters.centres as Value;
          const distances = squaredDistances(x, c);
          const nearest = oneHot(argMin(distances, 1), clusters, "float64");
          const { weight } = columns;
          const counted = weight === undefined ? nearest : nearest.mul(expandDims(weight, -1));
          const count = sum(counted, 0);
          const sums = matmul(counted, x, { transposeA: true }).sub(expandDims(count, -1).mul(c));
          return { logLikelihood: min(distances, 1).neg(), statistics: { count, sums } };
        },
      },
    },
    // A cluster without rows stays where it is.
    maximize: ({ count, sums }, { centres: c }) => ({
      centres: (c as Value).add(
        (sums as Value).div(expandDims((count as Value).add(leastCount), -1)),
      ),
    }),
    startNoise: clusterNoise(clusters),
    start: (rows, uniforms) => {
      if (o.parameters !== "") return givenParameters(name, o.parameters, { centres });
      const found = findClusters(
        column.readHost(rows[column.name] as Tensor),
        clusters,
        o.start,
        uniforms,
      );
      return { centres: tensor(found.centres, [clusters, column.size]) };
    },
    regularized: false,
  };
}

const centresOf = (weights: Tree<Value>): Value =>
  (weights as unknown as { centres: Value }).centres;

function functionsOf({ clusters }: Options, column: RowColumn): Method["functions"] {
  const inputs = { [column.name]: column.input };
  const find = (weights: Tree<Value>, given: Readonly<Record<string, Value>>) => {
    const distances = squaredDistances(column.read(given), centresOf(weights));
    return { nearest: argMin(distances, 1), squaredDistance: min(distances, 1) };
  };
  return {
    encode: {
      summary:
        "rows to their cluster (latent, one-hot; cluster, its number), and the squared distance",
      inputs,
      exported: true,
      build: (weights, given) => {
        const { nearest, squaredDistance } = find(weights, given);
        return { latent: oneHot(nearest, clusters, "float64"), cluster: nearest, squaredDistance };
      },
    },
    decode: {
      summary: "one-hot clusters to their centres",
      inputs: { latent: { dtype: "float64", shape: [B, clusters] } },
      exported: true,
      build: (weights, { latent }) => ({
        [column.name]: column.write(matmul(latent as Value, centresOf(weights))),
      }),
    },
    reconstruct: {
      summary: "the centre of each row's cluster",
      inputs,
      exported: false,
      build: (weights, given) => ({
        [column.name]: column.write(gather(centresOf(weights), find(weights, given).nearest)),
      }),
    },
    evaluate: {
      summary: "squared distance of each row to its centre",
      inputs,
      exported: false,
      build: (weights, given) => ({ squaredDistance: find(weights, given).squaredDistance }),
    },
  };
}

function create(o: Options, data: DataShape): Method {
  const column = rowColumn(name, data);
  const batch = { [column.name]: column.spec, ...weightColumn(data) };
  return {
    name,
    phases: emPhases(kMeansModel(o, column, batch), o),
    weights: emWeights,
    functions: functionsOf(o, column),
    preprocessing: `${column.name}: as in the training data`,
    portrait: (tree, history) => {
      const centres = parametersOf(tree).centres as Tensor;
      const { pixels } = column;
      return {
        parameters: { centres },
        drawings:
          pixels === undefined
            ? centresDrawing(centres, data)
            : [componentImages(centres, pixels, "The centres of the clusters.")],
        notes: emNotes(history, o, ""),
        rows: "clusters",
      };
    },
  };
}

export const kMeans = defineMethod({
  name,
  summary: "k-means, begun as k-means++",
  paper: "Arthur, Vassilvitskii, k-means++: the advantages of careful seeding (2007), section 2.2",
  options,
  training: { batchSize: 8192, epochs: 200, data: "two-moons", logEvery: 1 },
  create,
});
