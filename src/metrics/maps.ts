import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { fillUniform, formatShape, ShapeError, type Tensor } from "../tensor/index.ts";

/** A map of vectors: two coordinates a row. */
export interface VectorMap {
  /** float64 [N, 2] */
  readonly points: Tensor;
  /** Shares of the variance along both axes, of PCA. */
  readonly shares?: readonly [number, number];
}

interface Rows {
  readonly rows: number;
  readonly size: number;
  /** Of rows from their mean, in float64. */
  readonly data: Float64Array;
}

function centred(who: string, { shape, data }: Tensor): Rows {
  const [rows = 0, size = 0] = shape;
  if (shape.length !== 2 || rows < 3 || size < 2) {
    throw new ShapeError(
      who,
      `wants at least 3 vectors of at least 2 numbers [N, D], got ${formatShape(shape)}.`,
    );
  }
  const out = Float64Array.from(data as ArrayLike<unknown> as ArrayLike<number>, Number);
  const means = new Float64Array(size);
  for (const [at, value] of out.entries()) {
    means[at % size] = (means[at % size] as number) + value / rows;
  }
  return { rows, size, data: out.map((value, at) => value - (means[at % size] as number)) };
}

/**
 * The two directions of the largest variance: Pearson, "On lines and planes of closest fit to systems of points in
 * space" (1901). Each axis points where its largest component is positive.
 */
export function principalMap(vectors: Tensor): VectorMap {
  const { rows, size, data } = centred("principalMap", vectors);
  // Of more numbers than rows, by the matrix of inner products, which has the same eigenvalues.
  const wide = size > rows;
  const x = Matrix.from1DArray(rows, size, data);
  const square = wide ? x.mmul(x.transpose()) : x.transpose().mmul(x);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(square, {
    assumeSymmetric: true,
  });
  const largest = realEigenvalues.length - 1;
  const total = realEigenvalues.reduce((s, v) => s + Math.max(0, v), 0);
  const points = new Float64Array(2 * rows);
  const shares = [0, 1].map((axis) => {
    const value = Math.max(0, realEigenvalues[largest - axis] as number);
    const found = eigenvectorMatrix.getColumn(largest - axis);
    const direction = wide ? x.transpose().mmul(Matrix.columnVector(found)).to1DArray() : found;
    const length = Math.hypot(...direction) || 1;
    const head = direction.reduce((most, d) => (Math.abs(d) > Math.abs(most) ? d : most), 0);
    const scale = Math.sign(head) / length;
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let d = 0; d < size; d++) {
        sum += (data[row * size + d] as number) * (direction[d] as number);
      }
      points[2 * row + axis] = sum * scale;
    }
    return total > 0 ? value / total : 0;
  });
  const tensor: Tensor = { dtype: "float64", shape: [rows, 2], data: points };
  return { points: tensor, shares: shares as unknown as readonly [number, number] };
}

export interface NeighbourMapOptions {
  /** Neighbours that decide a point's place. Default 15. */
  readonly neighbours?: number;
  /** Least distance of points on the map. Default 0.1. */
  readonly minDistance?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * Neighbours on the map are neighbours in space: McInnes, Healy, Melville, "UMAP: Uniform manifold approximation and
 * projection for dimension reduction" (2018), by the package umap-js. The same seed gives the same map.
 */
export async function neighbourMap(
  vectors: Tensor,
  { neighbours = 15, minDistance = 0.1, seed = 0 }: NeighbourMapOptions = {},
): Promise<VectorMap> {
  const { rows, size, data } = centred("neighbourMap", vectors);
  const { UMAP } = await import("umap-js");
  const umap = new UMAP({
    ...{ nComponents: 2, nNeighbors: Math.min(neighbours, rows - 1), minDist: minDistance },
    random: uniformNumbers(seed),
  });
  const found = await umap.fitAsync(
    Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * size, (i + 1) * size))),
  );
  const points = Float64Array.from(found.flat());
  return { points: { dtype: "float64", shape: [rows, 2], data: points } };
}

/** Uniform numbers one by one, from the generator of all random numbers here. */
function uniformNumbers(seed: number): () => number {
  const block = new Float64Array(4096);
  let [step, at] = [0, block.length];
  return () => {
    if (at === block.length) {
      fillUniform(block, { seed, step: step++, path: "map" });
      at = 0;
    }
    return block[at++] as number;
  };
}
