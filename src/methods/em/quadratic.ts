/**
 * Gaussian components as an exponential family: around a common centre,
 *
 *   log N(x; μ, Σ) = −½ Σᵢⱼ P_ij x_i x_j + (Pμ)ᵀx − ½ μᵀPμ + log |W| − ½ D log 2π,   P = Σ⁻¹ = WᵀW
 *
 * is linear in the products z_i·z_j, i ≥ j, of z = (x, 1). So log-densities and sums of all components are one
 * product of matrices each, over half as many numbers as whitened differences have. Squares of distances are differences of larger numbers here: only where
 * `isWellConditioned` says that little is lost.
 */
import {
  concat,
  constant,
  diagonalMatrix,
  expandDims,
  full,
  gather,
  log,
  matmul,
  mean,
  reshape,
  slice,
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

/**
 * What log-densities are linear in, of rows x [N, D]: all z_i·z_j [(D + 1)(D + 2)/2, N], or for variances
 * squares, x and 1, [2D + 1, N].
 */
function features({ kind, size }: GaussianShape, x: Value, centre: Value): Value {
  // Transposed by a product with the identity, which takes half as long as the runtime's own Transpose.
  const identity = diagonalMatrix(full([size], 1, "float64"));
  const extended = concat([identity, full([1, size], 0, "float64")], 0);
  const shift = concat([transpose(centre, [1, 0]).neg(), full([1, 1], 1, "float64")], 0);
  const z = matmul(extended, x, { transposeB: true }).add(shift); // (D + 1, N)
  if (!isMatrix(kind)) return concat([slice(z, 0, 0, size).square(), z], 0);
  const { rows, columns } = packing(size + 1);
  return gather(z, indices(rows), 0).mul(gather(z, indices(columns), 0));
}

/** The coefficients [K, F] of the features in log π_k + log N(x; μ_k, Σ_k), for means around the centre. */
function coefficients(
  shape: GaussianShape,
  logWeights: Value,
  means: Value,
  whitening: Value,
): Value {
  const { kind, size, components } = shape;
  const constants = (linear: Value): Value =>
    logNormalizer(shape, whitening)
      .sub(sum(linear.mul(means), 1).mul(0.5))
      .add(logWeights);
  if (!isMatrix(kind)) {
    const precision = whitening.square().add(full([components, size], 0, "float64")); // (K, D)
    const linear = precision.mul(means);
    return concat([precision.mul(-0.5), linear, expandDims(constants(linear), 1)], 1);
  }
  const precision = matmul(whitening, whitening, { transposeA: true }); // (K or 1, D, D)
  const linear = reshape(matmul(precision, expandDims(means, -1)), [components, size]);
  // Of −½P, ½Pμ and the constant as one symmetric matrix (K, D + 1, D + 1), pairs i > j count twice.
  const square = precision.mul(-0.5).add(full([components, 1, 1], 0, "float64"));
  const half = linear.mul(0.5);
  const corner = reshape(constants(linear), [components, 1, 1]);
  const matrix = concat(
    [concat([square, expandDims(half, 2)], 2), concat([expandDims(half, 1), corner], 2)],
    1,
  );
  const { rows, columns } = packing(size + 1);
  const width = size + 1;
  const places = rows.map((i, f) => i * width + (columns[f] as number));
  const weights = rows.map((i, f) => (i === columns[f] ? 1 : 2));
  return gather(reshape(matrix, [components, width * width]), indices(places), 1).mul(
    constant(tensor(Float64Array.from(weights), [weights.length])),
  );
}

/** log π_k + log N(x; μ_k, Σ_k) [K, N] of finite rows x [N, D], and what the sums need again. */
export function quadraticJoint(
  shape: GaussianShape,
  { weights, means, whitening }: Record<"weights" | "means" | "whitening", Value>,
  x: Value,
): { joint: Value; products: Value; around: Value } {
  const centre = mean(means, 0, { keepDims: true });
  const around = means.sub(centre);
  const products = features(shape, x, centre);
  const joint = matmul(coefficients(shape, log(weights), around, whitening), products);
  return { joint, products, around };
}

/** The sums of `gaussian.ts`, around the means, from responsibilities [K, N]. */
export function quadraticSums(
  { kind, size, components }: GaussianShape,
  { products, around }: Omit<ReturnType<typeof quadraticJoint>, "joint">,
  responsibilities: Value,
): Named<Value> {
  const sums = matmul(responsibilities, products, { transposeB: true }); // (K, F)
  // Σ r(x − μ)(x − μ)ᵀ = Σ r·x·xᵀ − first·μᵀ − μ·(Σ r·x)ᵀ
  if (!isMatrix(kind)) {
    const linear = slice(sums, 1, size, 2 * size);
    const count = reshape(slice(sums, 1, 2 * size, 2 * size + 1), [components]);
    const first = linear.sub(expandDims(count, -1).mul(around));
    const second = slice(sums, 1, 0, size).sub(around.mul(first.add(linear)));
    return { count, first, second };
  }
  const width = size + 1;
  const matrix = reshape(gather(sums, indices(packing(width).places), 1), [
    components,
    width,
    width,
  ]);
  const top = slice(matrix, 1, 0, size);
  const linear = reshape(slice(top, 2, size, width), [components, size]);
  const corner = slice(slice(matrix, 1, size, width), 2, size, width);
  const count = reshape(corner, [components]);
  const first = linear.sub(expandDims(count, -1).mul(around));
  const outer = (a: Value, b: Value): Value => expandDims(a, 2).mul(expandDims(b, 1));
  const second = slice(top, 2, 0, size).sub(outer(first, around)).sub(outer(around, linear));
  return { count, first, second };
}
