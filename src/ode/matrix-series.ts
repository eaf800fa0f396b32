// A(t) as Chebyshev series where they have converged. A is often far smoother than the solutions: once a stretch of
// it is known to rounding, finer panels there cost evaluations of the known solutions only.
import { chebyshevCoefficients, chebyshevValue, norm2 } from "../numerics/index.ts";
import type { Sample } from "./linear-system.ts";

interface Piece {
  readonly start: number;
  readonly end: number;
  /** [degree + 1, n·n] */
  readonly coefficients: Float64Array;
}

/** Pieces of A that are resolved. */
export interface MatrixSeries {
  /** A(t), if t lies in a resolved piece. */
  at(t: number): Float64Array | undefined;
  /**
   * Takes A over a panel from samples at its Chebyshev nodes, if what is left out moves x by less than `error`, and
   * if the series also meets A at two other places: something narrow may lie between nodes.
   */
  offer(samples: readonly Sample[], error: number): void;
}

/** Places in [−1, 1] that are far from being nodes of any degree. */
const probes = [-0.3712, 0.6384];

/** No pieces yet, for A(t) of n·n numbers. */
export function matrixSeries(n: number, A: (t: number) => Float64Array): MatrixSeries {
  let piece: Piece | undefined;
  const width = n * n;
  return {
    at(t) {
      if (piece === undefined || !(t >= piece.start && t <= piece.end)) return undefined;
      const { start, end, coefficients } = piece;
      return chebyshevValue(coefficients, (2 * t - start - end) / (end - start), width);
    },
    offer(samples, error) {
      const [start, end] = [samples[0]!.t, samples.at(-1)!.t];
      if (piece !== undefined && start >= piece.start && end <= piece.end) return;
      const values = new Float64Array(samples.length * width);
      for (const [i, { A }] of samples.entries()) values.set(A, i * width);
      const coefficients = chebyshevCoefficients(values, width);
      let tail = 0;
      for (let row = samples.length - 3; row < samples.length; row++) {
        let square = 0;
        for (let i = 0; i < width; i++) square += coefficients[row * width + i]! ** 2;
        tail = Math.max(tail, Math.sqrt(square));
      }
      let size = 0;
      for (let i = 0; i < width; i++) size = Math.max(size, Math.abs(coefficients[i]!));
      // Rounding leaves a tail, too.
      const allowed = Math.max(error / (end - start), 1e-15 * size);
      if (tail > allowed) return;
      const meets = probes.every((x) => {
        const series = chebyshevValue(coefficients, x, width);
        const value = A((start + end + x * (end - start)) / 2);
        return norm2(series.map((entry, i) => entry - value[i]!)) <= 100 * allowed;
      });
      if (meets) piece = { start, end, coefficients };
    },
  };
}
