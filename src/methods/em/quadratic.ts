/**
 * Gaussian components as an exponential family: with φ(x) the products x_i·x_j, i ≥ j, around a common centre,
 *
 *   log N(x; μ, Σ) = −½ Σᵢⱼ P_ij x_i x_j + (Pμ)ᵀx − ½ μᵀPμ + log |W| − ½ D log 2π,   P = Σ⁻¹ = WᵀW
 *
 * so that log-densities and sums of all components are one product of matrices each, over half as many numbers
 * as whitened differences have. Squares of distances are differences of larger numbers here: only where
 * `isWellConditioned` says that little is lost.
 */
import {
  constant,
  expandDims,
  gather,
  matmul,
  mean,
  reshape,
  sum,
  transpose,
} from "../../ops/index.ts";
import { type Tensor, tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type GaussianShape, isMatrix, logNormalizer } from "./gaussian.ts";
import { numbersOf } from "./gaussian-host.ts";
import type { Named } from "./model.ts";

/** Digits of float64 that may be lost: κ·2⁻⁵² stays below 10⁻⁹. */
const largestCondition = 1e6;

/** Whether squares of the data around the common centre keep their digits, [K] components taken together. */
export function isWellConditioned(
  { components, size }: GaussianShape,
  { means, covariances, whitening }: Named<Tensor>,
): boolean {
  const m = numbersOf(means);
  const centre = Float64Array.from({ length: size }, (_, j) => {
    let total = 0;
    for (let k = 0; k < components; k++) total += m[k * size + j] as number;
    return total / components;
  });
  let reach = 0;
  for (let k = 0; k < components; k++) {
    let square = 0;
    for (let j = 0; j < size; j++)
      square += ((m[k * size + j] as number) - (centre[j] as number)) ** 2;
    reach = Math.max(reach, square);
  }
  const widest = numbersOf(covariances).reduce((most, v) => Math.max(most, v), 0);
  const narrowest = numbersOf(whitening).reduce((most, v) => Math.max(most, v * v), 0);
  return size * (reach + size * widest) * narrowest < largestCondition;
}

/** Places of products x_i·x_j: rows i and j of each, and where (i, j) and (j, i) are among them. */
function packing(size: number): { rows: number[]; columns: number[]; places: number[] } {
  const rows: number[] = [];
  const columns: number[] = [];
  const places = Array<number>(size * size).fill(0);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      places[i * size + j] = rows.length;
      places[j * size + i] = rows.length;
      rows.push(i);
      columns.push(j);
    }
  }
  return { rows, columns, places };
}

const indices = (values: readonly number[]): Value =>
  constant({ dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) });

/** Products of the features of rows [D, N]: all pairs [D(D + 1)/2, N], or squares [D, N] for variances. */
function products(shape: GaussianShape, rows: Value): Value {
  if (!isMatrix(shape.kind)) return rows.square();
  const { rows: i, columns: j } = packing(shape.size);
  return gather(rows, indices(i), 0).mul(gather(rows, indices(j), 0));
}

/** Coefficients of the products [K or 1, F], and P·μ [K, D], for means around the centre. */
function natural(
  shape: GaussianShape,
  means: Value,
  whitening: Value,
): { square: Value; linear: Value } {
  const { kind, size } = shape;
  if (!isMatrix(kind)) {
    const precision = whitening.square().add(means.mul(0)); // (K, D)
    return { square: precision.mul(-0.5), linear: precision.mul(means) };
  }
  const precision = matmul(whitening, whitening, { transposeA: true }); // (K or 1, D, D)
  const { rows, columns } = packing(size);
  const flat = reshape(precision, [-1, size * size]);
  const picked = gather(flat, indices(rows.map((i, f) => i * size + (columns[f] as number))), 1);
  const weights = rows.map((i, f) => (i === columns[f] ? -0.5 : -1));
  const linear = reshape(matmul(precision, expandDims(means, -1)), means.shape);
  return {
    square: picked.mul(constant(tensor(Float64Array.from(weights), [weights.length]))),
    linear,
  };
}

/** log N(x; μ_k, Σ_k) [K, N] of rows x [N, D], and what the sums need again. */
export function quadraticDensities(
  shape: GaussianShape,
  { means, whitening }: Record<"means" | "whitening", Value>,
  x: Value,
): { densities: Value; features: Value; centred: Value; around: Value } {
  const centre = mean(means, 0, { keepDims: true });
  const around = means.sub(centre);
  const centred = x.sub(centre);
  const rows = transpose(centred, [1, 0]);
  const features = products(shape, rows);
  const { square, linear } = natural(shape, around, whitening);
  const offset = logNormalizer(shape, whitening).sub(sum(linear.mul(around), 1).mul(0.5));
  const densities = matmul(square, features).add(matmul(linear, rows)).add(expandDims(offset, -1));
  return { densities, features, centred, around };
}

/** The sums of `gaussian.ts`, around the means, from responsibilities [K, N]. */
export function quadraticSums(
  shape: GaussianShape,
  { features, centred, around }: ReturnType<typeof quadraticDensities>,
  responsibilities: Value,
): Named<Value> {
  const { kind, size, components } = shape;
  const count = sum(responsibilities, 1);
  const linear = matmul(responsibilities, centred);
  const square = matmul(responsibilities, features, { transposeB: true });
  const first = linear.sub(expandDims(count, -1).mul(around));
  // Σ r(x − μ)(x − μ)ᵀ = Σ r·x·xᵀ − first·μᵀ − μ·(Σ r·x)ᵀ
  if (!isMatrix(kind)) {
    return { count, first, second: square.sub(around.mul(first.add(linear))) };
  }
  const unpacked = reshape(gather(square, indices(packing(size).places), 1), [
    components,
    size,
    size,
  ]);
  const outer = (a: Value, b: Value): Value => expandDims(a, 2).mul(expandDims(b, 1));
  return { count, first, second: unpacked.sub(outer(first, around)).sub(outer(around, linear)) };
}
