import { eigenvalues, multiply, transpose } from "../numerics/index.ts";
import { formatShape, permutation, ReparamError, type Tensor } from "../tensor/index.ts";
import { pickRows, rowsOf, vectorSet } from "./vectors.ts";

/** Mean [D] and covariance [D, D], row by row, of the features of a set. */
export interface FeatureStatistics {
  readonly count: number;
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

/** Of features [N, D]; the covariance is the unbiased one. Throws for fewer than two rows. */
export function featureStatistics(features: Tensor): FeatureStatistics {
  const [count = 0, size = 0] = features.shape;
  if (features.shape.length !== 2 || count < 2 || size < 1) {
    throw new ReparamError(
      `featureStatistics: wants features [N, D] of at least two samples, got ${formatShape(features.shape)}.`,
    );
  }
  const data = Float64Array.from(features.data as ArrayLike<number>);
  const mean = new Float64Array(size);
  for (let i = 0; i < data.length; i++)
    mean[i % size] = (mean[i % size] ?? 0) + (data[i] ?? 0) / count;
  const centred = data.map((v, i) => v - (mean[i % size] ?? 0));
  const product = multiply(transpose(centred, count, size), centred, size, count, size);
  return { count, mean, covariance: product.map((v) => v / (count - 1)) };
}

/**
 * The Fréchet distance of two normal distributions (squared 2-Wasserstein distance) with the moments of two sets of
 * features:
 *   ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½)
 * Dowson, Landau, "The Fréchet distance between multivariate normal distributions" (1982), equation 4; for images
 * Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (2017),
 * equation 6. The trace of the root is the sum of the roots of the eigenvalues of Σ₁Σ₂, which are real and at least 0.
 * It grows as samples get fewer: compare sets of equal size only.
 */
export function frechetDistance(x: FeatureStatistics, y: FeatureStatistics): number {
  const size = x.mean.length;
  if (y.mean.length !== size) {
    throw new ReparamError(
      `frechetDistance: both sets must have features of one size, got ${size} and ${y.mean.length}.`,
    );
  }
  let distance = 0;
  for (let i = 0; i < size; i++) {
    distance += ((x.mean[i] ?? 0) - (y.mean[i] ?? 0)) ** 2;
    distance += (x.covariance[i * size + i] ?? 0) + (y.covariance[i * size + i] ?? 0);
  }
  const product = multiply(x.covariance, y.covariance, size, size, size);
  for (const { re } of eigenvalues(product, size)) distance -= 2 * Math.sqrt(Math.max(0, re));
  return distance;
}

export interface ExtrapolationOptions {
  /** How many sizes. Default 15. */
  readonly sizes?: number;
  /** The smallest of them; by default a tenth of the samples. */
  readonly least?: number;
  /** Of the order in which samples are taken. Default 0. */
  readonly seed?: number;
}

/** Fréchet distances of sets of several sizes, and what they lead to. */
export interface ExtrapolatedDistance {
  /** Of infinitely many generated samples. */
  readonly distance: number;
  readonly sizes: readonly number[];
  readonly distances: readonly number[];
}

/** Value at 1/n = 0 of the line through (1/n, distance) by least squares. */
export function extrapolate(sizes: readonly number[], distances: readonly number[]): number {
  const x = sizes.map((n) => 1 / n);
  const mean = (values: readonly number[]): number =>
    values.reduce((total, v) => total + v, 0) / values.length;
  const [middle, level] = [mean(x), mean(distances)];
  const squares = x.reduce((total, v) => total + (v - middle) ** 2, 0);
  const products = x.reduce(
    (total, v, i) => total + (v - middle) * ((distances[i] ?? 0) - level),
    0,
  );
  return level - (products / squares) * middle;
}

/**
 * The Fréchet distance of infinitely many generated samples from the real set: its bias falls as 1/n, so that distances
 * of the first n samples, n from a tenth of them to all, are extended to 1/n = 0 along a line. Chong, Forsyth, "Effectively
 * unbiased FID and Inception score and where to find them" (2020), section 4.
 */
export function frechetAtInfinity(
  real: FeatureStatistics,
  fake: Tensor,
  { sizes = 15, least, seed = 0 }: ExtrapolationOptions = {},
): ExtrapolatedDistance {
  const all = vectorSet("frechetAtInfinity", fake, 4);
  const from = least ?? Math.max(2, Math.floor(all.count / 10));
  if (sizes < 2 || from < 2 || from >= all.count) {
    throw new ReparamError(
      `frechetAtInfinity: ${sizes} sizes from ${from} to ${all.count}. Use at least 2 sizes, and fewer samples for the smallest.`,
    );
  }
  const order = permutation(all.count, { seed, step: 0, path: "frechetAtInfinity" });
  const shuffled = pickRows(all, order);
  const steps = Array.from({ length: sizes }, (_, i) =>
    Math.round(from + (i * (all.count - from)) / (sizes - 1)),
  );
  const distances = steps.map((n) =>
    frechetDistance(real, featureStatistics(rowsOf(shuffled, 0, n))),
  );
  return { distance: extrapolate(steps, distances), sizes: steps, distances };
}
