import type { Distribution } from "../distributions/index.ts";
import { expandDims, mean, squeeze, straightThrough, sum } from "../ops/index.ts";
import type { Tree } from "../tensor/index.ts";
import type { Key, Operand, Value } from "../trace/index.ts";
import type { Baseline } from "./baseline.ts";

/**
 * What a surrogate's gradient is the gradient of: the objective E_q[f(z)], or the bound
 * E[log 1/m Σₖ exp(f(zₖ))/q(zₖ)] over m samples, in which f(z) is a log-density log p(x, z).
 */
export type Target = "objective" | "multi-sample bound";

/**
 * Why f is called: for a sample of q, for its relaxation, for its mean, or for the sample of mirrored noise.
 * An f that draws noise or writes buffers uses it as a name, `scope.reading(pass)`.
 */
export type Pass = "sample" | "relaxed" | "mean" | "antithetic";

/**
 * The function of the latent whose expectation is wanted: z [m, ...batchShape, ...eventShape] of q to one
 * number for each sample of each row, [m, ...batchShape]. A row's number must depend on that row's z only.
 */
export type Objective = (z: Value, pass: Pass) => Value;

/** Control variate c(z̃) of REBAR and RELAX, a function of the relaxed sample z̃ = soften(z, temperature). */
export interface Control {
  /** Of the relaxation, above 0; ½ by default. */
  readonly temperature?: Operand;
  /** Factor η of f(z̃); 1 by default. The number 0 leaves it out: f is then never given a relaxed sample. */
  readonly scale?: Operand;
  /** A further term r(z̃), [m, ...batchShape, ...eventShape] to [m, ...batchShape]; RELAX wants one. */
  readonly network?: (z: Value) => Value;
  /**
   * What is trained to make the variance small, such as the logarithm of the temperature and the network's
   * weights: the surrogate's gradient towards them is that of the mean square of the estimate. Minimise the surrogate: a
   * loss that has it with a minus sign would make the variance large.
   */
  readonly params?: Tree<Value>;
}

export interface EstimateOptions {
  /** Names the random numbers. */
  readonly key: Key;
  /** Samples m of every row; the least that the estimator works with by default. */
  readonly samples?: number;
  /** Default: the estimator's first. */
  readonly target?: Target;
  /** Of a relaxation, above 0: a number, or a scalar value for a schedule. 1 by default. */
  readonly temperature?: Operand;
  /** What is subtracted from f in a likelihood-ratio estimate; nothing by default. */
  readonly baseline?: Baseline;
  readonly control?: Control;
}

/** The options that an estimator may take beside its key and target. */
export type OptionName = "samples" | "temperature" | "baseline" | "control";

export interface Estimate {
  /**
   * [...batchShape]: its value is the estimate of the target, its gradient the estimate of the target's
   * gradient, towards the parameters of q and towards what f depends on otherwise.
   */
  readonly surrogate: Value;
  /** The next state of a moving average, where the baseline has one. */
  readonly average?: Value;
}

/** What an estimator is given: every option with its default, and an f whose results are checked. */
export interface Problem {
  readonly q: Distribution;
  readonly f: Objective;
  readonly key: Key;
  readonly samples: number;
  readonly target: Target;
  readonly temperature: Operand;
  readonly baseline: Baseline;
  readonly control: Control;
}

/** An estimator as data: what it estimates, what it needs, and how it works. */
export interface EstimatorDefinition {
  /** One line. */
  readonly summary: string;
  /** Author, title, year, equation. */
  readonly source: string;
  /** What its gradient may be of; the first is meant where none is named. */
  readonly targets: readonly [Target, ...Target[]];
  /** Whether the mean of its gradients is the gradient of its target. */
  readonly unbiased: boolean;
  /** Whether f must have a gradient towards z; else f may be any function, computed anywhere. */
  readonly differentiates: boolean;
  readonly options: readonly OptionName[];
  readonly leastSamples: number;
  /** Why it cannot work with a distribution; undefined where it can. */
  readonly refusal: (q: Distribution) => string | undefined;
  readonly estimate: (problem: Problem) => Estimate;
}

/** The value of `value` with the gradient of `surrogate`, which has its shape. */
export const withGradientOf = (surrogate: Value, value: Value): Value =>
  straightThrough(value, surrogate);

/** The mean over the first axis, of m samples. */
export const meanSamples = (x: Value): Value => (x.size(0) === 1 ? squeeze(x, 0) : mean(x, 0));

/** [...] → [..., 1, …] with `axes` axes more, to meet the elements of an event. */
export const expandLast = (x: Value, axes: number): Value =>
  axes === 0 ? x : expandLast(expandDims(x, -1), axes - 1);

/** Sums the last axes, those of an event. */
export const sumLast = (x: Value, axes: number): Value =>
  axes === 0 ? x : sum(x, range(axes, -axes));

const range = (count: number, start: number): number[] =>
  Array.from({ length: count }, (_, i) => start + i);
