import { clip, concat, full, mean, reshape, slice, stopGradient } from "../ops/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { meanSamples } from "./estimator.ts";

/**
 * What is subtracted from the learning signal of a likelihood-ratio estimate. It may depend on anything but
 * the sample that it is subtracted for: the mean of the estimate stays, its variance falls.
 *
 * - "leave-one-out": the mean of the other samples of the row (Kool, van Hoof, Welling, "Buy 4 REINFORCE
 *   samples, get a baseline for free!", 2019);
 * - "moving-average": of the signals of earlier steps, carried as a state [2] that `initialAverage` begins
 *   (Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement learning",
 *   1992, section 8);
 * - "input-dependent": a prediction of the signal [...batchShape], made of what q was made of, and trained by
 *   its squared error; with an average beside it, the prediction is of the rest (Mnih, Gregor, "Neural
 *   variational inference and learning in belief networks", 2014: centering of the learning signal).
 */
export type Baseline =
  | { readonly kind: "none" }
  | { readonly kind: "leave-one-out" }
  | { readonly kind: "moving-average"; readonly average: Value; readonly decay?: number }
  | {
      readonly kind: "input-dependent";
      readonly prediction: Value;
      readonly average?: Value;
      readonly decay?: number;
    };

export type BaselineKind = Baseline["kind"];

export const baselineKinds = [
  "none",
  "leave-one-out",
  "moving-average",
  "input-dependent",
] as const satisfies readonly BaselineKind[];

/** The state of a moving average before its first step, [2]: weighted sum of signals, sum of weights. */
export const initialAverage = (): Value => full([2], 0);

export interface Centred {
  /** The signals less their baseline, with no gradient, [m, ...batchShape]. */
  readonly signal: Value;
  /** What trains the baseline, [...batchShape]. */
  readonly fit?: Value;
  /** The next state of the moving average. */
  readonly average?: Value;
}

/** Subtracts the baseline from signals [m, ...batchShape]. */
export function centre(signals: Value, baseline: Baseline): Centred {
  const signal = stopGradient(signals);
  if (baseline.kind === "none") return { signal };
  if (baseline.kind === "leave-one-out") {
    const m = signal.size(0) as number;
    // f − (Σ − f)/(m − 1) = (f − Σ/m)·m/(m − 1)
    return { signal: signal.sub(mean(signal, 0, { keepDims: true })).mul(m / (m - 1)) };
  }
  const { average, decay = 0.9 } = baseline;
  const moved = average && moveAverage(average, decay, signal);
  const rest = moved === undefined ? signal : signal.sub(moved.before);
  const next = moved === undefined ? {} : { average: moved.after };
  if (baseline.kind === "moving-average") return { signal: rest, ...next };
  const { prediction } = baseline;
  const fit = meanSamples(rest.sub(prediction).square()).mul(0.5);
  return { signal: rest.sub(stopGradient(prediction)), fit, ...next };
}

/** The average of earlier signals, [1], and its state with these ones. */
function moveAverage(
  average: Value,
  decay: number,
  signal: Value,
): { before: Value; after: Value } {
  if (average.rank !== 1 || average.size(0) !== 2) {
    throw new ReparamError(
      `estimate: the state of a moving average is [2], got ${average}. Begin with initialAverage().`,
    );
  }
  const [total, weight] = [slice(average, 0, 0, 1), slice(average, 0, 1, 2)];
  // Before the first step there is no weight, and the average counts as 0.
  const before = stopGradient(total.div(clip(weight, 1e-9, 1)));
  const now = concat([reshape(mean(signal), [1]), full([1], 1, signal.dtype)], 0);
  return { before, after: stopGradient(average.mul(decay).add(now.mul(1 - decay))) };
}
