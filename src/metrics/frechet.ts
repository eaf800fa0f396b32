import { eigenvalues, multiply, transpose } from "../numerics/index.ts";
import { formatShape, ReparamError, type Tensor } from "../tensor/index.ts";

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
