import { symmetricEigenvectors } from "../numerics/index.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";

/** Directions of most variance of some vectors. */
export interface PrincipalComponents {
  readonly mean: Float64Array;
  /** Unit vectors, that of the largest variance first. Of each pair of signs, its largest entry is positive. */
  readonly directions: readonly Float64Array[];
  /** Standard deviation of the vectors along each. */
  readonly deviations: readonly number[];
  /** Share of all variance along each. */
  readonly shares: readonly number[];
}

/** Of vectors [N, D] (Pearson 1901); N of at least 2. */
export function principalComponents({ data, shape }: Tensor): PrincipalComponents {
  const [count = 0, size = 0] = shape;
  if (shape.length !== 2 || count < 2) {
    throw new ReparamError(`principalComponents: want [N, D] with N of 2 or more, got [${shape}].`);
  }
  const mean = new Float64Array(size);
  for (let i = 0; i < data.length; i++)
    mean[i % size] = at(mean, i % size) + Number(data[i]) / count;
  const covariance = new Float64Array(size * size);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < size; i++) {
      const off = Number(data[row * size + i]) - at(mean, i);
      for (let j = 0; j <= i; j++) {
        const other = Number(data[row * size + j]) - at(mean, j);
        covariance[i * size + j] = at(covariance, i * size + j) + (off * other) / (count - 1);
      }
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) covariance[j * size + i] = at(covariance, i * size + j);
  }
  const { values, vectors } = symmetricEigenvectors(covariance, size);
  const total = values.reduce((sum, value) => sum + value, 0);
  return {
    mean,
    directions: vectors.map(signed),
    deviations: values.map((value) => Math.sqrt(Math.max(0, value))),
    shares: values.map((value) => (total > 0 ? value / total : 0)),
  };
}

const at = (values: Float64Array, i: number): number => values[i] as number;

function signed(vector: readonly number[]): Float64Array {
  const largest = vector.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  return Float64Array.from(vector, (v) => (largest < 0 ? -v : v));
}
