import type { Split } from "../data/index.ts";
import type { Device } from "../onnx/index.ts";
import type { Method, Metrics, Phase } from "../step/index.ts";
import type { Tensor, Tree } from "../tensor/index.ts";
import { newestCheckpoint } from "./checkpoint.ts";
import type { MetricsLine } from "./metrics-log.ts";
import type { StepProfiler } from "./step-profile.ts";
import { Training } from "./training.ts";

export interface FitOptions {
  readonly method: Method;
  readonly train: Split;
  /** Evaluated after every epoch of the last phase, if the method has `evaluate`. */
  readonly validation?: Split;
  readonly batchSize: number;
  readonly seed: number;
  /** Passes through the training data of every phase that does not decide its own length. */
  readonly epochs?: number;
  /** Iterations instead of epochs. */
  readonly steps?: number;
  /** Default 2. */
  readonly threads?: number;
  /** What the steps run on; evaluations are the processor's. Default `cpu`. */
  readonly device?: Device;
  /** Training metrics are logged as means over this many steps. Default 50. */
  readonly logEvery?: number;
  /** A run's folder, for metrics.jsonl and checkpoints; a run in it is continued. Default: none. */
  readonly folder?: string;
  /** Most seconds between checkpoints. Default 20. */
  readonly checkpointSeconds?: number;
  /** Ends the training after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Looks at the state now and then. Changes none of the numbers. */
  readonly snapshots?: Snapshots;
  /** Measures where the time of the first steps goes. Changes none of the numbers. */
  readonly profiler?: StepProfiler;
  readonly onProgress?: (progress: Progress) => void;
  readonly warn?: (message: string) => void;
}

/** Who is shown the state of a training, and when besides the end of every phase. */
export interface Snapshots {
  /** After every so many steps. */
  readonly every?: number | undefined;
  readonly take: (snapshot: Snapshot) => Promise<void>;
}

export interface Snapshot {
  readonly phase: Phase;
  /** Steps so far, of all phases. */
  readonly step: number;
  /** Whether the phase is over. */
  readonly ended: boolean;
  readonly state: Tree<Tensor>;
  /** What the method's functions read of the state. */
  readonly weights: () => Tree<Tensor>;
}

/** Where a training is, after a step. */
export interface Progress {
  readonly phase: string;
  readonly step: number;
  readonly epoch: number;
  readonly metrics: Metrics;
  readonly samplesPerSecond: number;
  /** Of this phase, 0 to 1. */
  readonly fraction: number;
  /** Of this phase, in seconds. */
  readonly secondsLeft: number;
  /** The newest evaluation, right after it was made. */
  readonly evaluation?: Metrics;
}

export interface FitResult {
  readonly status: "finished" | "interrupted";
  readonly step: number;
  readonly epoch: number;
  /** State of the phase that the training is in: the last one when it is finished. */
  readonly state: Tree<Tensor>;
  /** Metrics as logged, of earlier parts of a resumed run as well. */
  readonly lines: readonly MetricsLine[];
  /** Seconds by activity. */
  readonly seconds: Readonly<Record<string, number>>;
  /** The newest checkpoint file. */
  readonly checkpoint?: string;
}

/**
 * Trains a method through its phases. The same options on the same machine give the same numbers, bit by
 * bit, also when the process was killed at any moment and `fit` is called again on the same folder.
 * Throws a ReparamError when a metric is not finite; the state before that step is kept as a checkpoint.
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { method, folder } = options;
  const found = folder === undefined ? undefined : await newestCheckpoint(folder, options.warn);
  const training = await Training.start(options, found);
  try {
    while (true) {
      const interrupted = await training.finishPhase();
      if (interrupted) return training.result("interrupted");
      if (training.position.phase === method.phases.length - 1) break;
      await training.nextPhase();
    }
    return training.result("finished");
  } finally {
    await training.close();
  }
}
