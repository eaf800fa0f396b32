import { linearCombination } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Pending } from "./task.ts";

/** Wanted accuracy of a step: |error| ≤ absolute + relative·|y|, componentwise in the mean square. */
export interface Tolerance {
  /** 1e-6 by default. */
  readonly relative?: number;
  /** 1e-9 by default; a number for all components, or one each. */
  readonly absolute?: number | readonly number[];
}

/**
 * What integrators ask of states. Host arrays are one instance; the tensors of a device are another, whose
 * operations may return promises.
 */
export interface VectorSpace<V> {
  /** Σ coefficients[i]·vectors[i]; at least one vector. */
  combine(coefficients: readonly number[], vectors: readonly V[]): Pending<V>;
  /**
   * Root mean square over components of error/(absolute + relative·max(|from|, |to|)): at most 1 where
   * an error is within the tolerance.
   */
  scaledNorm(error: V, from: V, to: V, tolerance: Required<Tolerance>): Pending<number>;
}

/** Float64Arrays of one length. */
export const arraySpace: VectorSpace<Float64Array> = {
  combine: linearCombination,
  scaledNorm(error, from, to, { relative, absolute }) {
    let sum = 0;
    for (let i = 0; i < error.length; i++) {
      const size = Math.max(Math.abs(from[i]!), Math.abs(to[i]!));
      const floor = typeof absolute === "number" ? absolute : absolute[i]!;
      sum += (error[i]! / (floor + relative * size)) ** 2;
    }
    return Math.sqrt(sum / Math.max(1, error.length));
  },
};

/** The tolerance with its defaults. Throws where it is not positive. */
export function fullTolerance(
  { relative = 1e-6, absolute = 1e-9 }: Tolerance,
  name: string,
): Required<Tolerance> {
  const floors = typeof absolute === "number" ? [absolute] : absolute;
  if (!(relative >= 0) || floors.some((floor) => !(floor >= 0)) || !(relative + floors[0]! > 0)) {
    throw new ReparamError(
      `${name}: tolerances must not be negative, nor both 0, got relative ${relative} and absolute ${floors}.`,
    );
  }
  return { relative, absolute };
}
