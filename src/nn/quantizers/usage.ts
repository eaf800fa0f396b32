import {
  cast,
  clip,
  equal,
  exp,
  floor,
  full,
  gather,
  greater,
  greaterOrEqual,
  less,
  log,
  maximum,
  mean,
  scatterAlongAxis,
  sizeValue,
  sum,
  where,
} from "../../ops/index.ts";
import { type Key, uniform, type Value } from "../../trace/index.ts";
import { buffer, type ModelBuffer, type Scope } from "../scope.ts";

/** How long ago codes were chosen. */
export type Usage = {
  /** [codes]: updates since each code was last chosen. */
  readonly age: ModelBuffer;
};

export interface UsageOptions {
  /** Updates over which `codebookUse` counts; those of an epoch make it the use over an epoch. Default 100. */
  readonly window?: number;
  /** Dead codes, not chosen for this many updates, are replaced by vectors of the batch; 0, the default: never. */
  readonly reviveAfter?: number;
}

const defaultWindow = 100;

/** Codebooks above this size are not counted. */
const mostCounted = 2 ** 20;

/** Starts as codes that were never chosen, and that are not due for revival at once. */
export function initUsage(
  codes: number,
  { window = defaultWindow, reviveAfter = 0 }: UsageOptions = {},
): Usage | undefined {
  if (codes > mostCounted) return undefined;
  const every = Math.max(1, reviveAfter);
  return { age: buffer(full([codes], Math.ceil(window / every) * every)) };
}

/** How often each code is among the indices [N]: float32 [codes]. */
export const countCodes = (indices: Value, codes: number): Value =>
  scatterAlongAxis(full(indices.shape, 1), indices, 0, codes);

/** Scalars to watch, and the ages for the next update. None outside of training. */
export function trackUsage(
  usage: Usage | undefined,
  indices: Value,
  scope: Scope,
  { window = defaultWindow }: UsageOptions = {},
): Readonly<Record<string, Value>> {
  if (usage === undefined || !scope.train) return {};
  const age = usage.age.value;
  const counts = countCodes(indices, age.size(0) as number);
  const next = where(greater(counts, 0), full(age.shape, 0), age.add(1));
  scope.update(usage.age, next);
  const shares = counts.div(sizeValue(indices.size(0), counts));
  const entropy = sum(shares.mul(log(maximum(shares, 1e-12)))).neg();
  return { codebookUse: mean(cast(less(next, window), "float32")), perplexity: exp(entropy) };
}

/** Codes that are due for revival before this update, bool [codes]. */
export function deadCodes({ age }: Usage, reviveAfter: number): Value {
  const rounds = age.value.mul(1 / reviveAfter);
  const due = cast(equal(floor(rounds.add(1e-4)).mul(reviveAfter), age.value), "float32");
  return greater(due.mul(cast(greaterOrEqual(age.value, reviveAfter), "float32")), 0);
}

/** `count` of the vectors [N, D], drawn with replacement. */
export function drawVectors(key: Key, vectors: Value, count: number): Value {
  const size = sizeValue(vectors.size(0), vectors);
  const place = floor(uniform(key, [count]).mul(size));
  const last = typeof size === "number" ? size - 1 : size.sub(1);
  const rows =
    typeof last === "number" ? clip(place, 0, last) : where(less(place, last), place, last);
  return gather(vectors, cast(rows, "int32"), 0);
}

/** Statistics of several codebooks as one: their means. */
export function meanStatistics(
  parts: readonly Readonly<Record<string, Value>>[],
): Readonly<Record<string, Value>> {
  const names = Object.keys(parts[0] ?? {}).filter((name) => parts.every((part) => name in part));
  const meanOf = (name: string): Value =>
    parts
      .map((part) => part[name] as Value)
      .reduce((a, b) => a.add(b))
      .mul(1 / parts.length);
  return Object.fromEntries(names.map((name) => [name, meanOf(name)]));
}

/** Losses of several parts, those of one name added. */
export function addLosses(
  parts: readonly Readonly<Record<string, Value>>[],
): Readonly<Record<string, Value>> {
  const sums: Record<string, Value> = {};
  for (const [name, loss] of parts.flatMap((part) => Object.entries(part))) {
    sums[name] = sums[name]?.add(loss) ?? loss;
  }
  return sums;
}
