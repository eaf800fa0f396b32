import { createLoader } from "../src/data/loader.ts";
import { findMethod } from "../src/methods/catalogue.ts";
import {
  type CompileTimings,
  compile,
  type HeldState,
  hold,
  type Program,
} from "../src/onnx/index.ts";
import {
  initialState,
  iteratePhase,
  type Metrics,
  onlyProgram,
  type ProgramInputs,
  type ProgramOutputs,
  phaseProgram,
} from "../src/step/index.ts";
import { dim, elementCount, leafMap, spec, type Tensor, type Tree } from "../src/tensor/index.ts";
import { sparseImages, type Training } from "./models/samples.ts";
import type { Running } from "./workloads.ts";

/** The training of a method with its default options on images of MNIST's size. */
export async function methodTraining(name: string, batchSize: number): Promise<Training> {
  const definition = await findMethod(name);
  const length = 32 * batchSize;
  const image = sparseImages(length, [1, 28, 28]);
  const method = definition.create(definition.options.parse({}), {
    columns: { image: spec("uint8", [dim("B"), ...image.shape]) },
    trainSize: length,
    batchSize,
    classes: undefined,
  });
  return { phase: method.phases[0]!, samples: { length, columns: { image } }, batchSize };
}

/** The trained tensors of a state, by path. */
export const parametersOf = (state: Tree<Tensor>): Map<string, Tensor> =>
  new Map([...leafMap(state)].filter(([path]) => path.split(".").includes("params")));

export const countElements = (tensors: Iterable<Tensor>): number =>
  [...tensors].reduce((count, { shape }) => count + elementCount(shape), 0);

/** The programs of a training, ready to run. */
export interface CompiledTraining {
  /** The initial state. */
  readonly start: Tree<Tensor>;
  readonly programs: ReadonlyMap<string, Program<ProgramOutputs>>;
  /** Iteration `index`, counted from 0, on a given batch or the loader's next one. */
  readonly iterate: (index: number, batch?: Record<string, Tensor>) => Promise<Metrics>;
  /** As many iterations from `index` on, in one call of the runtime. */
  readonly together: (index: number, count: number) => Promise<void>;
}

export async function compileTraining(
  { phase, samples, batchSize }: Training,
  threads: number,
): Promise<CompiledTraining> {
  const start = initialState(phase, 0);
  const programs = new Map<string, Program<ProgramOutputs>>();
  for (const name of Object.keys(phase.programs)) {
    const { build, example } = phaseProgram(phase, name, start);
    const program = await compile<typeof example, ProgramOutputs>(
      (inputs) => build(inputs as ProgramInputs),
      example,
      { threads },
    );
    programs.set(name, program);
  }
  const loader = createLoader(samples, { batchSize });
  let state = hold(start);
  let cursor = 0;
  const iterate = (index: number, batch?: Record<string, Tensor>): Promise<Metrics> =>
    iteratePhase(phase, {
      index,
      next: () => batch ?? loader.batch(cursor++),
      epoch: () => [],
      run: async (name, inputs) => {
        const program = programs.get(name) as Program<ProgramOutputs>;
        const result = await program.run({ ...inputs, state }, { seed: 0, step: index });
        state = result.state as unknown as HeldState;
        return result as unknown as Record<string, Tree<Tensor>>;
      },
    });
  const together = async (index: number, count: number): Promise<void> => {
    if (count === 1) {
      await iterate(index);
      return;
    }
    const program = programs.get(onlyProgram(phase)) as Program<ProgramOutputs>;
    const inputs = Array.from({ length: count }, () => ({ batch: loader.batch(cursor++) }));
    ({ state } = await program.runSteps(state, inputs, { seed: 0, step: index }));
  };
  return { start, programs, iterate, together };
}

/** Of several programs together. */
export const totalTimings = (all: readonly CompileTimings[]): CompileTimings =>
  all.reduce((a, b) => ({
    traceSeconds: a.traceSeconds + b.traceSeconds,
    lowerSeconds: a.lowerSeconds + b.lowerSeconds,
    sessionSeconds: a.sessionSeconds + b.sessionSeconds,
    nodes: a.nodes + b.nodes,
  }));

/**
 * A training step: a batch taken by the loader, noise, a run of every program of the phase, the metrics
 * back on the host.
 */
export async function startTraining(training: Training, threads: number): Promise<Running> {
  const { start, programs, iterate, together } = await compileTraining(training, threads);
  return {
    timings: totalTimings([...programs.values()].map(({ timings }) => timings)),
    parameters: countElements(parametersOf(start).values()),
    step: (index) => iterate(index),
    ...(training.phase.iterate === undefined ? { together } : {}),
  };
}
