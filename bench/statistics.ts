import { ReparamError } from "../src/tensor/index.ts";

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  if (values.length === 0)
    throw new ReparamError("median: there are no values. Give at least one.");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** exp(mean(log x)): the mean for ratios, under which 2 and ½ make 1. */
export function geometricMean(values: readonly number[]): number {
  if (values.length === 0 || values.some((value) => !(value > 0))) {
    throw new ReparamError("geometricMean: values must be positive. Leave others out.");
  }
  return Math.exp(values.reduce((total, value) => total + Math.log(value), 0) / values.length);
}

/** Milliseconds of the steps of several rounds, summed up. */
export interface Summary {
  /** Median over rounds of the median step of a round. */
  readonly medianMs: number;
  /** The fastest step of all. */
  readonly minimumMs: number;
}

export const summarize = (rounds: readonly (readonly number[])[]): Summary => ({
  medianMs: median(rounds.map(median)),
  minimumMs: Math.min(...rounds.flat()),
});

/** Time of one side over time of the other; below 1 the first side is faster. */
export interface Ratio {
  /**
   * Median over pairs of rounds of the ratio of their medians. Two rounds of a pair follow each other, so
   * that a machine which is slower for a while slows both.
   */
  readonly median: number;
  /** Ratio of the fastest steps. */
  readonly minimum: number;
  /** Lowest and highest ratio of a pair: how far to trust the median. */
  readonly range: readonly [lowest: number, highest: number];
}

/** Round i of `own` and round i of `peer` are a pair. */
export function compareRounds(
  own: readonly (readonly number[])[],
  peer: readonly (readonly number[])[],
): Ratio {
  if (own.length !== peer.length) {
    throw new ReparamError(
      `compareRounds: ${own.length} rounds against ${peer.length}. Give pairs of rounds.`,
    );
  }
  const pairs = own.map((times, i) => median(times) / median(peer[i] as readonly number[]));
  return {
    median: median(pairs),
    minimum: summarize(own).minimumMs / summarize(peer).minimumMs,
    range: [Math.min(...pairs), Math.max(...pairs)],
  };
}

/** Ratios of several workloads as one figure, and the worst of them. */
export interface Overall {
  readonly geometricMean: number;
  readonly worst: number;
  readonly worstWorkload: string;
}

/** Sums up ratios by workload; undefined where there are none. */
export function overall(ratios: ReadonlyMap<string, number>): Overall | undefined {
  const sorted = [...ratios].sort(([, a], [, b]) => b - a);
  const [first] = sorted;
  if (first === undefined) return undefined;
  const [worstWorkload, worst] = first;
  return { geometricMean: geometricMean([...ratios.values()]), worst, worstWorkload };
}
