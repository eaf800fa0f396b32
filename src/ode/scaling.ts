// Units for the components of x over a panel: with x = D x̂, D diagonal, rows and columns of D⁻¹AD are equally
// large. The normal of span X then turns evenly, where otherwise, say for ÿ = −ω²y with large ω, it would swing,
// and many more nodes would be needed to follow it.
import type { Sample } from "./linear-system.ts";

/** Largest unit beside 1, so that no component is lost in another's rounding. */
const largestUnit = 100;
/** Entries this small beside the largest are rounding, and couple nothing. */
const leastCoupling = 1e-8;

/**
 * D, by balancing the mean magnitudes of A over the samples (Osborne, "On pre-conditioning of matrices", J. ACM 7,
 * 1960); a component is left alone where that gains little.
 */
export function unitsOf(samples: readonly Sample[], n: number): Float64Array {
  const size = new Float64Array(n * n);
  for (const { A } of samples) for (let i = 0; i < n * n; i++) size[i]! += Math.abs(A[i]!);
  const largest = size.reduce((most, x) => Math.max(most, x), 0);
  for (let i = 0; i < n * n; i++) if (size[i]! < leastCoupling * largest) size[i] = 0;
  const units = new Float64Array(n).fill(1);
  for (let sweep = 0; sweep < 3; sweep++) {
    for (let i = 0; i < n; i++) {
      let [row, column] = [0, 0];
      for (let j = 0; j < n; j++) {
        if (j === i) continue;
        row += (size[i * n + j]! * units[j]!) / units[i]!;
        column += (size[j * n + i]! * units[i]!) / units[j]!;
      }
      if (row === 0 || column === 0) continue;
      const factor = Math.sqrt(row / column);
      if (column * factor + row / factor > 0.95 * (row + column)) continue;
      units[i] = Math.min(largestUnit, Math.max(1 / largestUnit, units[i]! * factor));
    }
  }
  return units;
}

/** Rows of a matrix divided by their units. */
export function inUnits(matrix: Float64Array, units: Float64Array): Float64Array {
  const columns = matrix.length / units.length;
  return matrix.map((x, i) => x / units[Math.floor(i / columns)]!);
}

/** Rows of a matrix multiplied by their units. */
export function fromUnits(matrix: Float64Array, units: Float64Array): Float64Array {
  const columns = matrix.length / units.length;
  return matrix.map((x, i) => x * units[Math.floor(i / columns)]!);
}

/** D⁻¹AD, D⁻¹X and D⁻¹b. */
export function sampleInUnits({ t, A, X, b }: Sample, units: Float64Array): Sample {
  const n = units.length;
  const scaled = inUnits(A, units).map((x, i) => x * units[i % n]!);
  const forced = b === undefined ? undefined : inUnits(b, units);
  return { t, A: scaled, X: inUnits(X, units), b: forced };
}
