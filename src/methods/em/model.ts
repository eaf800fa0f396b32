import type { Batch, BatchSpec, Metrics } from "../../step/index.ts";
import type { Tensor, TensorSpec } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";

/** Parameters or statistics of a model by name. */
export type Named<Leaf> = Readonly<Record<string, Leaf>>;

/** What the E-step finds for a batch. */
export interface Expectation {
  /** log p(x), in nats, of each row [B]. */
  readonly logLikelihood: Value;
  /** How much each row adds to what the loss is a mean over [B]. Default 1. */
  readonly size?: Value;
  /** Sums over the rows of the expected sufficient statistics. */
  readonly statistics: Named<Value>;
}

/** An E-step that takes more than the batch, for rows that need it (missing values, for example). */
export interface ExpectationProgram {
  readonly inputs: Named<TensorSpec>;
  readonly expect: (
    parameters: Named<Value>,
    columns: Named<Value>,
    extra: Named<Value>,
  ) => Expectation;
}

/** Rows of a batch, and the E-step that they go through. */
export interface Part {
  readonly program: string;
  readonly batch: Batch;
  readonly extra: Named<Tensor>;
}

/**
 * A model with latent variables, as expectation-maximisation sees it: Dempster, Laird, Rubin, "Maximum
 * likelihood from incomplete data via the EM algorithm" (1977). The latents are summed out inside of the
 * E-step; what the M-step needs of the data are sums over rows, so memory does not grow with their number.
 */
export interface ExpectationModel {
  readonly name: string;
  /** Columns that the E-step reads. A column `weight` [B], if there, counts every row that often. */
  readonly batch: BatchSpec;
  /** All float64. */
  readonly parameters: Named<TensorSpec>;
  readonly statistics: Named<TensorSpec>;
  /** Free parameters, for the criteria of Akaike and Schwarz; none where the loss is no likelihood. */
  readonly freeParameters?: number;
  /** E-steps by name; `accumulate` is the one for whole batches. */
  readonly expectations: Readonly<Record<string, ExpectationProgram>> & {
    readonly accumulate: ExpectationProgram;
  };
  /** Whether NaN are missing values that the E-steps marginalise. */
  readonly missing?: boolean;
  /** Whether values below 0 are refused, as of counts. */
  readonly nonNegative?: boolean;
  /** What is logged beside the loss, from it. */
  readonly metrics?: (loss: number) => Metrics;
  /** Divides a batch between the E-steps. Default: all of it to `accumulate`. */
  readonly parts?: (batch: Batch, parameters: Named<Tensor>) => Iterable<Part>;
  /** The M-step: argmax over the parameters of Q, from the sums. */
  readonly maximize: (statistics: Named<Value>, parameters: Named<Value>) => Named<Value>;
  /** On the host after every M-step: checks, and what is derived from the parameters. Throws ReparamError. */
  readonly complete?: (parameters: Named<Tensor>) => Named<Tensor>;
  /** Parameters to begin with, from rows of the data and uniform random numbers. */
  readonly start: (rows: Batch, uniforms: Float64Array) => Named<Tensor>;
  /** Uniform numbers that `start` wants. */
  readonly startNoise: number;
  /** Statistics around old parameters as they are around new ones, where they are relative to parameters. */
  readonly rebase?: (
    statistics: Named<Value>,
    before: Named<Value>,
    after: Named<Value>,
  ) => Named<Value>;
  /**
   * Whether the M-step maximises something else than the likelihood (a regularised covariance, a prior), so
   * that the likelihood may fall.
   */
  readonly regularized: boolean;
}

/** How the algorithm runs; the same for every model. */
export interface EmOptions {
  /** Starts; the one with the largest likelihood is kept. */
  readonly starts: number;
  /** Ends when the mean log-likelihood changes by less than this, in nats a row. */
  readonly tolerance: number;
  readonly algorithm: "batch" | "online";
  /** κ of the online step γₜ = (t + 1)^−κ, between ½ and 1. */
  readonly stepExponent: number;
  /** Most rows that the start is made from. */
  readonly startRows: number;
}
