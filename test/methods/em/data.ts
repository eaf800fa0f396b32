// Rows for the tests of this folder, and a training of a method on them.
import { type Column, makeSplit, type Split } from "../../../src/data/index.ts";
import { findMethod } from "../../../src/methods/index.ts";
import { heldState } from "../../../src/run/checkpoint.ts";
import { compileFunction, type FitResult, fit, type NamedTensors } from "../../../src/run/index.ts";
import { PhaseRun } from "../../../src/run/phase-run.ts";
import {
  type BatchSpec,
  type FunctionName,
  initialState,
  iteratePhase,
  type Method,
  weightsOf,
} from "../../../src/step/index.ts";
import {
  dim,
  fillNormal,
  fillUniform,
  type Tensor,
  type Tree,
  tensor,
} from "../../../src/tensor/index.ts";

export type Weights = Readonly<Record<string, Tensor>>;

export const float64 = (shape: readonly number[], data: ArrayLike<number>): Column => ({
  dtype: "float64",
  shape,
  data: Float64Array.from(data),
});

/** Standard normal numbers. */
export function normals(count: number, seed: number): Float64Array<ArrayBuffer> {
  const data = new Float64Array(count);
  fillNormal(data, { seed, step: 0, path: "test" });
  return data;
}

export function uniforms(count: number, seed: number): Float64Array<ArrayBuffer> {
  const data = new Float64Array(count);
  fillUniform(data, { seed, step: 1, path: "test" });
  return data;
}

/** `count` rows in `size` dimensions around `clusters` centres that are `apart` standard deviations apart. */
export function blobs(
  count: number,
  { size = 2, clusters = 3, apart = 4, seed = 0 } = {},
): Float64Array<ArrayBuffer> {
  const centres = normals(clusters * size, seed + 1000).map((v) => v * apart);
  return normals(count * size, seed).map(
    (e, i) => e + (centres[(Math.floor(i / size) % clusters) * size + (i % size)] as number),
  );
}

export const splitOf = (columns: Readonly<Record<string, Column>>): Split => makeSplit(columns);

export interface Trained {
  readonly method: Method;
  readonly result: FitResult;
  readonly weights: Weights;
  /** Loss of every iteration. */
  readonly losses: readonly number[];
  call(name: FunctionName, inputs: NamedTensors, count?: number): Promise<Record<string, Tensor>>;
}

export interface TrainOptions {
  readonly steps?: number;
  readonly batchSize?: number;
  readonly seed?: number;
}

/** Trains a method of the catalogue on a split, by default 20 iterations on batches of 100. */
export async function trainOn(
  name: string,
  options: Readonly<Record<string, unknown>>,
  train: Split,
  { steps = 20, batchSize = 100, seed = 0 }: TrainOptions = {},
): Promise<Trained> {
  const definition = await findMethod(name);
  const columns = Object.entries(train.columns).map(([column, { dtype, shape }]) => [
    column,
    { dtype, shape: [dim("B"), ...shape] },
  ]);
  const method = definition.create(definition.options.parse(options), {
    columns: Object.fromEntries(columns),
    trainSize: train.length,
    batchSize,
    classes: undefined,
  });
  const result = await fit({ method, train, batchSize, seed, steps, threads: 1, logEvery: 1 });
  const weights = weightsOf(method, result.state);
  return {
    method,
    result,
    weights: weights as Weights,
    losses: result.lines.flatMap((line) =>
      line.kind === "train" ? [line.metrics.loss as number] : [],
    ),
    call: async (called, inputs, count = 1) => {
      const compiled = await compileFunction(method, called, weights as Tree<Tensor>, {
        threads: 1,
      });
      const outputs = await compiled.run(inputs, { count });
      await compiled.release();
      return outputs;
    },
  };
}

/** Elements of a float64 tensor. */
export const numbers = (value: Tensor | undefined): Float64Array =>
  (value as Tensor).data as Float64Array;

export const rows = (data: ArrayLike<number>, size: number): Tensor =>
  tensor(Float64Array.from(data), [data.length / size, size]);

/** Largest difference of elements, relative to the largest element. */
export function relativeGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const left = Array.from(a);
  const scale = Math.max(1e-300, ...left.map(Math.abs));
  return Math.max(...left.map((value, i) => Math.abs(value - (b[i] as number)))) / scale;
}

/**
 * Iterations of a method's phase on data sets of one shape, compiled once. Returns the losses of each.
 * Throws what the phase throws.
 */
export function openPhase(method: Method): {
  run: (batch: NamedTensors, iterations: number, seed: number) => Promise<number[]>;
  release: () => Promise<void>;
} {
  const phase = method.phases[0] as Method["phases"][number];
  const start = initialState(phase, 0);
  const running = new PhaseRun(phase, start, { threads: 1 });
  return {
    run: async (batch, iterations, seed) => {
      running.state = heldState(start);
      const losses: number[] = [];
      for (let index = 0; index < iterations; index++) {
        let step = 0;
        const metrics = await iteratePhase(phase, {
          index,
          next: () => batch,
          epoch: () => [batch],
          run: (program, inputs) => running.run(program, inputs, { seed, step: step++ }),
        });
        losses.push(metrics.loss as number);
      }
      return losses;
    },
    release: () => running.release(),
  };
}

/** A method of the catalogue for columns of these shapes. */
export async function methodFor(
  name: string,
  options: Readonly<Record<string, unknown>>,
  columns: BatchSpec,
): Promise<Method> {
  const definition = await findMethod(name);
  const shape = { columns, trainSize: 1, batchSize: 1, classes: undefined };
  return definition.create(definition.options.parse(options), shape);
}
