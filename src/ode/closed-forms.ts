// Linear systems whose fundamental matrices are known in closed form: to test with, and to try things on.
import { identity, luFactor, luSolve, multiply, transpose } from "../numerics/index.ts";
import { airySeries, besselJ, besselY0 } from "./special-functions.ts";

/** ẋ = A(t)x, a fundamental matrix of which is `fundamental`; matrices are row by row. */
export interface ClosedForm {
  readonly name: string;
  /** n */
  readonly size: number;
  readonly interval: readonly [start: number, end: number];
  readonly A: (t: number) => Float64Array;
  /** Φ(t) [n, n], not 1 at the start in general. */
  readonly fundamental: (t: number) => Float64Array;
}

/** The j-th column of a fundamental matrix, as a known solution. */
export const columnOf =
  ({ fundamental, size }: ClosedForm, j: number) =>
  (t: number): Float64Array => {
    const Phi = fundamental(t);
    return Float64Array.from({ length: size }, (_, i) => Phi[i * size + j]!);
  };

const diagonal = (values: readonly number[]): Float64Array => {
  const n = values.length;
  const matrix = new Float64Array(n * n);
  for (const [i, value] of values.entries()) matrix[i * n + i] = value;
  return matrix;
};

/** The reflection 1 − 2uuᵀ/uᵀu along u = (1, 1/2, 1/3, …): full, orthogonal, its own inverse. */
function reflection(n: number): Float64Array {
  const matrix = identity(n);
  let square = 0;
  for (let i = 1; i <= n; i++) square += 1 / (i * i);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) matrix[i * n + j]! -= 2 / ((i + 1) * (j + 1) * square);
  }
  return matrix;
}

/** A constant full matrix with rotations and decays: H·blocks·H. */
export function constantSystem(n: number): ClosedForm {
  const H = reflection(n);
  const rate = (i: number) => -0.1 - 0.15 * i;
  const frequency = (i: number) => 1 + 0.4 * i;
  const blocks = new Float64Array(n * n);
  for (let i = 0; i + 1 < n; i += 2) {
    blocks[i * n + i] = rate(i);
    blocks[(i + 1) * n + i + 1] = rate(i);
    blocks[i * n + i + 1] = -frequency(i);
    blocks[(i + 1) * n + i] = frequency(i);
  }
  if (n % 2 === 1) blocks[n * n - 1] = rate(n - 1);
  const A = multiply(multiply(H, blocks, n, n, n), H, n, n, n);
  const fundamental = (t: number) => {
    const flow = new Float64Array(n * n);
    for (let i = 0; i + 1 < n; i += 2) {
      const size = Math.exp(rate(i) * t);
      flow[i * n + i] = size * Math.cos(frequency(i) * t);
      flow[(i + 1) * n + i + 1] = size * Math.cos(frequency(i) * t);
      flow[i * n + i + 1] = -size * Math.sin(frequency(i) * t);
      flow[(i + 1) * n + i] = size * Math.sin(frequency(i) * t);
    }
    if (n % 2 === 1) flow[n * n - 1] = Math.exp(rate(n - 1) * t);
    return multiply(H, flow, n, n, n);
  };
  return { name: `constant, n = ${n}`, size: n, interval: [0, 6], A: () => A, fundamental };
}

/** Companion form of tⁿy^(n) + … = 0 with solutions t^{r_i}. */
export function eulerCauchySystem(exponents: readonly number[]): ClosedForm {
  const n = exponents.length;
  const falling = (r: number, count: number) =>
    Array.from({ length: count }, (_, i) => r - i).reduce((product, x) => product * x, 1);
  // Σ_k a_k r(r−1)…(r−k+1) = −r(r−1)…(r−n+1) at each exponent.
  const conditions = Float64Array.from(
    exponents.flatMap((r) => exponents.map((_, k) => falling(r, k))),
  );
  const right = Float64Array.from(exponents, (r) => falling(r, n));
  const rates = luSolve(luFactor(conditions, n), right);
  const A = (t: number) => {
    const companion = new Float64Array(n * n);
    for (let i = 0; i + 1 < n; i++) companion[i * n + i + 1] = 1;
    for (let k = 0; k < n; k++) companion[(n - 1) * n + k] = rates[k]! * t ** (k - n);
    return companion;
  };
  const fundamental = (t: number) =>
    Float64Array.from({ length: n * n }, (_, at) => {
      const i = Math.floor(at / n);
      const r = exponents[at % n]!;
      return falling(r, i) * t ** (r - i);
    });
  return { name: `Euler-Cauchy, n = ${n}`, size: n, interval: [1, 6], A, fundamental };
}

/** An upper triangular system with coefficients that move: A = Ṫ T⁻¹. */
export function triangularSystem(n: number): ClosedForm {
  const entries = (t: number, moved: boolean) => {
    const T = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      const size = Math.exp(Math.sin((i + 1) * 0.5 * t));
      T[i * n + i] = moved ? 0.5 * (i + 1) * Math.cos((i + 1) * 0.5 * t) * size : size;
      for (let j = i + 1; j < n; j++) {
        const w = 0.3 * (i + j);
        T[i * n + j] = moved ? w * Math.cos(w * t) : Math.sin(w * t) + 0.2;
      }
    }
    return T;
  };
  // Aᵀ = T⁻ᵀ Ṫᵀ
  const A = (t: number) => {
    const lu = luFactor(transpose(entries(t, false), n, n), n);
    return transpose(luSolve(lu, transpose(entries(t, true), n, n), n), n, n);
  };
  return {
    name: `triangular, n = ${n}`,
    size: n,
    interval: [0, 6],
    A,
    fundamental: (t) => entries(t, false),
  };
}

