// The distributions of a feature in a discrete mixture.
import {
  cast,
  constant,
  cumulativeSum,
  expandDims,
  floor,
  greaterOrEqual,
  less,
  log,
  minimum,
  oneHot,
  reshape,
  sum,
} from "../../ops/index.ts";
import { tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";

/** What a feature can be. */
export interface Family {
  readonly name: string;
  /** Values of a feature. */
  readonly values: number;
  /** Numbers in s(x) of a feature: 1, or as many as values. */
  readonly width: number;
  /** s(x) [B, D·width] of rows [B, D]. */
  readonly statistics: (x: Value) => Value;
  /** The same of one number on the host. */
  readonly statistic: (value: number, i: number) => number;
  /** log p(x | k) = s(x)·natural_k + offset_k, [K, D·width] and [K], of probabilities. */
  readonly natural: (probabilities: Value) => { natural: Value; offset: Value | undefined };
  /** Values [B, D] by uniform numbers [B, D] from probabilities [B, D·width], between 0 and 1. */
  readonly draw: (probabilities: Value, uniforms: Value) => Value;
  /** Means [B, D], on the same scale. */
  readonly mean: (probabilities: Value) => Value;
}

/** Pixels and numbers of at least ½ are 1. */
export const bernoulli: Family = {
  ...{ name: "bernoulli-mixture", values: 2, width: 1 },
  statistics: (x) => cast(greaterOrEqual(x, 0.5), "float64"),
  statistic: (value) => Number(value >= 0.5),
  natural: (p) => {
    const absent = log(p.neg().add(1));
    return { natural: log(p).sub(absent), offset: sum(absent, 1) };
  },
  draw: (p, u) => cast(less(u, p), "float64"),
  mean: (p) => p,
};

/** Numbers are categories as they are; pixels, between 0 and 1, are divided into levels of equal width. */
export function categorical(count: number, images: boolean): Family {
  const scale = images ? count : 1;
  const top = images ? count - 1 : 1;
  return {
    ...{ name: "categorical-mixture", values: count, width: count },
    statistics: (x) => {
      const level = minimum(floor(x.mul(scale)), count - 1);
      const hot = oneHot(cast(level, "int64"), count, "float64");
      return reshape(hot, [-1, (x.size(1) as number) * count]);
    },
    statistic: (value, i) => Number(Math.min(Math.floor(value * scale), count - 1) === i),
    natural: (p) => ({ natural: log(p), offset: undefined }),
    draw: (p, u) => {
      const upper = cumulativeSum(reshape(p, [-1, u.size(1), count]), 2);
      const below = cast(greaterOrEqual(expandDims(u, 2), upper), "float64");
      return minimum(sum(below, 2), count - 1).div(top);
    },
    mean: (p) => {
      const each = reshape(p, [-1, (p.size(1) as number) / count, count]);
      const levels = Float64Array.from({ length: count }, (_, i) => i);
      return sum(each.mul(constant(tensor(levels, [count]))), 2).div(top);
    },
  };
}
