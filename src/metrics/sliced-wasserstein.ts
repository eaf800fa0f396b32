import { multiply, norm2, transpose } from "../numerics/index.ts";
import { fillNormal, type Tensor } from "../tensor/index.ts";
import { type VectorSet, vectorPair, vectorSet } from "./vectors.ts";

export interface SlicedWassersteinOptions {
  /** Random directions. Default 128. */
  readonly projections?: number;
  /** Of the directions. Default 0. */
  readonly seed?: number;
}

/** Unit vectors [directions, size], row by row. */
function directionsOf(size: number, directions: number, seed: number): Float64Array {
  const all = new Float64Array(directions * size);
  fillNormal(all, { seed, step: 0, path: "slicedWasserstein" });
  for (let at = 0; at < all.length; at += size) {
    const row = all.subarray(at, at + size);
    const length = norm2(row);
    for (let i = 0; i < size; i++) row[i] = (row[i] as number) / length;
  }
  return all;
}

/** ∫|F⁻¹ − G⁻¹|² of two sorted samples, of any sizes. */
function squaredDistance(a: Float64Array, b: Float64Array): number {
  const [n, m] = [a.length, b.length];
  let [i, j, level, total] = [0, 0, 0, 0];
  while (i < n && j < m) {
    // Both quantile functions are constant up to the nearer of their next steps.
    const [byA, byB] = [(i + 1) * m, (j + 1) * n];
    const next = Math.min(byA, byB) / (n * m);
    total += (next - level) * ((a[i] as number) - (b[j] as number)) ** 2;
    level = next;
    if (byA <= byB) i++;
    if (byB <= byA) j++;
  }
  return total;
}

/** Along a direction, sorted. */
const sortedColumn = (projected: Float64Array, column: number, count: number): Float64Array =>
  projected.slice(column * count, (column + 1) * count).sort();

/**
 * The root of the mean squared 2-Wasserstein distance between projections of two sets of vectors on the rows of
 * `directions` [P, D]: Rabin, Peyré, Delon, Bernot, "Wasserstein barycenter and its application to texture mixing"
 * (2011), equation 9.
 */
export function projectedWasserstein(x: Tensor, y: Tensor, directions: Tensor): number {
  const [a, b] = vectorPair("projectedWasserstein", x, y);
  const along = vectorSet("projectedWasserstein", directions);
  return alongDirections(a, b, along.data, along.count);
}

function alongDirections(a: VectorSet, b: VectorSet, along: Float64Array, count: number): number {
  // [P, D] times [D, N]: a direction's projections lie together.
  const project = ({ data, count: n, size }: VectorSet): Float64Array =>
    multiply(along, transpose(data, n, size), count, size, n);
  const [p, q] = [project(a), project(b)];
  let total = 0;
  for (let i = 0; i < count; i++) {
    total += squaredDistance(sortedColumn(p, i, a.count), sortedColumn(q, i, b.count)) / count;
  }
  return Math.sqrt(total);
}

/** The same over random directions: in the units of the vectors, 0 for equal sets. */
export function slicedWasserstein(
  x: Tensor,
  y: Tensor,
  { projections = 128, seed = 0 }: SlicedWassersteinOptions = {},
): number {
  const [a, b] = vectorPair("slicedWasserstein", x, y);
  return alongDirections(a, b, directionsOf(a.size, projections, seed), projections);
}