/** Rotations in the planes (from, from + 1), (from + 2, from + 3), …, and their derivatives. */
function planeRotations(n: number, from: number, t: number) {
  const R = identity(n);
  const dR = new Float64Array(n * n);
  for (let i = from; i + 1 < n; i += 2) {
    const w = 0.9 + 0.2 * i;
    const [c, s] = [Math.cos(w * t), Math.sin(w * t)];
    for (const [row, column, value, slope] of [
      [i, i, c, -s],
      [i, i + 1, -s, -c],
      [i + 1, i, s, c],
      [i + 1, i + 1, c, -s],
    ] as const) {
      R[row * n + column] = value;
      dR[row * n + column] = w * slope;
    }
  }
  return { R, dR };
}

/**
 * A = R B Rᵀ + Ṙ Rᵀ, Φ = R e^{Bt}: decays seen from a frame that turns about two families of axes, so that every
 * component of every solution has zeros.
 */
export function rotatingSystem(n: number): ClosedForm {
  const rates = Array.from({ length: n }, (_, i) => 0.1 - 0.12 * i);
  const frame = (t: number) => {
    const first = planeRotations(n, 0, t);
    const second = planeRotations(n, 1, t);
    const R = multiply(first.R, second.R, n, n, n);
    const one = multiply(first.dR, second.R, n, n, n);
    const two = multiply(first.R, second.dR, n, n, n);
    return { R, dR: one.map((x, i) => x + two[i]!) };
  };
  const A = (t: number) => {
    const { R, dR } = frame(t);
    const moved = multiply(R, diagonal(rates), n, n, n).map((x, i) => x + dR[i]!);
    return multiply(moved, transpose(R, n, n), n, n, n);
  };
  const fundamental = (t: number) =>
    multiply(frame(t).R, diagonal(rates.map((rate) => Math.exp(rate * t))), n, n, n);
  return { name: `rotating frame, n = ${n}`, size: n, interval: [0, 8], A, fundamental };
}

type Pair = readonly [y: number, slope: number];

/** ÿ + p ẏ + q y = 0 with two solutions. */
function secondOrder(
  name: string,
  interval: readonly [number, number],
  rates: (t: number) => readonly [p: number, q: number],
  solutions: readonly [(t: number) => Pair, (t: number) => Pair],
): ClosedForm {
  const A = (t: number) => {
    const [p, q] = rates(t);
    return Float64Array.of(0, 1, -q, -p);
  };
  const fundamental = (t: number) => {
    const [[a, da], [b, db]] = [solutions[0](t), solutions[1](t)];
    return Float64Array.of(a, b, da, db);
  };
  return { name, size: 2, interval, A, fundamental };
}

/** Bessel's equation of order 0 (DLMF 10.2.1), by J₀ and Y₀. */
export const besselSystem = secondOrder("Bessel, order 0", [0.5, 20], (t) => [1 / t, 1], [
  (t) => [besselJ(0, t), -besselJ(1, t)],
  besselY0,
]);

/** Airy's equation ÿ = t y (DLMF 9.2.1), through its turning point. */
export const airySystem = secondOrder("Airy", [-6, 2], (t) => [0, -t], [
  (t) => airySeries(t, 0),
  (t) => airySeries(t, 1),
]);

/** Legendre's equation of degree 2 (DLMF 14.2.1); P₂ has two zeros in the interval. */
export const legendreSystem = secondOrder(
  "Legendre, degree 2",
  [-0.9, 0.9],
  (t) => [(-2 * t) / (1 - t * t), 6 / (1 - t * t)],
  [
    (t) => [(3 * t * t - 1) / 2, 3 * t],
    (t) => [
      ((3 * t * t - 1) / 2) * Math.atanh(t) - 1.5 * t,
      3 * t * Math.atanh(t) + (3 * t * t - 1) / 2 / (1 - t * t) - 1.5,
    ],
  ],
);

/**
 * Hill's equation ÿ + q(t)y = 0 built from y₁ = r cos φ with φ = t + sin(2t)/4 and r = φ̇^{−1/2}: then
 * q = −ÿ₁/y₁ = φ̇² − r̈/r, and r sin φ is another solution (Magnus & Winkler, Hill's Equation, 1966).
 */
export const hillSystem = secondOrder(
  "Hill",
  [0, 4 * Math.PI],
  (t) => {
    const [d1, d2, d3] = [1 + 0.5 * Math.cos(2 * t), -Math.sin(2 * t), -2 * Math.cos(2 * t)];
    return [0, d1 * d1 - 0.75 * (d2 / d1) ** 2 + (0.5 * d3) / d1];
  },
  [
    (t) => amplitudePhase(t, Math.cos, (x) => -Math.sin(x)),
    (t) => amplitudePhase(t, Math.sin, Math.cos),
  ],
);

function amplitudePhase(t: number, f: (x: number) => number, slope: (x: number) => number): Pair {
  const phase = t + Math.sin(2 * t) / 4;
  const [d1, d2] = [1 + 0.5 * Math.cos(2 * t), -Math.sin(2 * t)];
  const r = d1 ** -0.5;
  const dr = -0.5 * d1 ** -1.5 * d2;
  return [r * f(phase), dr * f(phase) + r * d1 * slope(phase)];
}

/** One of each, sizes 2 to 8. */
export const closedForms: readonly ClosedForm[] = [
  ...[2, 3, 4, 5, 6, 7, 8].map(constantSystem),
  ...[
    [1, -1],
    [1, 2, -1],
    [1, -1, 0.5, 2],
  ].map(eulerCauchySystem),
  ...[2, 3, 5, 8].map(triangularSystem),
  ...[2, 3, 4, 5, 6, 7, 8].map(rotatingSystem),
  besselSystem,
  airySystem,
  legendreSystem,
  hillSystem,
];
