// Pointwise mutual information of words and their neighbours, and vectors by its factors: Levy, Goldberg, "Neural word
// embedding as implicit matrix factorization" (2014).
import type { Tensor } from "reparam/tensor";

export interface PairSettings {
  readonly window: number;
  readonly subsample: number;
  readonly noiseExponent: number;
}

/** Weights of pairs of words, and what PMI wants besides. */
export interface Pairs {
  readonly words: number;
  /** [words, words], as skip-gram weighs them. */
  readonly weight: Float32Array;
  /** Σ of the rows of `weight`. */
  readonly total: Float64Array;
  /** Shares of the noise. */
  readonly noise: Float64Array;
}

/** Pairs within windows of tokens [N, T], of the words with ids below `words`. */
export function countPairs(tokens: Tensor, words: number, settings: PairSettings): Pairs {
  const [rows, length] = tokens.shape as [number, number];
  const ids = tokens.data as Int32Array;
  const counts = new Float64Array(words);
  for (const id of ids) if (id < words) counts[id] = (counts[id] as number) + 1;
  const seen = counts.reduce((s, c) => s + c, 0);
  const kept = counts.map((c) =>
    Math.min(1, Math.sqrt((settings.subsample * seen) / Math.max(c, 1))),
  );
  const raised = counts.map((c) => (c > 0 ? c ** settings.noiseExponent : 0));
  const mass = raised.reduce((s, c) => s + c, 0);
  const weight = new Float32Array(words * words);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < length; i++) {
      const a = ids[row * length + i] as number;
      if (a >= words) continue;
      for (let d = 1; d <= settings.window && i + d < length; d++) {
        const b = ids[row * length + i + d] as number;
        if (b >= words) continue;
        const share = ((settings.window - d + 1) / settings.window) * (kept[a] as number);
        const add = share * (kept[b] as number);
        weight[a * words + b] = (weight[a * words + b] as number) + add;
        weight[b * words + a] = (weight[b * words + a] as number) + add;
      }
    }
  }
  const total = new Float64Array(words);
  for (let a = 0; a < words; a++) {
    for (let b = 0; b < words; b++) {
      total[a] = (total[a] as number) + (weight[a * words + b] as number);
    }
  }
  return { words, weight, total, noise: raised.map((c) => c / mass) };
}

/** log p(a, b)/(p(a) q(b)); −∞ for pairs that never were. */
export const information = ({ words, weight, total, noise }: Pairs, a: number, b: number): number =>
  Math.log((weight[a * words + b] as number) / ((total[a] as number) * (noise[b] as number)));

/** Positive entries of PMI − log k, row by row. */
function positiveEntries(
  pairs: Pairs,
  negatives: number,
): readonly (readonly [Int32Array, Float64Array])[] {
  const shift = Math.log(negatives);
  return Array.from({ length: pairs.words }, (_, a) => {
    const places: number[] = [];
    const values: number[] = [];
    for (let b = 0; b < pairs.words; b++) {
      if (pairs.weight[a * pairs.words + b] === 0) continue;
      const value = information(pairs, a, b) - shift;
      if (value <= 0) continue;
      places.push(b);
      values.push(value);
    }
    return [Int32Array.from(places), Float64Array.from(values)] as const;
  });
}

/**
 * U√Λ [words, size] of the largest eigenvalues of MᵀM, M the positive shifted PMI (equation 13 and section 4.2), by
 * orthogonal iteration.
 */
export function informationVectors(pairs: Pairs, size: number, negatives: number): Tensor {
  const { words } = pairs;
  const matrix = positiveEntries(pairs, negatives);
  const times = (x: Float64Array, transposed: boolean): Float64Array<ArrayBuffer> => {
    const out = new Float64Array(words * size);
    for (const [a, [places, values]] of matrix.entries()) {
      for (const [k, b] of places.entries()) {
        const [to, from] = transposed ? [b, a] : [a, b];
        const value = values[k] as number;
        for (let d = 0; d < size; d++) {
          const at = to * size + d;
          out[at] = (out[at] as number) + value * (x[from * size + d] as number);
        }
      }
    }
    return out;
  };
  let basis = Float64Array.from({ length: words * size }, (_, i) =>
    Math.sin(i * 12.9898 + (i % 7)),
  );
  let scale = new Float64Array(size);
  for (let round = 0; round < 12; round++) {
    basis = times(times(basis, true), false);
    // The lengths tend to the squares of the singular values.
    scale = orthonormalize(basis, size).map((length) => length ** 0.25);
  }
  const data = Float32Array.from(basis, (value, at) => value * (scale[at % size] as number));
  return { dtype: "float32", shape: [words, size], data };
}

/** Columns of x [rows, size] by Gram and Schmidt, in place, each twice against rounding; their lengths before. */
function orthonormalize(x: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const rows = x.length / size;
  const dot = (a: number, b: number): number => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += (x[i * size + a] as number) * (x[i * size + b] as number);
    return sum;
  };
  const lengths = new Float64Array(size);
  for (let d = 0; d < size; d++) {
    for (let other = 0; other < 2 * d; other++) {
      const share = dot(d, other % d);
      for (let i = 0; i < rows; i++) {
        x[i * size + d] =
          (x[i * size + d] as number) - share * (x[i * size + (other % d)] as number);
      }
    }
    lengths[d] = Math.sqrt(dot(d, d));
    for (let i = 0; i < rows; i++)
      x[i * size + d] = (x[i * size + d] as number) / (lengths[d] || 1);
  }
  return lengths;
}

/** Pearson's correlation. */
export function correlation(x: readonly number[], y: readonly number[]): number {
  const meanOf = (v: readonly number[]): number => v.reduce((s, a) => s + a, 0) / v.length;
  const [mx, my] = [meanOf(x), meanOf(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (const [i, a] of x.entries()) {
    const [dx, dy] = [a - mx, (y[i] as number) - my];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xy / Math.sqrt(xx * yy);
}
