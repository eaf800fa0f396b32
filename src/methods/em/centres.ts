/**
 * Where clusters begin: k-means++ of Arthur, Vassilvitskii, "k-means++: the advantages of careful seeding"
 * (2007), section 2.2, in its greedy form (the best of a few candidates); Lloyd's iterations after it.
 */
import { fillUniform, ReparamError, type Tensor, tensor } from "../../tensor/index.ts";
import { type Rows, rowsOf } from "./rows.ts";

export const startKinds = ["k-means", "k-means++", "random"] as const;
export type StartKind = (typeof startKinds)[number];

/** Centres [count, size] row-major, and the nearest one of every row. */
export interface Clusters {
  readonly count: number;
  readonly centres: Float64Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** Candidates of each greedy choice. */
const trialsOf = (count: number): number => 2 + Math.floor(Math.log(count));

/** Uniform numbers that `findClusters` takes. */
export const clusterNoise = (count: number): number => count * trialsOf(count);

/**
 * k-means++ alone: `count` centres [count, D] among rows [N, D], far from each other, and the nearest centre
 * of every row. Throws where there are fewer rows than centres, and for rows with NaN or infinities.
 */
export function kMeansPlusPlus(
  rows: Tensor,
  count: number,
  { seed = 0 }: { readonly seed?: number } = {},
): { readonly centres: Tensor; readonly labels: Int32Array<ArrayBuffer> } {
  const given = rowsOf(rows);
  if (rows.shape.length !== 2 || !given.data.every(Number.isFinite)) {
    throw new ReparamError("kMeansPlusPlus wants rows [N, D] of finite numbers.");
  }
  const uniforms = new Float64Array(clusterNoise(count));
  fillUniform(uniforms, { seed, step: 0, path: "k-means++" });
  const { centres, labels } = findClusters(given, count, "k-means++", uniforms);
  return { centres: tensor(centres, [count, given.size]), labels };
}

const lloydIterations = 25;

/** Clusters of rows by a start of that kind. Throws where there are fewer rows than clusters. */
export function findClusters(
  rows: Rows,
  count: number,
  kind: StartKind,
  uniforms: Float64Array,
): Clusters {
  if (rows.count < count) {
    throw new ReparamError(
      `${count} components want at least ${count} rows, but there are ${rows.count}. Take fewer components.`,
    );
  }
  const chosen =
    kind === "random" ? randomRows(rows.count, count, uniforms) : seeds(rows, count, uniforms);
  let clusters = assign(rows, pickRows(rows, chosen));
  for (let i = 0; kind === "k-means" && i < lloydIterations; i++) {
    const next = assign(rows, means(rows, clusters));
    const moved = next.labels.some((label, row) => label !== clusters.labels[row]);
    clusters = next;
    if (!moved) break;
  }
  return clusters;
}

/** Different rows by chance (Floyd's sampling). */
function randomRows(length: number, count: number, uniforms: Float64Array): number[] {
  const chosen = new Set<number>();
  for (let i = 0; i < count; i++) {
    const last = length - count + i;
    const row = Math.floor((uniforms[i] as number) * (last + 1));
    chosen.add(chosen.has(row) ? last : row);
  }
  return [...chosen];
}

function seeds(rows: Rows, count: number, uniforms: Float64Array): number[] {
  const trials = trialsOf(count);
  const first = Math.floor((uniforms[0] as number) * rows.count);
  const chosen = [first];
  let nearest = squaredDistances(rows, first);
  for (let i = 1; i < count; i++) {
    let best: { row: number; nearest: Float64Array; sum: number } | undefined;
    const total = nearest.reduce((sum, d) => sum + d, 0);
    for (let t = 0; t < trials; t++) {
      const row = drawBy(nearest, total * (uniforms[i * trials + t] as number));
      const to = squaredDistances(rows, row).map((d, n) => Math.min(d, nearest[n] as number));
      const sum = to.reduce((s, d) => s + d, 0);
      if (best === undefined || sum < best.sum) best = { row, nearest: to, sum };
    }
    const { row, nearest: next } = best as NonNullable<typeof best>;
    chosen.push(row);
    nearest = next;
  }
  return chosen;
}

/** The first position at which the running sum passes `target`. */
function drawBy(weights: Float64Array, target: number): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i] as number;
    if (sum > target) return i;
  }
  return weights.length - 1;
}

function squaredDistances({ count, size, data }: Rows, from: number): Float64Array {
  const distances = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    let sum = 0;
    for (let j = 0; j < size; j++) {
      const d = (data[n * size + j] as number) - (data[from * size + j] as number);
      sum += d * d;
    }
    distances[n] = sum;
  }
  return distances;
}

const pickRows = ({ size, data }: Rows, chosen: readonly number[]): Float64Array<ArrayBuffer> =>
  Float64Array.from(chosen.flatMap((row) => [...data.subarray(row * size, (row + 1) * size)]));

function assign({ count, size, data }: Rows, centres: Float64Array<ArrayBuffer>): Clusters {
  const clusters = centres.length / size;
  const labels = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    let least = Number.POSITIVE_INFINITY;
    for (let k = 0; k < clusters; k++) {
      let sum = 0;
      for (let j = 0; j < size && sum < least; j++) {
        const d = (data[n * size + j] as number) - (centres[k * size + j] as number);
        sum += d * d;
      }
      if (sum < least) {
        least = sum;
        labels[n] = k;
      }
    }
  }
  return { count: clusters, centres, labels };
}

/** Means of the clusters; one without rows stays where it is. */
function means(
  { count, size, data }: Rows,
  { centres, labels }: Clusters,
): Float64Array<ArrayBuffer> {
  const sums = new Float64Array(centres.length);
  const counts = new Float64Array(centres.length / size);
  for (let n = 0; n < count; n++) {
    const k = labels[n] as number;
    counts[k] = (counts[k] as number) + 1;
    for (let j = 0; j < size; j++) {
      sums[k * size + j] = (sums[k * size + j] as number) + (data[n * size + j] as number);
    }
  }
  return sums.map((sum, i) => {
    const rows = counts[Math.floor(i / size)] as number;
    return rows === 0 ? (centres[i] as number) : sum / rows;
  });
}
