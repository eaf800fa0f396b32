// The system that is left when k solutions of ẋ = A x are known. With x = X c + F z, where the columns of
// F [n, m], m = n − k, complete those of X:
//
//   m = 1, F = v(t), the unit normal of span X with det[X v] > 0:
//     ż = (vᵀA v) z + vᵀb,    ċ = (XᵀX)⁻¹Xᵀ((A + Aᵀ)v z + b)
//   m > 1, F = W, fixed over a panel:
//     [X W]·(ċ; ż) = A W z + b
//
// Both follow from Xċ + Fż + Ḟz = A F z + b: the normal v has v̇ = −X(XᵀX)⁻¹XᵀAᵀv, and W does not move.
import { luFactor, luSolve, multiply, norm2, qrFactor, solveUpper } from "../numerics/index.ts";
import type { Sample } from "./linear-system.ts";

/** Coefficients of ż = S z + g, ċ = T z + f at one time. */
export interface Reduced {
  /** [m, m] */
  readonly S: Float64Array;
  /** [k, m] */
  readonly T: Float64Array;
  /** [m]; zeros without inhomogeneity. */
  readonly g: Float64Array;
  /** [k] */
  readonly f: Float64Array;
  /** log |det[X F]| */
  readonly logVolume: number;
  /** |det| of the complement's part that lies off span X: 1 where F is orthogonal to X, 0 where it degenerates. */
  readonly opening: number;
}

/** An orthonormal basis [n, m] of the complement of X [n, k]; for m = 1 oriented by det[X v] > 0. */
export function complement(X: Float64Array, n: number, k: number): Float64Array {
  const m = n - k;
  const { q, r, sign } = qrFactor(X, n, k);
  let orientation = 1;
  if (m === 1) {
    orientation = sign;
    for (let i = 0; i < k; i++) orientation *= Math.sign(r[i * k + i]!);
  }
  const F = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) F[i * m + j] = orientation * q[i * n + k + j]!;
  }
  return F;
}

/** The reduction by the normal v(t), for m = 1. */
export function reduceByNormal({ A, X, b }: Sample, n: number): Reduced {
  const k = n - 1;
  const { q, r, sign } = qrFactor(X, n, k);
  let orientation = sign;
  let logVolume = 0;
  for (let i = 0; i < k; i++) {
    orientation *= Math.sign(r[i * k + i]!);
    logVolume += Math.log(Math.abs(r[i * k + i]!));
  }
  const v = Float64Array.from({ length: n }, (_, i) => orientation * q[i * n + k]!);
  const Av = multiply(A, v, n, n, 1);
  const vA = multiply(v, A, 1, n, n);
  const both = Av.map((x, i) => x + vA[i]!);
  const along = (x: Float64Array) => solveUpper(r, projected(q, x, n, k), k, 1);
  return {
    S: multiply(v, Av, 1, n, 1),
    T: along(both),
    g: b === undefined ? new Float64Array(1) : multiply(v, b, 1, n, 1),
    f: b === undefined ? new Float64Array(k) : along(b),
    logVolume,
    opening: 1,
  };
}

/** Q₁ᵀx, Q₁ the first k columns of Q. */
function projected(q: Float64Array, x: Float64Array, n: number, k: number): Float64Array {
  const result = new Float64Array(k);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < k; j++) result[j]! += q[i * n + j]! * x[i]!;
  }
  return result;
}

/** The reduction by a fixed complement W [n, m]. */
export function reduceByFixed({ A, X, b }: Sample, W: Float64Array, n: number): Reduced {
  const m = Math.round(W.length / n);
  const k = n - m;
  const joined = new Float64Array(n * n);
  let logLengths = 0;
  const lengths = new Float64Array(k);
  for (let j = 0; j < k; j++) {
    lengths[j] = norm2(Float64Array.from({ length: n }, (_, i) => X[i * k + j]!));
    logLengths += Math.log(lengths[j]!);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < k; j++) joined[i * n + j] = X[i * k + j]! / lengths[j]!;
    for (let j = 0; j < m; j++) joined[i * n + k + j] = W[i * m + j]!;
  }
  const lu = luFactor(joined, n);
  const columns = m + 1;
  const AW = multiply(A, W, n, n, m);
  const right = new Float64Array(n * columns);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) right[i * columns + j] = AW[i * m + j]!;
    right[i * columns + m] = b?.[i] ?? 0;
  }
  const solved = luSolve(lu, right, columns);
  const part = (from: number, to: number, first: number, count: number) => {
    const result = new Float64Array((to - from) * count);
    for (let i = from; i < to; i++) {
      for (let j = 0; j < count; j++) {
        const scale = i < k ? lengths[i]! : 1;
        result[(i - from) * count + j] = solved[i * columns + first + j]! / scale;
      }
    }
    return result;
  };
  const volume = logMagnitude(lu.factors, n);
  return {
    S: part(k, n, 0, m),
    T: part(0, k, 0, m),
    g: part(k, n, m, 1),
    f: part(0, k, m, 1),
    logVolume: volume + logLengths,
    opening: k === 0 ? 1 : opening(X, W, n, k),
  };
}

function logMagnitude(factors: Float64Array, n: number): number {
  let log = 0;
  for (let i = 0; i < n; i++) log += Math.log(Math.abs(factors[i * n + i]!));
  return log;
}

/** |det(VᵀW)| with V an orthonormal complement of X. */
function opening(X: Float64Array, W: Float64Array, n: number, k: number): number {
  const m = n - k;
  const V = complement(X, n, k);
  const product = new Float64Array(m * m);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < m; a++) {
      for (let c = 0; c < m; c++) product[a * m + c]! += V[i * m + a]! * W[i * m + c]!;
    }
  }
  return Math.exp(logMagnitude(luFactor(product, m).factors, m));
}
