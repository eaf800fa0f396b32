/**
 * Gaussian components and their maximum likelihood, for mixtures and for hidden Markov models: Bishop,
 * "Pattern recognition and machine learning" (2006), section 9.2.2.
 *
 *   log N(x; μ, Σ) = −½ D log 2π + log |W| − ½ ‖W(x − μ)‖²,   W = L⁻¹,  Σ = L·Lᵀ
 *   N_k = Σₙ rₙₖ,  μ_k ← Σₙ rₙₖ xₙ / N_k,  Σ_k ← Σₙ rₙₖ (xₙ − μ_k)(xₙ − μ_k)ᵀ / N_k
 *
 * Statistics are sums around the present means, so that little is lost to cancellation. Rows lie along the
 * last axis, [components K, features D, rows N]: every broadcast is then a long run of memory.
 */
import {
  diagonal,
  diagonalMatrix,
  expandDims,
  full,
  log,
  matmul,
  mean,
  reshape,
  sum,
  transpose,
} from "../../ops/index.ts";
import { spec, type TensorSpec } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Named } from "./model.ts";

export const covarianceKinds = ["full", "tied", "diagonal", "spherical"] as const;
/** A matrix a component, one matrix for all, a variance a feature, or one variance, of each component. */
export type CovarianceKind = (typeof covarianceKinds)[number];

export interface GaussianShape {
  readonly kind: CovarianceKind;
  readonly components: number;
  readonly size: number;
}

/** Whether the covariance is a matrix rather than variances. */
export const isMatrix = (kind: CovarianceKind): boolean => kind === "full" || kind === "tied";

/** full [K, D, D], tied [1, D, D], diagonal [K, D], spherical [K, 1]. */
export function covarianceShape({ kind, components, size }: GaussianShape): readonly number[] {
  if (kind === "full") return [components, size, size];
  if (kind === "tied") return [1, size, size];
  return [components, kind === "diagonal" ? size : 1];
}

/** Means [K, D]; covariances and whitening W (for variances 1/σ) in the shape of their kind. */
export function gaussianParameters(shape: GaussianShape): Named<TensorSpec> {
  const covariance = spec("float64", covarianceShape(shape));
  return {
    means: spec("float64", [shape.components, shape.size]),
    covariances: covariance,
    whitening: covariance,
  };
}

/** N_k [K], Σ r(x − μ) [K, D], Σ r(x − μ)(x − μ)ᵀ [K, D, D] or its diagonal [K, D]. */
export function gaussianStatistics({
  kind,
  components: k,
  size: d,
}: GaussianShape): Named<TensorSpec> {
  return {
    count: spec("float64", [k]),
    first: spec("float64", [k, d]),
    second: spec("float64", isMatrix(kind) ? [k, d, d] : [k, d]),
  };
}

/** Free parameters of means and covariances. */
export function gaussianFreeParameters({ kind, components: k, size: d }: GaussianShape): number {
  const matrix = (d * (d + 1)) / 2;
  const covariance = { full: k * matrix, tied: matrix, diagonal: k * d, spherical: k }[kind];
  return k * d + covariance;
}

/** x − μ_k, [K, D, N], of rows [N, D]. */
export const differences = (x: Value, means: Value): Value =>
  expandDims(transpose(x, [1, 0]), 0).sub(expandDims(means, -1));

/** −½ D log 2π + log |W_k|, [K] or [1]. */
export function logNormalizer({ kind, size }: GaussianShape, whitening: Value): Value {
  const scales = isMatrix(kind) ? diagonal(whitening) : whitening;
  const logs = sum(log(scales), -1);
  return (kind === "spherical" ? logs.mul(size) : logs).sub((size / 2) * Math.log(2 * Math.PI));
}

/** log N(x; μ_k, Σ_k), [K, N], from differences [K, D, N] and log-normalizers [K] or [1]. */
export function logDensities(
  { kind }: GaussianShape,
  difference: Value,
  whitening: Value,
  logScale: Value,
): Value {
  const white = isMatrix(kind)
    ? matmul(whitening, difference)
    : expandDims(whitening, -1).mul(difference);
  return sum(white.square(), 1).mul(-0.5).add(expandDims(logScale, -1));
}

