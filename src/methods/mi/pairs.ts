// Pairs (x, y) on the host: checked, brought to one scale, and divided.
import type { Rows } from "../../numerics/kraskov.ts";
import { formatShape, permutation, ReparamError, type Tensor } from "../../tensor/index.ts";

/** Rows [N] or [N, …] of numbers as float64. Throws unless they are finite. */
export function rowsOfTensor(name: string, { shape, data }: Tensor): Rows & { length: number } {
  const [length = 0] = shape;
  const size = length === 0 ? 0 : data.length / length;
  if (size === 0) {
    throw new ReparamError(
      `${name} has the shape ${formatShape(shape)}. Give a row of numbers for each pair.`,
    );
  }
  const values = Float64Array.from(data as ArrayLike<unknown> as ArrayLike<number>, Number);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new ReparamError(
      `${name}: row ${Math.floor(bad / size)} has ${values[bad]}. Leave out pairs with missing or infinite numbers.`,
    );
  }
  return { data: values, size, length };
}

/** Row numbers by what they are for: to learn from, to stop by, and to estimate with. */
export interface Division {
  readonly train: Uint32Array;
  readonly stop: Uint32Array;
  readonly estimate: Uint32Array;
}

/** Three fifths to train, a fifth for each of the others, at random by `seed`. */
export function dividePairs(length: number, seed: number): Division {
  const order = permutation(length, { seed, step: 0, path: "pairs" });
  const held = Math.floor(length / 5);
  return {
    estimate: order.subarray(0, held),
    stop: order.subarray(held, 2 * held),
    train: order.subarray(2 * held),
  };
}

function meansOf({ data, size }: Rows, indices: Uint32Array): Float64Array {
  const means = new Float64Array(size);
  for (const row of indices) {
    for (let d = 0; d < size; d++) {
      means[d] = (means[d] as number) + (data[row * size + d] as number) / indices.length;
    }
  }
  return means;
}

/**
 * The rows less their mean, over their standard deviation, both of the rows at `indices`: the information is the
 * same. What does not vary there becomes 0.
 */
export function standardized(rows: Rows, indices: Uint32Array): Rows {
  const { data, size } = rows;
  const means = meansOf(rows, indices);
  const scales = new Float64Array(size);
  for (const row of indices) {
    for (let d = 0; d < size; d++) {
      const off = (data[row * size + d] as number) - (means[d] as number);
      scales[d] = (scales[d] as number) + off ** 2 / indices.length;
    }
  }
  for (let d = 0; d < size; d++) {
    scales[d] = (scales[d] as number) > 0 ? 1 / Math.sqrt(scales[d] as number) : 0;
  }
  const out = data.map(
    (value, at) => (value - (means[at % size] as number)) * (scales[at % size] as number),
  );
  return { data: out, size };
}

/** The rows with mean 0 and covariance I over those at `indices`: L⁻¹(y − mean) with LLᵀ their covariance. */
export function whitened(rows: Rows, indices: Uint32Array): Rows {
  const scaled = standardized(rows, indices);
  const { data, size } = scaled;
  const covariance = new Float64Array(size * size);
  for (const row of indices) {
    for (let i = 0; i < size; i++) {
      const weight = (data[row * size + i] as number) / indices.length;
      for (let j = 0; j <= i; j++) {
        const at = i * size + j;
        covariance[at] = (covariance[at] as number) + weight * (data[row * size + j] as number);
      }
    }
  }
  const factor = choleskyFactor(covariance, size);
  const out = new Float64Array(data.length);
  for (let from = 0; from < data.length; from += size) {
    for (let i = 0; i < size; i++) {
      let sum = data[from + i] as number;
      for (let j = 0; j < i; j++)
        sum -= (factor[i * size + j] as number) * (out[from + j] as number);
      out[from + i] = sum / (factor[i * size + i] as number);
    }
  }
  return { data: out, size };
}

/** L of a matrix of which the lower half is given. Directions without spread get a little of it. */
function choleskyFactor(a: Float64Array, size: number): Float64Array {
  const l = new Float64Array(a.length);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * size + j] as number;
      for (let k = 0; k < j; k++) sum -= (l[i * size + k] as number) * (l[j * size + k] as number);
      l[i * size + j] =
        i === j ? Math.sqrt(Math.max(sum, 1e-9)) : sum / (l[j * size + j] as number);
    }
  }
  return l;
}
