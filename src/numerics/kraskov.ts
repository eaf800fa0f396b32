/**
 * Mutual information by nearest neighbours: Kraskov, Stögbauer, Grassberger, "Estimating mutual information"
 * (2004), estimator 1, equation 8:
 *
 *   I = ψ(k) + ψ(N) − ⟨ψ(n_x + 1) + ψ(n_y + 1)⟩
 *
 * with ε the distance to the k-th neighbour among the pairs, by the larger of the distances in x and in y,
 * and n_x, n_y the points nearer than ε in x and in y alone. Distances within x and y are the largest of the
 * coordinates' differences. Compared pair by pair, in a time of N²·(X + Y).
 */
import { ReparamError } from "../tensor/index.ts";

/** Rows of numbers, one after the other. */
export interface Rows {
  readonly data: Float64Array;
  readonly size: number;
}

export interface KraskovResult {
  /** In nats; may be negative. */
  readonly value: number;
  /** Of the mean of the points' own terms, as if they were independent. */
  readonly standardError: number;
  /** Points that share their place with more than `neighbours` others: the estimate wants none. */
  readonly ties: number;
}

/** ψ(n) = −γ + Σ_{i<n} 1/i for n = 0 … count, at 0 unused. */
function digammas(count: number): Float64Array {
  const values = new Float64Array(count + 1);
  values[1] = -0.5772156649015329;
  for (let n = 2; n <= count; n++) values[n] = (values[n - 1] as number) + 1 / (n - 1);
  return values;
}

/** Largest difference of coordinates between row i and every row. */
function distancesFrom({ data, size }: Rows, i: number, out: Float64Array): void {
  const from = i * size;
  if (size === 1) {
    const own = data[from] as number;
    for (let j = 0; j < out.length; j++) out[j] = Math.abs((data[j] as number) - own);
    return;
  }
  for (let j = 0, at = 0; j < out.length; j++) {
    let most = 0;
    for (let d = 0; d < size; d++, at++) {
      const difference = Math.abs((data[at] as number) - (data[from + d] as number));
      if (difference > most) most = difference;
    }
    out[j] = most;
  }
}

/** The k-th smallest of the joint distances to other rows than i. `nearest` is room for k numbers. */
function radius(x: Float64Array, y: Float64Array, i: number, nearest: Float64Array): number {
  const last = nearest.length - 1;
  nearest.fill(Infinity);
  for (let j = 0; j < x.length; j++) {
    const distance = Math.max(x[j] as number, y[j] as number);
    if (distance >= (nearest[last] as number) || j === i) continue;
    let place = last;
    while (place > 0 && (nearest[place - 1] as number) > distance) {
      nearest[place] = nearest[place - 1] as number;
      place -= 1;
    }
    nearest[place] = distance;
  }
  return nearest[last] as number;
}

/**
 * @param neighbours k, 3 by default: fewer mean less bias, more mean less variance.
 * @throws ReparamError unless both have the same number of rows, more than k.
 */
export function kraskovInformation(
  x: Rows,
  y: Rows,
  { neighbours = 3 }: { readonly neighbours?: number } = {},
): KraskovResult {
  const count = x.data.length / x.size;
  if (count !== y.data.length / y.size || !Number.isInteger(neighbours) || neighbours < 1) {
    throw new ReparamError(
      `kraskovInformation: wants as many rows of x as of y and a positive integer of neighbours, got ${count}, ${y.data.length / y.size} and ${neighbours}.`,
    );
  }
  if (count <= neighbours) {
    throw new ReparamError(
      `kraskovInformation: ${count} rows have no ${neighbours} neighbours each. Give more rows.`,
    );
  }
  const psi = digammas(count);
  const [dx, dy] = [new Float64Array(count), new Float64Array(count)];
  const nearest = new Float64Array(neighbours);
  let [sum, squares, ties] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    distancesFrom(x, i, dx);
    distancesFrom(y, i, dy);
    const epsilon = radius(dx, dy, i, nearest);
    if (epsilon === 0) ties += 1;
    // The point itself is nearer than ε: it is the 1 of n + 1, unless ε is 0.
    let [nx, ny] = epsilon === 0 ? [1, 1] : [0, 0];
    for (let j = 0; j < count; j++) {
      nx += Number((dx[j] as number) < epsilon);
      ny += Number((dy[j] as number) < epsilon);
    }
    const term = (psi[nx] as number) + (psi[ny] as number);
    sum += term;
    squares += term * term;
  }
  const average = sum / count;
  const variance = Math.max(0, squares / count - average ** 2) / (count - 1);
  return {
    value: (psi[neighbours] as number) + (psi[count] as number) - average,
    standardError: Math.sqrt(variance),
    ties,
  };
}
