import { cast, constant, sum } from "../../ops/index.ts";
import { ReparamError, tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { mostCodes } from "./quantizer.ts";

/**
 * Grids of levels (L₁, …, L_d) whose number of codes ΠL_i is near a power of two: Mentzer, Minnen, Agustsson,
 * Tschannen, "Finite scalar quantization: VQ-VAE made simple" (2023), table 1; by the power.
 */
export const recommendedLevels: Readonly<Record<number, readonly number[]>> = {
  4: [5, 3],
  6: [8, 8],
  8: [8, 6, 5],
  9: [8, 8, 8],
  10: [8, 5, 5, 5],
  11: [8, 8, 6, 5],
  12: [7, 5, 5, 5, 5],
  14: [8, 8, 8, 6, 5],
  16: [8, 8, 8, 5, 5, 5],
};

/** ΠL_i. Throws for levels below 2, none at all, or more codes than int32 has numbers. */
export function countOfLevels(name: string, levels: readonly number[]): number {
  const wrong = levels.find((level) => !Number.isInteger(level) || level < 2);
  if (levels.length === 0 || wrong !== undefined) {
    throw new ReparamError(
      `${name}: levels must be whole numbers of at least 2, got ${levels.join(", ") || "none"}.`,
    );
  }
  const codes = levels.reduce((product, level) => product * level, 1);
  if (codes > mostCodes) {
    throw new ReparamError(
      `${name}: levels ${levels.join(", ")} make ${codes} codes, and indices go to 2³¹ − 1. Use fewer levels, or several stages.`,
    );
  }
  return codes;
}

/** Π_{j<i} L_j: what digit i counts for. */
const placesOf = (levels: readonly number[]): number[] =>
  levels.map((_, i) => levels.slice(0, i).reduce((product, level) => product * level, 1));

const integers = (values: readonly number[]): Value =>
  constant(tensor(Int32Array.from(values), [values.length]));

/** Digits int32 [..., d], each below its level, to one integer int32 [...]: Σ digit_i·Π_{j<i} L_j, exactly. */
export const indexOfDigits = (digits: Value, levels: readonly number[]): Value =>
  sum(digits.mul(integers(placesOf(levels))), -1);

/** The inverse of `indexOfDigits`: int32 [..., 1] → int32 [..., d]. In whole numbers, float32 ends at 2²⁴. */
export function digitsOfIndex(index: Value, levels: readonly number[]): Value {
  const shifted = index.div(integers(placesOf(levels))); // without remainder
  const size = integers(levels);
  return shifted.sub(shifted.div(size).mul(size));
}

/** Whole numbers in float32 as int32. */
export const wholeNumbers = (x: Value): Value => cast(x, "int32");

/** Numbers in the last axis. */
export const row = (values: readonly number[]): Value =>
  constant(tensor(Float32Array.from(values), [values.length]));
