import {
  cast,
  concat,
  expandDims,
  maximum,
  minimum,
  round,
  split,
  stopGradient,
  straightThrough,
  tanh,
} from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type FiniteScalarParams, usageOf, watched } from "./finite-scalar.ts";
import { countOfLevels, digitsOfIndex, indexOfDigits, row, wholeNumbers } from "./levels.ts";
import { defineQuantizer, type Quantized, type Quantizer } from "./quantizer.ts";
import { meanStatistics, type UsageOptions } from "./usage.ts";

export interface ResidualFiniteScalarOptions extends Pick<UsageOptions, "window"> {
  readonly levels: readonly number[];
  /** How often what is left over is quantized again. */
  readonly stages: number;
}

/**
 * Residual finite scalar quantization: u = tanh(z) is rounded to the grid of the bound "symmetric", and what is
 * left, at most 1/(L − 1), is rounded to the same grid made smaller by L − 1, and so on. One index a stage.
 */
export function residualFiniteScalar(options: ResidualFiniteScalarOptions): Quantizer {
  const { levels, stages } = options;
  const codes = countOfLevels("residualFiniteScalar", levels);
  if (!Number.isInteger(stages) || stages < 1) {
    throw new ReparamError(
      `residualFiniteScalar: stages must be a positive integer, got ${stages}.`,
    );
  }
  if (levels.includes(2)) {
    throw new ReparamError(
      "residualFiniteScalar: levels must be at least 3, for what 2 leave over is not smaller. Use more levels.",
    );
  }
  const top = levels.map((level) => level - 1);
  const scale = (stage: number): number[] => top.map((steps) => steps ** -stage);
  /** Of levels 0 … L − 1 of a stage, the number that they stand for. */
  const valueAt = (k: Value, stage: number): Value =>
    k
      .mul(row(top.map((steps) => 2 / steps)))
      .sub(1)
      .mul(row(scale(stage)));
  return defineQuantizer<{ readonly stages: readonly FiniteScalarParams[] }>({
    name: "residualFiniteScalar",
    dimension: levels.length,
    codebooks: Array.from({ length: stages }, () => codes),
    init: () => ({ stages: Array.from({ length: stages }, () => usageOf(codes, options)) }),
    quantize: (params, z, scope) => {
      const u = tanh(z);
      const values: Value[] = [];
      const indices: Value[] = [];
      const statistics: Quantized["statistics"][] = [];
      let rest = stopGradient(u);
      for (let stage = 0; stage < stages; stage++) {
        const unit = rest
          .mul(row(scale(stage).map((s) => 1 / s)))
          .add(1)
          .mul(0.5);
        const k = maximum(minimum(round(unit.mul(row(top))), row(top)), 0);
        const value = valueAt(k, stage);
        const index = indexOfDigits(wholeNumbers(k), levels);
        values.push(value);
        indices.push(expandDims(index, -1));
        statistics.push(watched(params?.stages[stage], index, scope, options));
        rest = rest.sub(value);
      }
      const total = values.reduce((a, b) => a.add(b));
      return {
        values: straightThrough(total, u),
        indices: concat(indices, -1),
        losses: {},
        statistics: meanStatistics(statistics),
        lookups: [],
      };
    },
    lookup: (_params, indices) => {
      const at = split(indices, -1, stages);
      return at
        .map((index, stage) => valueAt(cast(digitsOfIndex(index, levels), "float32"), stage))
        .reduce((a, b) => a.add(b));
    },
  });
}