/** Statistics of rows x [N, D] with responsibilities [K, N]. Missing entries are 0 in both. */
export function gaussianSums(
  { kind, components, size }: GaussianShape,
  given: {
    readonly x: Value;
    readonly means: Value;
    readonly difference: Value;
    readonly responsibilities: Value;
    /** 1 where a feature is there, 0 where it is missing in all rows, [D]. */
    readonly mask?: Value;
  },
): Named<Value> {
  const { x, means, difference, responsibilities, mask } = given;
  const weighted = expandDims(responsibilities, 1).mul(difference); // (K, D, N)
  const count = sum(responsibilities, 1);
  const first = sum(weighted, 2);
  if (!isMatrix(kind)) return { count, first, second: sum(weighted.mul(difference), 2) };
  // One product for all components. Only its right side is around a common centre, and what that adds,
  // Σ r(x − μ) times (μ − centre), is taken off again.
  const centre = mean(means, 0, { keepDims: true });
  const only = (value: Value): Value => (mask === undefined ? value : value.mul(mask));
  const products = matmul(reshape(weighted, [components * size, -1]), only(x.sub(centre)));
  const shift = expandDims(first, 2).mul(expandDims(only(means.sub(centre)), 1));
  return { count, first, second: reshape(products, [components, size, size]).sub(shift) };
}

const outer = (a: Value, b: Value): Value => expandDims(a, 2).mul(expandDims(b, 1));

/** Statistics around means as they are around others: [K, D] and [K, D]. */
export function rebaseSums(
  { kind }: GaussianShape,
  { count, first, second }: Named<Value>,
  before: Value,
  after: Value,
): Named<Value> {
  const [n, s, q] = [count, first, second] as [Value, Value, Value];
  const moved = after.sub(before);
  const all = expandDims(n, -1);
  const product = isMatrix(kind) ? outer : (a: Value, b: Value): Value => a.mul(b);
  const weight = isMatrix(kind) ? expandDims(all, -1) : all;
  return {
    count: n,
    first: s.sub(all.mul(moved)),
    second: q
      .sub(product(s, moved))
      .sub(product(moved, s))
      .add(weight.mul(product(moved, moved))),
  };
}

export interface GaussianUpdate {
  readonly regularization: number;
  readonly fixedMeans: boolean;
  readonly fixedCovariances: boolean;
}

/** A component without rows keeps its mean: ten roundings of 1 stand for its rows. */
export const leastCount = 10 * Number.EPSILON;

/** The M-step. The whitening is left to the host: see `completeGaussians`. */
export function maximizeGaussians(
  shape: GaussianShape,
  statistics: Named<Value>,
  parameters: Named<Value>,
  { regularization, fixedMeans, fixedCovariances }: GaussianUpdate,
): Named<Value> {
  const { means, covariances, whitening } = parameters as Record<string, Value>;
  const before = means as Value;
  const counts = (statistics.count as Value).add(leastCount);
  const moved = (statistics.first as Value).div(expandDims(counts, -1));
  const after = fixedMeans ? before : before.add(moved);
  if (fixedCovariances)
    return { means: after, covariances: covariances as Value, whitening: whitening as Value };
  const sums = rebaseSums(shape, { ...statistics, count: counts }, before, after).second as Value;
  return {
    means: after,
    covariances: covarianceOf(shape, sums, counts, regularization),
    whitening: whitening as Value,
  };
}

function covarianceOf(
  { kind, size }: GaussianShape,
  sums: Value,
  counts: Value,
  regularization: number,
): Value {
  if (kind === "full" || kind === "tied") {
    const each = expandDims(expandDims(counts, -1), -1);
    const raw =
      kind === "full" ? sums.div(each) : sum(sums, 0, { keepDims: true }).div(sum(counts));
    const ridge = diagonalMatrix(full([size], regularization, "float64"));
    return raw.add(transpose(raw)).mul(0.5).add(ridge);
  }
  const variances = sums.div(expandDims(counts, -1)).add(regularization);
  return kind === "diagonal" ? variances : mean(variances, 1, { keepDims: true });
}
