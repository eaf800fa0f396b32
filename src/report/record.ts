/** Values by metric name at one moment of a run. */
export interface TrainPoint {
  readonly step: number;
  /** Passes over the training data so far; fractions are allowed. */
  readonly epoch: number;
  /** Seconds since the run began, pauses between resumes not counted. */
  readonly seconds: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface EvaluationPoint extends TrainPoint {
  /** "validation", "test", … */
  readonly split: string;
}

export interface RunConfig {
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly threads: number;
  /** ISO date and time. */
  readonly created: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  /** The command line that repeats the run; made up from the options when absent. */
  readonly command?: string;
  readonly [key: string]: unknown;
}

/** A run's folder as it is read for its report; any method's. */
export interface RunRecord {
  readonly name: string;
  readonly config: RunConfig;
  readonly train: readonly TrainPoint[];
  readonly evaluations: readonly EvaluationPoint[];
  /** Sample grid, reconstructions, latent traversal, …: encoded PNG files. */
  readonly pictures: readonly {
    readonly title: string;
    readonly caption: string;
    readonly png: Uint8Array;
    /** A plot: scaled smoothly, where images show their pixels. */
    readonly plot?: boolean;
  }[];
  /** Seconds by phase, e.g. compile, train, evaluate. */
  readonly timings: Readonly<Record<string, number>>;
  readonly exports: readonly {
    readonly file: string;
    readonly bytes: number;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
  readonly notes: readonly string[];
}
