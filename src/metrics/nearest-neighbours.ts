import { compile, hold } from "../onnx/index.ts";
import { matmul, topK } from "../ops/index.ts";
import { dim, formatShape, ReparamError, ShapeError, spec, type Tensor } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";

export type VectorDistance = "cosine" | "euclidean";

export interface NeighboursOptions {
  /** How many; 5 by default. */
  readonly neighbours?: number;
  /** Default "cosine": 1 − a·b/(‖a‖‖b‖). */
  readonly distance?: VectorDistance;
  /** Default 2. */
  readonly threads?: number;
}

/** The nearest of each query, nearest first: [queries · neighbours] each. */
export interface Neighbours {
  /** Rows of the index. */
  readonly indices: Int32Array;
  readonly distances: Float64Array;
}

/** Vectors in the runtime's memory, to be searched again and again. */
export interface VectorIndex {
  readonly length: number;
  readonly size: number;
  /** Exact: every vector is compared with every query [Q, D]. */
  search(queries: Tensor, neighbours?: number): Promise<Neighbours>;
  release(): Promise<void>;
}

/** Queries that are compared at once: the products of so many with all vectors are in memory. */
const mostProducts = 2 ** 24;
/** More candidates than asked for, since single precision decides on them; distances are then exact. */
const spare = 8;

/**
 * An index over vectors [N, D], float32. Products of the queries with all vectors are one multiplication in the
 * runtime; the best candidates are compared again in float64.
 * @throws ShapeError unless there are vectors of at least one element.
 */
export async function vectorIndex(
  vectors: Tensor,
  { neighbours = 5, distance = "cosine", threads = 2 }: NeighboursOptions = {},
): Promise<VectorIndex> {
  const [length = 0, size = 0] = vectors.shape;
  if (vectors.shape.length !== 2 || vectors.dtype !== "float32" || length * size === 0) {
    throw new ShapeError(
      "vectorIndex",
      `vectors must be float32 [N, D], got ${vectors.dtype}${formatShape(vectors.shape)}.`,
    );
  }
  const prepared = distance === "cosine" ? normalized(vectors) : vectors;
  const most = Math.min(length, neighbours + spare);
  const fixed = { vectors: prepared, half: halfSquares(prepared) };
  const program = await compile(
    ({ state, queries }) => {
      const own = state as { vectors: Value; half: Value };
      // ‖q − v‖² less the part that all vectors share, −½ of it: the larger, the nearer.
      const products = matmul(queries as Value, own.vectors, { transposeB: true });
      const [, indices] = topK(products.sub(own.half), most);
      return { state: { ...own }, indices };
    },
    { state: fixed, queries: spec("float32", [dim("Q"), size]) },
    { threads, spin: false },
  );
  const state = hold(fixed);
  return {
    length,
    size,
    search: async (queries, count = neighbours) => {
      if (queries.shape.length !== 2 || queries.shape[1] !== size || count > neighbours) {
        throw new ReparamError(
          `vectorIndex: queries must be [Q, ${size}], for at most ${neighbours} neighbours, got ${formatShape(queries.shape)} for ${count}.`,
        );
      }
      const given = distance === "cosine" ? normalized(queries) : queries;
      const [rows] = queries.shape as [number];
      const kept = Math.min(count, length);
      const found: Neighbours = {
        indices: new Int32Array(rows * kept),
        distances: new Float64Array(rows * kept),
      };
      const chunk = Math.max(1, Math.floor(mostProducts / length));
      for (let from = 0; from < rows; from += chunk) {
        const part = rowsOf(given, from, Math.min(rows, from + chunk));
        const { indices } = await program.run({ state, queries: part });
        rank(
          { queries: part, vectors: prepared, candidates: indices, from, distance },
          found,
          kept,
        );
      }
      return found;
    },
    release: () => program.release(),
  };
}

const rowsOf = ({ dtype, shape, data }: Tensor, from: number, to: number): Tensor => {
  const size = shape[1] as number;
  const part = data.subarray(from * size, to * size);
  return { dtype, shape: [to - from, size], data: part } as Tensor;
};

/** ½‖v‖² of every row. */
function halfSquares({ shape, data }: Tensor): Tensor {
  const [rows, size] = shape as [number, number];
  const half = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let d = 0; d < size; d++) sum += (data[row * size + d] as number) ** 2;
    half[row] = sum / 2;
  }
  return { dtype: "float32", shape: [rows], data: half };
}

/** Rows of length 1; rows of zeros stay so. */
function normalized({ shape, data }: Tensor): Tensor {
  const [, size = 1] = shape;
  const out = Float32Array.from(data as Float32Array);
  for (let at = 0; at < out.length; at += size) {
    const row = out.subarray(at, at + size);
    const scale = Math.sqrt(row.reduce((s, v) => s + v * v, 0));
    if (scale > 0) for (let i = 0; i < size; i++) row[i] = (row[i] as number) / scale;
  }
  return { dtype: "float32", shape, data: out };
}

interface Candidates {
  readonly queries: Tensor;
  readonly vectors: Tensor;
  /** [Q, candidates] */
  readonly candidates: Tensor;
  /** Row of the first query in the results. */
  readonly from: number;
  readonly distance: VectorDistance;
}

/** Candidates by their exact distance; equal ones in the order of their rows. */
function rank(
  { queries, vectors, candidates, from, distance }: Candidates,
  { indices, distances }: Neighbours,
  kept: number,
): void {
  const [rows, most] = candidates.shape as [number, number];
  const size = vectors.shape[1] as number;
  const [q, v] = [queries.data as Float32Array, vectors.data as Float32Array];
  for (let row = 0; row < rows; row++) {
    const ranked = Array.from({ length: most }, (_, k) => {
      const index = Number(candidates.data[row * most + k]);
      let square = 0;
      for (let d = 0; d < size; d++) {
        square += ((q[row * size + d] as number) - (v[index * size + d] as number)) ** 2;
      }
      // Of vectors of length 1, ‖a − b‖² = 2 − 2a·b.
      return { index, distance: distance === "cosine" ? square / 2 : Math.sqrt(square) };
    }).sort((a, b) => a.distance - b.distance || a.index - b.index);
    for (const [k, each] of ranked.slice(0, kept).entries()) {
      indices[(from + row) * kept + k] = each.index;
      distances[(from + row) * kept + k] = each.distance;
    }
  }
}
