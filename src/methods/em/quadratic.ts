/**
 * Gaussian components as an exponential family: around a common centre,
 *
 *   log N(x; μ, Σ) = −½ Σᵢⱼ P_ij x_i x_j + (Pμ)ᵀx − ½ μᵀPμ + log |W| − ½ D log 2π,   P = Σ⁻¹ = WᵀW
 *
 * is linear in the products z_i·z_j, i ≥ j, of z = (x, 1). So log-densities and sums of all components are products
 * of few matrices, over fewer numbers than whitened differences have. Squares of distances are differences of larger
 * numbers here: only where `isWellConditioned` says that little is lost.
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

/** Rows i from `start` to `end` (exclusive), with products z_i·z_j for all j below `end`. */
interface Block {
  readonly start: number;
  readonly end: number;
}

/**
 * Which products z_i·z_j are made of a vector z: three blocks of rows, each as far to the right as its last diagonal
 * element. Of pairs within a block both orders are there: a quarter more products than there are pairs, but each block
 * is one multiplication that reads z only, where picking pairs wrote and read every product three times. `rows` and
 * `columns` are i and j of each product, `pairs` how often it stands in a sum over all i and j, and `places` where
 * each (i, j) is among them.
 */
function packing(size: number) {
  const bounds = [0, 1, 2, 3].map((part) => Math.round((part * size) / 3));
  const blocks = bounds
    .slice(1)
    .map((end, part): Block => ({ start: bounds[part] as number, end }))
    .filter(({ start, end }) => end > start);
  const [rows, columns, pairs]: [number[], number[], number[]] = [[], [], []];
  const places = Array<number>(size * size).fill(0);
  for (const { start, end } of blocks) {
    for (let i = start; i < end; i++) {
      for (let j = 0; j < end; j++) {
        places[i * size + j] = rows.length;
        if (j < start) places[j * size + i] = rows.length;
        rows.push(i);
        columns.push(j);
        pairs.push(j < start ? 2 : 1);
      }
    }
  }
  return { blocks, rows, columns, pairs, places };
}

const indices = (values: readonly number[]): Value =>
  constant({ dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) });

/**
 * What log-densities are linear in, of rows x [N, D], in blocks [F, N]: the products of `packing(D + 1)`, or for
 * variances squares, x and 1.
 */
function features({ kind, size }: GaussianShape, x: Value, centre: Value): readonly Value[] {
  // Transposed by a product with the identity, which takes half as long as the runtime's own Transpose.
  const identity = diagonalMatrix(full([size], 1, "float64"));
  const extended = concat([identity, full([1, size], 0, "float64")], 0);
  const shift = concat([transpose(centre, [1, 0]).neg(), full([1, 1], 1, "float64")], 0);
  const z = matmul(extended, x, { transposeB: true }).add(shift); // (D + 1, N)
  if (!isMatrix(kind)) return [concat([slice(z, 0, 0, size).square(), z], 0)];
  return packing(size + 1).blocks.map(({ start, end }) => {
    const products = expandDims(slice(z, 0, start, end), 1).mul(expandDims(slice(z, 0, 0, end), 0));
    return reshape(products, [(end - start) * end, x.size(0)]);
  });
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
  // −½P, ½Pμ and the constant as one symmetric matrix (K, D + 1, D + 1).
  const square = precision.mul(-0.5).add(full([components, 1, 1], 0, "float64"));
  const half = linear.mul(0.5);
  const corner = reshape(constants(linear), [components, 1, 1]);
  const matrix = concat(
    [concat([square, expandDims(half, 2)], 2), concat([expandDims(half, 1), corner], 2)],
    1,
  );
  const width = size + 1;
  const { rows, columns, pairs } = packing(width);
  const places = rows.map((i, f) => i * width + (columns[f] as number));
  return gather(reshape(matrix, [components, width * width]), indices(places), 1).mul(
    constant(tensor(Float64Array.from(pairs), [pairs.length])),
  );
}

/** log π_k + log N(x; μ_k, Σ_k) [K, N] of finite rows x [N, D], and what the sums need again. */
export function quadraticJoint(
  shape: GaussianShape,
  { weights, means, whitening }: Record<"weights" | "means" | "whitening", Value>,
  x: Value,
): { joint: Value; products: readonly Value[]; around: Value } {
  const centre = mean(means, 0, { keepDims: true });
  const around = means.sub(centre);
  const products = features(shape, x, centre);
  const factors = coefficients(shape, log(weights), around, whitening);
  let first = 0;
  const parts = products.map((block) => {
    const end = first + (block.size(0) as number);
    const part = matmul(slice(factors, 1, first, end), block);
    first = end;
    return part;
  });
  return { joint: parts.reduce((a, b) => a.add(b)), products, around };
}

/** The sums of `gaussian.ts`, around the means, from responsibilities [K, N]. */
export function quadraticSums(
  { kind, size, components }: GaussianShape,
  { products, around }: Omit<ReturnType<typeof quadraticJoint>, "joint">,
  responsibilities: Value,
): Named<Value> {
  const parts = products.map((block) => matmul(responsibilities, block, { transposeB: true }));
  const sums = concat(parts, 1); // (K, F)
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
