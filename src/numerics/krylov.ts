// The action of a matrix exponential by Krylov subspaces: Hochbruck & Lubich, "On Krylov subspace
// approximations to the matrix exponential operator", SIAM J. Numer. Anal. 34 (1997); substeps as in
// Sidje, "Expokit", ACM Trans. Math. Softw. 24 (1998).
import { ReparamError } from "../tensor/index.ts";
import { norm2 } from "./dense.ts";
import { matrixExponential } from "./exponential.ts";

export interface KrylovOptions {
  /** Wanted error relative to the norm of the vector; 1e-12 by default. */
  readonly tolerance?: number;
  /** Dimension of the subspaces; 30 by default, at most the length of the vector. */
  readonly dimension?: number;
}

export interface KrylovResult {
  readonly value: Float64Array;
  /** Products of the matrix with a vector. */
  readonly products: number;
  readonly substeps: number;
}

interface Subspace {
  /** Orthonormal vectors, one more than the dimension unless the space is invariant. */
  readonly vectors: readonly Float64Array[];
  /** Hessenberg matrix [dimension, dimension]. */
  readonly hessenberg: Float64Array;
  readonly dimension: number;
  /** Coupling to the vector after the last; 0 where the space is invariant. */
  readonly next: number;
}

/**
 * e^{tA}·vector, from products `apply(x)` = A·x alone. Splits t into substeps whose estimated errors fit the
 * tolerance.
 */
export function exponentialAction(
  apply: (x: Float64Array) => Float64Array,
  vector: Float64Array,
  t: number,
  options: KrylovOptions = {},
): KrylovResult {
  const { tolerance = 1e-12 } = options;
  const dimension = Math.min(options.dimension ?? 30, vector.length);
  const start = norm2(vector);
  let value = vector.slice();
  let done = 0;
  let step = t;
  let products = 0;
  let substeps = 0;
  while (start > 0 && Math.abs(done) < Math.abs(t)) {
    const size = norm2(value);
    if (size === 0) break;
    const space = arnoldi(apply, value, dimension);
    products += space.dimension;
    if (Math.abs(step) > Math.abs(t - done)) step = t - done;
    for (let tries = 0; ; tries++) {
      const { weights, error } = projected(space, step, size);
      const allowed = tolerance * start * Math.abs(step / t);
      if (error <= allowed || space.next === 0) {
        value = combine(space.vectors, weights, vector.length);
        done = Math.abs(t - done - step) < 1e-15 * Math.abs(t) ? t : done + step;
        substeps++;
        step *= Math.min(2, Math.max(1, 0.8 * (allowed / error) ** (1 / (space.dimension + 1))));
        break;
      }
      if (tries > 60) {
        throw new ReparamError(
          `exponentialAction: error ${error.toExponential(1)} at a substep of ${step}. Is the product finite and linear? Else ask for less than ${tolerance}.`,
        );
      }
      const factor = 0.8 * (allowed / error) ** (1 / (space.dimension + 1));
      step *= Number.isFinite(factor) ? Math.min(0.8, Math.max(0.1, factor)) : 0.1;
    }
  }
  return { value, products, substeps };
}

/** Arnoldi's process with a second orthogonalization. */
function arnoldi(
  apply: (x: Float64Array) => Float64Array,
  start: Float64Array,
  dimension: number,
): Subspace {
  const norm = norm2(start);
  const vectors = [start.map((x) => x / norm)];
  const full = new Float64Array(dimension * dimension);
  for (let j = 0; j < dimension; j++) {
    const w = apply(vectors[j]!).slice();
    const before = norm2(w);
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i <= j; i++) {
        const v = vectors[i]!;
        let dot = 0;
        for (let k = 0; k < w.length; k++) dot += v[k]! * w[k]!;
        full[i * dimension + j]! += dot;
        for (let k = 0; k < w.length; k++) w[k]! -= dot * v[k]!;
      }
    }
    const next = norm2(w);
    const invariant = next <= 1e-14 * before || j + 1 === start.length;
    if (invariant || j === dimension - 1) {
      const size = j + 1;
      const hessenberg = new Float64Array(size * size);
      for (let i = 0; i < size; i++) {
        for (let k = 0; k < size; k++) hessenberg[i * size + k] = full[i * dimension + k]!;
      }
      if (!invariant) vectors.push(w.map((x) => x / next));
      return { vectors, hessenberg, dimension: size, next: invariant ? 0 : next };
    }
    full[(j + 1) * dimension + j] = next;
    vectors.push(w.map((x) => x / next));
  }
  throw new ReparamError("exponentialAction: the vector is empty.");
}

/**
 * size·e^{step·H}·e₁ and the error: two more rows carry φ₁ and φ₂ of the last component, whose sum with
 * the coupling is the next terms of the expansion (Saad 1992, section 5). The first of them is added.
 */
function projected({ hessenberg, dimension, next }: Subspace, step: number, size: number) {
  const n = dimension + 2;
  const extended = new Float64Array(n * n);
  for (let i = 0; i < dimension; i++) {
    for (let j = 0; j < dimension; j++) {
      extended[i * n + j] = step * hessenberg[i * dimension + j]!;
    }
  }
  extended[dimension * n + dimension - 1] = step * next;
  extended[(dimension + 1) * n + dimension] = step;
  const exponential = matrixExponential(extended, n);
  const count = next === 0 ? dimension : dimension + 1;
  const weights = Float64Array.from({ length: count }, (_, i) => size * exponential[i * n]!);
  const first = Math.abs(size * exponential[dimension * n]!);
  // The second term wants the norm of A times the next vector; that of H stands in for it.
  const scale = hessenberg.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  const second = Math.abs(size * exponential[(dimension + 1) * n]!) * scale;
  return { weights, error: next === 0 ? 0 : remainder(first, second) };
}

/** What follows the first two terms of an expansion, as in Expokit: of falling ones a geometric sum. */
function remainder(first: number, second: number): number {
  if (first > 10 * second) return second;
  return first > second ? (first * second) / (first - second) : first;
}

function combine(vectors: readonly Float64Array[], weights: Float64Array, length: number) {
  const result = new Float64Array(length);
  for (let i = 0; i < weights.length; i++) {
    const v = vectors[i]!;
    for (let k = 0; k < length; k++) result[k]! += weights[i]! * v[k]!;
  }
  return result;
}
