import { matmul, maximum, norm, reshape, stopGradient, sum, transpose } from "../ops/index.ts";
import { ShapeError, sizeOf } from "../tensor/index.ts";
import { type Key, normal, type Value } from "../trace/index.ts";
import { buffer, type ModelBuffer, type Scope } from "./scope.ts";

/** Estimates of the first singular vectors: left [outputs], right [all other axes]. */
export type SpectralNormParams = { readonly left: ModelBuffer; readonly right: ModelBuffer };

export interface SpectralNormOptions {
  /**
   * Axis of the weight that counts its outputs: 0 for convolutions, 1 for transposed ones. By default 1 for
   * matrices, which linear layers keep as [inputs, outputs], and 0 for all others.
   */
  readonly axis?: number;
}

/**
 * Starts the estimate for a weight from random vectors, improved by `iterations` rounds; 15 by default, as
 * in PyTorch.
 */
export function initSpectralNorm(
  key: Key,
  weight: Value,
  { axis, iterations = 15 }: SpectralNormOptions & { readonly iterations?: number } = {},
): SpectralNormParams {
  const matrix = matrixOf(weight, axis);
  const draw = (name: string, size: number): Value =>
    unit(normal(key.at(name), [size, 1], weight.dtype));
  let pair: Pair = {
    left: draw("left", matrix.size(0) as number),
    right: draw("right", matrix.size(1) as number),
  };
  for (let i = 0; i < iterations; i++) pair = iterate(matrix, pair.right);
  return { left: buffer(reshape(pair.left, [-1])), right: buffer(reshape(pair.right, [-1])) };
}

/**
 * weight/σ with an estimate of its largest singular value σ = leftᵀ·W·right (Miyato, Kataoka, Koyama, Yoshida
 * 2018, eq. 8 and algorithm 1), W being the weight as a matrix [outputs, rest]. In training every pass of a step
 * uses the vectors after one power iteration from the stored ones, and the pass that updates stores them; outside
 * of training the stored ones are used. No gradient flows through the vectors.
 */
export function spectralNorm(
  params: SpectralNormParams,
  weight: Value,
  scope: Scope,
  { axis }: SpectralNormOptions = {},
): Value {
  const matrix = matrixOf(weight, axis);
  const column = ({ value }: ModelBuffer): Value => reshape(value, [-1, 1]);
  let pair: Pair = { left: column(params.left), right: column(params.right) };
  if (scope.train) {
    pair = iterate(stopGradient(matrix), pair.right);
    scope.update(params.left, reshape(pair.left, [-1]));
    scope.update(params.right, reshape(pair.right, [-1]));
  }
  // Not a product of a row and a column: the runtime is slow at those.
  const sigma = sum(stopGradient(pair.left).mul(matmul(matrix, stopGradient(pair.right))));
  return weight.div(sigma);
}

interface Pair {
  readonly left: Value;
  readonly right: Value;
}

/**
 * left = W·right and right = Wᵀ·left, each of length 1. From the right vector, as PyTorch does; the paper's
 * algorithm starts a round from the left.
 */
function iterate(matrix: Value, from: Value): Pair {
  const left = unit(matmul(matrix, from));
  return { left, right: unit(matmul(matrix, left, { transposeA: true })) };
}

const unit = (x: Value): Value => x.div(maximum(norm(x), 1e-12));

/** The weight as [outputs, rest]. */
function matrixOf(weight: Value, axis = weight.rank === 2 ? 1 : 0): Value {
  if (weight.rank < 2 || axis < 0 || axis >= weight.rank) {
    throw new ShapeError("spectralNorm", `weight ${weight} has no axis ${axis} beside others.`);
  }
  const rest = weight.shape.flatMap((_, i) => (i === axis ? [] : [i]));
  const inOrder = transpose(weight, [axis, ...rest]);
  return reshape(inOrder, [weight.size(axis), sizeOf(rest.map((i) => weight.size(i)))]);
}
