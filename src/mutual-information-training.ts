import type { Loader } from "./data/index.ts";
import {
  type BatchParts,
  combineBatches,
  informationPhase,
  type TrainedEstimator,
} from "./methods/mi/estimator.ts";
import { assemble, type Model, type Variables } from "./nn/index.ts";
import { compile, hold, type Program } from "./onnx/index.ts";
import { initialState, phaseProgram, specsOf } from "./step/index.ts";
import { item, spec, type Tensor, type Tree } from "./tensor/index.ts";
import type { Value } from "./trace/index.ts";

/** Where a training is, after an evaluation. */
export interface InformationProgress {
  readonly step: number;
  readonly steps: number;
  /** What training maximises, on pairs held out to stop by. */
  readonly objective: number;
  /** The estimate by the same pairs, in nats. */
  readonly estimate: number;
}

/** Batches for each purpose, all of one size, and how long to train. */
export interface Job {
  readonly sizes: readonly [x: number, y: number];
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly threads: number;
  /** At most. */
  readonly steps: number;
  /** Evaluations without a better one after which the training ends. */
  readonly patience: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: InformationProgress) => void) | undefined;
  readonly train: Loader;
  readonly stop: Loader;
  readonly estimate: Loader;
}

export interface Trained {
  readonly value: number;
  readonly standardError: number;
  readonly batches: number;
  readonly steps: number;
  readonly bestStep: number;
}

/** Trains until the held-out objective stops rising, and estimates by the weights of its best moment. */
export async function trainEstimator(estimator: TrainedEstimator, job: Job): Promise<Trained> {
  const { sizes, batchSize, learningRate, train, seed, threads, steps, patience } = job;
  const phase = informationPhase(estimator, { sizes, batchSize, learningRate, gradientLimit: 1 });
  const start = initialState(phase, seed);
  const { build, example } = phaseProgram(phase, "step", specsOf(start));
  const program = await compile(build as never, example, { threads });
  const evaluation = await compileStatistics(estimator, start as never, job);
  try {
    let state = hold(start);
    let best = { step: 0, objective: -Infinity, variables: start };
    const round = Math.max(20, Math.min(100, train.batchesPerEpoch));
    let [step, worse] = [0, 0];
    while (step < steps && worse < patience && job.signal?.aborted !== true) {
      const end = Math.min(step + round, steps);
      for (; step < end; step += Math.min(stepsTogether, end - step)) {
        const count = Math.min(stepsTogether, end - step);
        const inputs = Array.from({ length: count }, (_, i) => ({ batch: train.batch(step + i) }));
        ({ state } = await program.runSteps(state, inputs, { seed, step }));
      }
      const variables = state.read(start) as Tree<Tensor>;
      const held = await evaluateOn(evaluation, variables, job.stop);
      const objective = held.reduce((sum, batch) => sum + batch.objective, 0) / held.length;
      const { value } = combineBatches(estimator.combination, held);
      job.onProgress?.({ step, steps, objective, estimate: value });
      worse = objective > best.objective ? 0 : worse + 1;
      if (worse === 0) best = { step, objective, variables };
    }
    const parts = await evaluateOn(evaluation, best.variables, job.estimate);
    const result = combineBatches(estimator.combination, parts);
    return { ...result, batches: parts.length, steps: step, bestStep: best.step };
  } finally {
    await program.release();
    await evaluation.release();
  }
}

/** Steps in one call of the runtime. */
const stepsTogether = 10;

type Statistics = Readonly<Record<"objective" | "joint" | "marginal", Value>>;

function compileStatistics(
  estimator: TrainedEstimator,
  { params, buffers }: { readonly params: Tree<Tensor>; readonly buffers: Tree<Tensor> },
  { batchSize, sizes, threads }: Job,
): Promise<Program<Statistics>> {
  const pair = (size: number) => spec("float32", [batchSize, size]);
  return compile(
    (given) => {
      const { variables, x, y } = given as unknown as { variables: Variables; x: Value; y: Value };
      return { ...estimator.statistics(assemble<Model>(variables), x, y) };
    },
    { variables: specsOf({ params, buffers }), x: pair(sizes[0]), y: pair(sizes[1]) },
    { threads },
  );
}

/** The parts of every batch of the loader, in float64. */
async function evaluateOn(
  program: Program<Statistics>,
  state: Tree<Tensor>,
  loader: Loader,
): Promise<readonly (BatchParts & { readonly objective: number })[]> {
  const { params, buffers } = state as unknown as Record<string, Tree<Tensor>>;
  const found = [];
  for (let i = 0; i < loader.batchesPerEpoch; i++) {
    const batch = loader.batch(i) as { readonly x: Tensor; readonly y: Tensor };
    const variables = { params: params ?? {}, buffers: buffers ?? {} };
    const { objective, joint, marginal } = await program.run({ variables, ...batch });
    found.push({ objective: item(objective), joint: item(joint), marginal: item(marginal) });
  }
  return found;
}
