import {
  type Batch,
  initialState,
  iteratePhase,
  type Method,
  type Metrics,
  weightsOf,
} from "../step/index.ts";
import { ReparamError, type Tensor, type Tree } from "../tensor/index.ts";
import { startPosition } from "./checkpoint.ts";
import { PhaseRun } from "./phase-run.ts";

export interface PartialFitOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Default 2. */
  readonly threads?: number;
}

/** A training that is handed its data batch by batch, as they arrive, instead of a data set. */
export interface PartialFit {
  /** One step, on these rows. Returns its metrics. */
  partialFit(batch: Batch): Promise<Metrics>;
  /** Steps so far. */
  readonly steps: number;
  /** What the method's functions read, as it is now. */
  weights(): Tree<Tensor>;
  release(): Promise<void>;
}

/**
 * Opens such a training of a method of one phase: online expectation-maximisation (`algorithm: "online"`), or
 * anything that makes a step of a batch. Throws for methods of several phases.
 */
export function openPartialFit(
  method: Method,
  { seed = 0, threads = 2 }: PartialFitOptions = {},
): PartialFit {
  const [phase, second] = method.phases;
  if (phase === undefined || second !== undefined) {
    throw new ReparamError(
      `partialFit: ${method.name} has ${method.phases.length} phases, one is wanted. Ask for one start, or use fit.`,
    );
  }
  const running = new PhaseRun(phase, initialState(phase, seed), { threads });
  const position = startPosition();
  return {
    get steps() {
      return position.iteration;
    },
    partialFit: async (batch) => {
      const metrics = await iteratePhase(phase, {
        index: position.iteration,
        next: () => batch,
        epoch: () => [batch],
        run: (program, inputs) => running.run(program, inputs, { seed, step: position.runs++ }),
      });
      position.iteration += 1;
      return metrics;
    },
    weights: () => weightsOf(method, running.read()),
    release: () => running.release(),
  };
}
