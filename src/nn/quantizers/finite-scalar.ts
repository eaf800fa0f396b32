/**
 * Finite scalar quantization: each number of z is bounded and rounded to one of L_i levels, so that the codes are
 * the points of a grid and no table is needed.
 *
 *   values = z̃ + sg(Round(z̃) − z̃)                                  (straight-through)
 *
 * with three ways to bound:
 *   "sigmoid"    z̃ = (L − 1)·σ(z), levels 0 … L − 1: Su Jianlin, "Embarrassingly simple FSQ: rounding surpasses
 *                VQ-VAE" (2023)
 *   "tanh"       z̃ = h·tanh(z + s) − o, levels −⌊L/2⌋ … ⌈L/2⌉ − 1, with h = (L − 1)(1 − ε)/2, and for even L the
 *                offset o = ½ and s = atanh(o/h): Mentzer, Minnen, Agustsson, Tschannen, "Finite scalar
 *                quantization: VQ-VAE made simple" (2023), appendix A.1 (whose listing has tan for atanh)
 *   "symmetric"  z̃ = (L − 1)·(tanh(z) + 1)/2: Parker et al., "Scaling transformers for low-bitrate high-quality
 *                speech coding" (2024), equation 4
 * What is returned is scaled to [−1, 1]: 2k/(L − 1) − 1 for level k, and k/⌊L/2⌋ of "tanh", as in its paper.
 * Halves are rounded to even.
 */
import {
  cast,
  expandDims,
  reshape,
  round,
  sigmoid,
  straightThrough,
  tanh,
} from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Scope } from "../scope.ts";
import { countOfLevels, digitsOfIndex, indexOfDigits, row, wholeNumbers } from "./levels.ts";
import { defineQuantizer, type Quantizer } from "./quantizer.ts";
import { initUsage, trackUsage, type Usage, type UsageOptions } from "./usage.ts";

export type FiniteScalarBound = "sigmoid" | "tanh" | "symmetric";

export interface FiniteScalarOptions extends Pick<UsageOptions, "window"> {
  /** L_i of each number of a vector, at least 2; 5 and more are advised. */
  readonly levels: readonly number[];
  /** Default "sigmoid". */
  readonly bound?: FiniteScalarBound;
  /** ε of the bound "tanh". Default 1e-3, as in the paper. */
  readonly epsilon?: number;
}

/** A bound: z to a real number of levels, and levels to numbers in [−1, 1]. */
interface Grid {
  /** z [..., d] bounded, in units of levels. */
  readonly bounded: (z: Value) => Value;
  /** Added to a rounded z̃ to count from 0. */
  readonly first: readonly number[];
  /** Numbers in [−1, 1] of z̃, rounded or not. */
  readonly scaled: (levels: Value) => Value;
}

function gridOf(levels: readonly number[], bound: FiniteScalarBound, epsilon: number): Grid {
  if (bound === "tanh") return paperGrid(levels, epsilon);
  const unit = bound === "sigmoid" ? sigmoid : (z: Value) => tanh(z).add(1).mul(0.5);
  return {
    bounded: (z) => unit(z).mul(row(levels.map((level) => level - 1))),
    first: levels.map(() => 0),
    scaled: (k) => k.mul(row(levels.map((level) => 2 / (level - 1)))).sub(1),
  };
}

function paperGrid(levels: readonly number[], epsilon: number): Grid {
  if (levels.includes(2)) {
    throw new ReparamError(
      "finiteScalar: the bound tanh needs levels of at least 3, for at 2 its shift is infinite. Use the bound sigmoid or symmetric, or lfq.",
    );
  }
  const half = levels.map((level) => ((level - 1) * (1 - epsilon)) / 2);
  const offset = levels.map((level) => (level % 2 === 0 ? 0.5 : 0));
  const shift = half.map((h, i) => Math.atanh((offset[i] as number) / h));
  const width = levels.map((level) => Math.floor(level / 2));
  return {
    bounded: (z) =>
      tanh(z.add(row(shift)))
        .mul(row(half))
        .sub(row(offset)),
    first: width,
    scaled: (k) => k.mul(row(width.map((w) => 1 / w))),
  };
}

/** Nothing but counts of use. */
export type FiniteScalarParams = { readonly usage?: Usage };

/** Throws for levels below 2 (3 of the bound "tanh") and for more than 2³¹ codes. */
export function finiteScalar(options: FiniteScalarOptions): Quantizer {
  const { levels, bound = "sigmoid", epsilon = 1e-3 } = options;
  const codes = countOfLevels("finiteScalar", levels);
  const grid = gridOf(levels, bound, epsilon);
  return defineQuantizer<FiniteScalarParams>({
    name: "finiteScalar",
    dimension: levels.length,
    codebooks: [codes],
    init: () => usageOf(codes, options),
    quantize: (params, z, scope) => {
      const soft = grid.bounded(z);
      const level = round(soft);
      const digits = wholeNumbers(level.add(row(grid.first)));
      const indices = indexOfDigits(digits, levels);
      return {
        values: straightThrough(grid.scaled(level), grid.scaled(soft)),
        indices: expandDims(indices, -1),
        losses: {},
        statistics: watched(params, indices, scope, options),
        lookups: [],
      };
    },
    lookup: (_params, indices) => {
      const digits = cast(digitsOfIndex(indices, levels), "float32");
      return grid.scaled(digits.sub(row(grid.first)));
    },
  });
}

/** Counts of use, unless there are too many codes. */
export function usageOf(codes: number, options: UsageOptions): FiniteScalarParams {
  const usage = initUsage(codes, options);
  return usage === undefined ? {} : { usage };
}

/** A model without a leaf is left out of the state, so that there may be no parameters at all. */
export const watched = (
  params: FiniteScalarParams | undefined,
  indices: Value,
  scope: Scope,
  options: UsageOptions,
): Readonly<Record<string, Value>> =>
  trackUsage(params?.usage, reshape(indices, [-1]), scope, options);
