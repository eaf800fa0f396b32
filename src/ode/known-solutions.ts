// Whether what is given as a solution is one, and whether the solutions are independent.
import { integrationMatrix, multiply, norm2, qrFactor } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Sample, SampledSystem } from "./linear-system.ts";

/** Distances below this make solutions dependent. */
const leastIndependence = 1e-10;

/**
 * The smallest distance of a solution, scaled to length 1, from the span of those before it; 1 if there are
 * none. Throws where they are dependent at the sample's time, or one of them vanishes.
 */
export function independence({ X, t }: Sample, n: number, k: number): number {
  let smallest = 1;
  if (k === 0) return smallest;
  const scaled = X.slice();
  for (let j = 0; j < k; j++) {
    let length = 0;
    for (let i = 0; i < n; i++) length = Math.hypot(length, X[i * k + j]!);
    if (!(length > 1e-290)) {
      throw new ReparamError(
        `generalSolution: known[${j}] is ${length === 0 ? "zero" : length.toExponential(1)} at t = ${t}, so it tells nothing there. Leave it out, or end the interval earlier.`,
      );
    }
    for (let i = 0; i < n; i++) scaled[i * k + j]! /= length;
  }
  const { r } = qrFactor(scaled, n, k);
  for (let j = 0; j < k; j++) {
    const distance = Math.abs(r[j * k + j]!);
    smallest = Math.min(smallest, distance);
    if (distance >= leastIndependence) continue;
    throw new ReparamError(
      `generalSolution: known[${j}] depends on the solutions before it at t = ${t}: of length 1, it is ${distance.toExponential(1)} from their span. Leave it out.`,
    );
  }
  return smallest;
}

/** The products A·X of samples, [samples, n·k]. */
export function slopesOf(samples: readonly Sample[], n: number, k: number): Float64Array {
  const slopes = new Float64Array(samples.length * n * k);
  for (const [i, { A, X }] of samples.entries()) slopes.set(multiply(A, X, n, n, k), i * n * k);
  return slopes;
}

/**
 * Throws where X(t) − X(start) differs from ∫A X over a panel sampled at Chebyshev nodes, or a given
 * derivative from A x, by more than `tolerance` relative to what A and the length of the interval let x move.
 */
export function checkResidual(
  system: SampledSystem,
  samples: readonly Sample[],
  slopes: Float64Array,
  tolerance: number,
): void {
  const { size: n, known: k, interval } = system;
  const width = n * k;
  const degree = samples.length - 1;
  const length = samples[degree]!.t - samples[0]!.t;
  const J = integrationMatrix(degree);
  const norm = samples.reduce((largest, { A }) => Math.max(largest, norm2(A)), 0);
  const rate = norm + 1 / (interval[1] - interval[0]);
  for (let j = 0; j < k; j++) {
    const column = ({ X }: Sample) => Float64Array.from({ length: n }, (_, i) => X[i * k + j]!);
    const largest = Math.max(...samples.map((sample) => norm2(column(sample))));
    const allowed = largest * (tolerance * length * rate + 1e-12 * (1 + length * norm));
    for (let node = 1; node <= degree; node++) {
      const defect = column(samples[node]!);
      const start = column(samples[0]!);
      for (let i = 0; i < n; i++) {
        defect[i]! -= start[i]!;
        for (let l = 0; l <= degree; l++) {
          const weight = (length / 2) * J[node * (degree + 1) + l]!;
          defect[i]! -= weight * slopes[l * width + i * k + j]!;
        }
      }
      const wrong = norm2(defect);
      if (wrong > allowed) refuse(j, samples[0]!.t, samples[node]!.t, wrong / largest);
    }
  }
  checkDerivatives(system, samples, slopes, tolerance);
}

function refuse(j: number, from: number, to: number, size: number): never {
  throw new ReparamError(
    `generalSolution: known[${j}] is not a solution of ẋ = A x: from t = ${from} to ${to} it moves otherwise than ∫A x, by ${size.toExponential(1)} of its length.`,
  );
}

function checkDerivatives(
  system: SampledSystem,
  samples: readonly Sample[],
  slopes: Float64Array,
  tolerance: number,
): void {
  const { size: n, known: k } = system;
  for (const [node, sample] of samples.entries()) {
    const given = system.derivatives(sample.t);
    if (given === undefined) return;
    const norm = norm2(sample.A) + 1 / (system.interval[1] - system.interval[0]);
    for (let j = 0; j < k; j++) {
      let [wrong, length] = [0, 0];
      for (let i = 0; i < n; i++) {
        wrong = Math.hypot(wrong, given[i * k + j]! - slopes[node * n * k + i * k + j]!);
        length = Math.hypot(length, sample.X[i * k + j]!);
      }
      // NaN, where this solution came without a derivative, is not above anything.
      if (wrong > tolerance * norm * length) {
        throw new ReparamError(
          `generalSolution: known[${j}] is not a solution of ẋ = A x: at t = ${sample.t} its derivative is ${wrong.toExponential(1)} from A x, whose length is ${length.toExponential(1)}.`,
        );
      }
    }
  }
}
