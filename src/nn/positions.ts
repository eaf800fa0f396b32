import {
  abs,
  concat,
  constant,
  cos,
  expandDims,
  range,
  reshape,
  sin,
  slice,
} from "../ops/index.ts";
import { type DType, ShapeError, type Size, type Tensor, tensorOf } from "../tensor/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import { queryDistance } from "./attention.ts";

export interface RotaryOptions {
  /** Position of the first row, for example the length of a cache: a number or a scalar. */
  readonly offset?: Operand;
  /** The longest wavelength is 2π times this; 10000 by default. */
  readonly base?: number;
}

/**
 * Rotates queries or keys x [..., T, k] by their positions (Su et al., "RoFormer", 2021, eq. 15), so that
 * products of queries and keys depend on distances only. Convention: number i is paired with i + k/2 (that
 * of GPT-NeoX and Llama), at base^(−2i/k) radians a position.
 */
export function rotary(x: Value, { offset = 0, base = 10_000 }: RotaryOptions = {}): Value {
  const size = x.size(-1);
  if (x.rank < 2 || typeof size !== "number" || size % 2 !== 0) {
    throw new ShapeError("rotary", `wants [..., T, k] with k even, got ${x}.`);
  }
  const half = size / 2;
  const angles = anglesOf(range(x.size(-2), x.dtype).add(offset), half, base); // (T,k/2)
  const [c, s] = [cos(angles), sin(angles)];
  const turned = concat([slice(x, -1, half), slice(x, -1, 0, half)], -1);
  return x.mul(concat([c, c], -1)).add(turned.mul(concat([s.neg(), s], -1)));
}

/** Large constants are told apart by identity: one object each, so that all layers share their angles. */
const rateTensors = new Map<string, Tensor>();

/** base^(−i/count) for i < count. */
function ratesOf(count: number, base: number, dtype: DType): Tensor {
  const name = `${count} ${base} ${dtype}`;
  const known = rateTensors.get(name);
  if (known !== undefined) return known;
  const rates = Array.from({ length: count }, (_, i) => base ** (-i / count));
  const made = tensorOf(rates, [count], dtype);
  rateTensors.set(name, made);
  return made;
}

/** positions [...] times base^(−i/count) for i < count: [..., count]. */
const anglesOf = (positions: Value, count: number, base: number): Value =>
  expandDims(positions, -1).mul(constant(ratesOf(count, base, positions.dtype)));

/**
 * Sines and cosines of positions [...] → [..., features], in turn (Vaswani et al. 2017, section 3.5).
 * Positions may be fractions: times of a diffusion are embedded by it too.
 */
export function sinusoidal(positions: Value, features: number, base = 10_000): Value {
  if (!Number.isInteger(features) || features < 2 || features % 2 !== 0) {
    throw new ShapeError("sinusoidal", `features must be even, got ${features}.`);
  }
  const angles = anglesOf(positions, features / 2, base);
  const pairs = concat([expandDims(sin(angles), -1), expandDims(cos(angles), -1)], -1);
  return reshape(pairs, [...positions.shape, features]);
}

/** The table of the first `length` positions, [length, features]. */
export const sinusoidalTable = (length: Size, features: number, dtype: DType = "float32"): Value =>
  sinusoidal(range(length, dtype), features);

/**
 * Slopes of ALiBi (Press, Smith, Lewis 2022): 2^(−8i/h) for i = 1 … h where h is a power of two; else
 * those of the power below, and every second one of the power above.
 */
export function alibiSlopes(heads: number): number[] {
  if (!Number.isInteger(heads) || heads < 1) {
    throw new ShapeError("alibiSlopes", `heads must be a positive integer, got ${heads}.`);
  }
  const geometric = (n: number): number[] =>
    Array.from({ length: n }, (_, i) => 2 ** ((-8 * (i + 1)) / n));
  const below = 2 ** Math.floor(Math.log2(heads));
  const between = geometric(2 * below).filter((_, i) => i % 2 === 0);
  return [...geometric(below), ...between.slice(0, heads - below)];
}

/** −slope·distance, [heads, T, S]: the bias of attention where the queries are the last T of S positions. */
export function alibiBias(heads: number, T: Size, S: Size, dtype: DType = "float32"): Value {
  const slopes = constant(tensorOf(alibiSlopes(heads), [heads, 1, 1], dtype));
  return abs(queryDistance(T, S, dtype))
    .mul(slopes)
    .neg();
}
