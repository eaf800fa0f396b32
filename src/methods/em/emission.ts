// What a hidden Markov model emits: Gaussian vectors or categories, as rows [N, D] of all times.
import {
  cast,
  cumulativeSum,
  expandDims,
  floor,
  greaterOrEqual,
  log,
  matmul,
  minimum,
  oneHot,
  reciprocal,
  sum,
  transpose,
  triangularInverse,
} from "../../ops/index.ts";
import { ReparamError, spec, type Tensor, type TensorSpec, tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Clusters } from "./centres.ts";
import {
  differences,
  type GaussianShape,
  gaussianFreeParameters,
  gaussianParameters,
  gaussianStatistics,
  gaussianSums,
  isMatrix,
  leastCount,
  logDensities,
  logNormalizer,
  maximizeGaussians,
  rebaseSums,
} from "./gaussian.ts";
import { clusterGaussians, completeGaussians } from "./gaussian-host.ts";
import type { Named } from "./model.ts";
import type { Rows } from "./rows.ts";

/** A distribution for each of K states over rows [N, D]. */
export interface Emission {
  readonly parameters: Named<TensorSpec>;
  readonly statistics: Named<TensorSpec>;
  readonly freeParameters: number;
  readonly regularized: boolean;
  /** log b_k(x), [K, N]. */
  readonly logDensities: (parameters: Named<Value>, x: Value) => Value;
  /** Sums for the M-step with responsibilities [K, N]. */
  readonly sums: (parameters: Named<Value>, x: Value, responsibilities: Value) => Named<Value>;
  readonly maximize: (statistics: Named<Value>, parameters: Named<Value>) => Named<Value>;
  readonly complete: (parameters: Named<Tensor>) => Named<Tensor>;
  readonly rebase: (
    statistics: Named<Value>,
    before: Named<Value>,
    after: Named<Value>,
  ) => Named<Value>;
  readonly start: (rows: Rows, clusters: Clusters) => Named<Tensor>;
  /** Numbers a row that `draw` takes: normal for Gaussians, uniform for categories. */
  readonly noise: "normal" | "uniform";
  /** x [N, D] of one-hot states [N, K] and noise [N, D]. */
  readonly draw: (parameters: Named<Value>, states: Value, noise: Value) => Value;
}

/** Gaussian emissions. */
export function gaussianEmission(
  name: string,
  shape: GaussianShape,
  regularization: number,
): Emission {
  return {
    parameters: gaussianParameters(shape),
    statistics: gaussianStatistics(shape),
    freeParameters: gaussianFreeParameters(shape),
    regularized: regularization > 0,
    logDensities: ({ means, whitening }, x) => {
      const scale = logNormalizer(shape, whitening as Value);
      return logDensities(shape, differences(x, means as Value), whitening as Value, scale);
    },
    sums: ({ means }, x, responsibilities) => {
      const difference = differences(x, means as Value);
      return gaussianSums(shape, { x, means: means as Value, difference, responsibilities });
    },
    maximize: (statistics, parameters) =>
      maximizeGaussians(shape, statistics, parameters, {
        ...{ regularization, fixedMeans: false, fixedCovariances: false },
      }),
    complete: (parameters) => completeGaussians(name, shape, parameters),
    rebase: (statistics, before, after) =>
      rebaseSums(shape, statistics, before.means as Value, after.means as Value),
    start: (rows, clusters) => {
      const { weights: _, ...rest } = clusterGaussians(shape, rows, clusters, regularization);
      return rest;
    },
    noise: "normal",
    draw: (parameters, states, noise) => drawGaussians(shape, parameters, states, noise),
  };
}

/** μ + L·noise of the Gaussians that one-hot rows [N, K] choose, [N, D]. */
export function drawGaussians(
  { kind }: GaussianShape,
  { means, whitening }: Named<Value>,
  chosen: Value,
  noise: Value,
): Value {
  const centre = matmul(chosen, means as Value);
  if (!isMatrix(kind)) return centre.add(noise.mul(matmul(chosen, reciprocal(whitening as Value))));
  const factor = triangularInverse(whitening as Value); // (K or 1, D, D)
  const spread = matmul(expandDims(noise, 0), factor, { transposeB: true }); // (K or 1, N, D)
  if (kind === "tied") return centre.add(sum(spread, 0));
  return centre.add(sum(spread.mul(expandDims(transpose(chosen, [1, 0]), -1)), 0));
}

/** Categorical emissions 0 … `symbols` − 1, rows [N, 1]. */
export function categoricalEmission(
  name: string,
  states: number,
  symbols: number,
  smoothing: number,
): Emission {
  const probabilities = spec("float64", [states, symbols]);
  const hot = (x: Value): Value => {
    const symbol = minimum(floor(sum(x, 1)), symbols - 1);
    return oneHot(cast(symbol, "int64"), symbols, "float64"); // (N, C)
  };
  return {
    parameters: { probabilities },
    statistics: { emitted: probabilities },
    freeParameters: states * (symbols - 1),
    regularized: smoothing > 0,
    logDensities: ({ probabilities: p }, x) =>
      log(matmul(p as Value, hot(x), { transposeB: true })),
    sums: (_parameters, x, responsibilities) => ({ emitted: matmul(responsibilities, hot(x)) }),
    maximize: ({ emitted }) => {
      const raised = (emitted as Value).add(smoothing + leastCount);
      return { probabilities: raised.div(sum(raised, 1, { keepDims: true })) };
    },
    complete: (parameters) => parameters,
    rebase: (statistics) => statistics,
    start: ({ data }, { labels }) => {
      const sums = new Float64Array(states * symbols).fill(1);
      for (const [n, symbol] of data.entries()) {
        if (!(Number.isInteger(symbol) && symbol >= 0 && symbol < symbols)) {
          throw new ReparamError(
            `${name}: a symbol is ${symbol}, but symbols are whole numbers from 0 to ${symbols - 1}. Set symbols to one more than the largest.`,
          );
        }
        const place = (labels[n] as number) * symbols + symbol;
        sums[place] = (sums[place] as number) + 1;
      }
      const rows = Float64Array.from({ length: states }, (_, k) =>
        sums.subarray(k * symbols, (k + 1) * symbols).reduce((total, value) => total + value, 0),
      );
      const shares = sums.map((value, i) => value / (rows[Math.floor(i / symbols)] as number));
      return { probabilities: tensor(shares, [states, symbols]) };
    },
    noise: "uniform",
    draw: ({ probabilities: p }, chosen, noise) => {
      const upper = cumulativeSum(matmul(chosen, p as Value), 1);
      const below = sum(cast(greaterOrEqual(noise, upper), "float64"), 1, { keepDims: true });
      return minimum(below, symbols - 1);
    },
  };
}
