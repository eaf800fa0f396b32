// Fidelity and diversity apart: how much of each set lies in balls around the other's samples.
import { compile, type Program } from "../onnx/index.ts";
import { cast, lessOrEqual, matmul, relu, reshape, slice, sum, topK } from "../ops/index.ts";
import { dim, ReparamError, spec, type Tensor } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { rowsOf, type VectorSet, vectorPair } from "./vectors.ts";

export interface ManifoldOptions {
  /** k: a ball reaches to the k-th nearest sample of its own set. Default 5. */
  readonly neighbours?: number;
  /** Default 2. */
  readonly threads?: number;
}

/** Shares between 0 and 1; density alone may be above 1. */
export interface ManifoldFigures {
  /** Of generated samples in the balls of real ones. */
  readonly precision: number;
  /** Of real samples in the balls of generated ones. */
  readonly recall: number;
  /** Balls of real samples that a generated one is in, over k. */
  readonly density: number;
  /** Of balls of real samples with a generated one inside. */
  readonly coverage: number;
  readonly neighbours: number;
}

/** Distances that are in memory at once. */
const mostDistances = 2 ** 22;

/** ‖q − c‖² of q [Q, D], c [N, D] → [Q, N]. */
function squaredDistances(q: Value, c: Value): Value {
  const lengths = reshape(sum(c.square(), 1), [1, -1]);
  const products = matmul(q, c, { transposeB: true });
  return relu(sum(q.square(), 1, { keepDims: true }).add(lengths).sub(products.mul(2)));
}

type Search = Program<Readonly<Record<string, Value>>>;

/** Calls `use` with the program's outputs for rows `from` … of the queries. */
async function inChunks(
  program: Search,
  queries: VectorSet,
  fixed: Readonly<Record<string, Tensor>>,
  centres: number,
  use: (outputs: Readonly<Record<string, Tensor>>, from: number) => void,
): Promise<void> {
  const chunk = Math.max(1, Math.floor(mostDistances / centres));
  for (let from = 0; from < queries.count; from += chunk) {
    const to = Math.min(queries.count, from + chunk);
    const outputs = await program.run({ ...fixed, queries: rowsOf(queries, from, to) });
    use(outputs as Readonly<Record<string, Tensor>>, from);
  }
}

/** Squared distance of every sample to its k-th nearest other one, [N]. */
async function squaredRadii(set: VectorSet, k: number, threads: number): Promise<Tensor> {
  const example = {
    queries: spec("float64", [dim("Q"), set.size]),
    centres: spec("float64", [set.count, set.size]),
  };
  const program: Search = await compile(
    ({ queries, centres }) => {
      // The nearest of all is the sample itself.
      const squares = squaredDistances(queries as Value, centres as Value);
      const [nearest] = topK(squares, k + 1, -1, { largest: false });
      return { radii: slice(nearest, 1, k, k + 1) };
    },
    example,
    { threads, spin: false },
  );
  const radii = new Float64Array(set.count);
  await inChunks(program, set, { centres: rowsOf(set) }, set.count, ({ radii: found }, from) => {
    radii.set(found?.data as Float64Array, from);
  });
  await program.release();
  return { dtype: "float64", shape: [set.count], data: radii };
}

interface Held {
  /** Balls that hold each query. */
  readonly holding: Float64Array;
  /** Queries that each ball holds. */
  readonly held: Float64Array;
}

/** Which queries lie within the balls around the centres. */
async function ballsAround(
  centres: VectorSet,
  radii: Tensor,
  queries: VectorSet,
  threads: number,
): Promise<Held> {
  const example = {
    queries: spec("float64", [dim("Q"), centres.size]),
    centres: spec("float64", [centres.count, centres.size]),
    radii: spec("float64", [centres.count]),
  };
  const program: Search = await compile(
    (given) => {
      const squares = squaredDistances(given.queries as Value, given.centres as Value);
      const inside = cast(lessOrEqual(squares, given.radii as Value), "float32");
      return { holding: sum(inside, 1), held: sum(inside, 0) };
    },
    example,
    { threads, spin: false },
  );
  const result = {
    holding: new Float64Array(queries.count),
    held: new Float64Array(centres.count),
  };
  const fixed = { centres: rowsOf(centres), radii };
  await inChunks(program, queries, fixed, centres.count, ({ holding, held }, from) => {
    result.holding.set(holding?.data as Float32Array, from);
    for (let i = 0; i < result.held.length; i++) {
      result.held[i] = (result.held[i] as number) + Number(held?.data[i]);
    }
  });
  await program.release();
  return result;
}

const share = (values: Float64Array): number =>
  values.reduce((n, v) => n + Number(v > 0), 0) / values.length;

/**
 * Improved precision and recall: Kynkäänniemi, Karras, Laine, Lehtinen, Aila, "Improved precision and recall metric for
 * assessing generative models" (2019), equations 1 to 3 (k = 3 there); density and coverage: Naeem, Oh, Uh, Choi, Yoo,
 * "Reliable fidelity and diversity metrics for generative models" (2020), equations 3 and 4 (k = 5). Features [N, D];
 * every pair is compared, in float64.
 */
export async function manifoldFigures(
  real: Tensor,
  fake: Tensor,
  { neighbours = 5, threads = 2 }: ManifoldOptions = {},
): Promise<ManifoldFigures> {
  const [a, b] = vectorPair("manifoldFigures", real, fake, 2);
  const smaller = Math.min(a.count, b.count);
  if (!Number.isInteger(neighbours) || neighbours < 1 || neighbours >= smaller) {
    throw new ReparamError(
      `manifoldFigures: ${neighbours} neighbours of sets of ${a.count} and ${b.count}. Use 1 to ${smaller - 1}.`,
    );
  }
  const byReal = await ballsAround(a, await squaredRadii(a, neighbours, threads), b, threads);
  const byFake = await ballsAround(b, await squaredRadii(b, neighbours, threads), a, threads);
  const total = byReal.holding.reduce((n, v) => n + v, 0);
  return {
    precision: share(byReal.holding),
    recall: share(byFake.holding),
    density: total / (neighbours * b.count),
    coverage: share(byReal.held),
    neighbours,
  };
}
