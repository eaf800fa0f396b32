// The model that all samplers sample from: that of a run's folder, or a small one that is trained here.
import { compileFunction, findMethod, loadDataset, type train, weightsOf } from "reparam";
import type { Dataset, LoadOptions } from "reparam/data";
import type { SamplerOptions } from "reparam/methods/diffusion";
import { dataShape, newestCheckpoint, readConfig, rowsOf, sampleRows } from "reparam/run";
import type { Method } from "reparam/step";
import type { Tensor, Tree } from "reparam/tensor";

export type ImageSampler = SamplerOptions & {
  readonly sampler: NonNullable<SamplerOptions["sampler"]>;
  readonly guidance?: number;
};

interface Loaded {
  readonly method: Method;
  readonly weights: Tree<Tensor>;
  readonly dataset: Dataset;
  readonly command: string;
  readonly about: string;
}

export interface Model extends Pick<Loaded, "command" | "about"> {
  readonly row: readonly number[];
  /** Images of all classes in turn, where the model has classes. */
  sample(options: ImageSampler, count: number, seed: number): Promise<Tensor>;
  test(count: number): Tensor;
}

interface Options {
  readonly data: string;
  readonly quick: boolean;
  readonly threads: number;
  readonly train: typeof train;
  /** Also a quick model has classes. */
  readonly conditional?: boolean;
}

export async function openModel(run: string | undefined, options: Options): Promise<Model> {
  const loaded = run === undefined ? await trainSmall(options) : await readRun(run);
  const { method, weights, dataset, command, about } = loaded;
  const image = rowsOf(dataset.test, 0, 1).image as Tensor;
  return {
    ...{ command, about, row: image.shape.slice(1) },
    sample: async (sampler, count, seed) => {
      const compiled = await compileFunction(method, "sample", weights, {
        ...{ threads: options.threads, options: sampler },
      });
      const classes = compiled.definition.inputs.label?.classes;
      const label = (from: number, to: number): Tensor => ({
        ...{ dtype: "int32", shape: [to - from] },
        data: Int32Array.from({ length: to - from }, (_, i) => (from + i) % (classes ?? 1)),
      });
      const made = await sampleRows(compiled, count, {
        seed,
        inputs: (from, to) => (classes === undefined ? {} : { label: label(from, to) }),
      });
      await compiled.release();
      return made.image as Tensor;
    },
    test: (count) => rowsOf(dataset.test, 0, Math.min(count, dataset.test.length)).image as Tensor,
  };
}

async function readRun(folder: string): Promise<Loaded> {
  const config = await readConfig(folder);
  const { name, samples: _, ...load } = config.data;
  const dataset = await loadDataset(name, load as LoadOptions);
  const definition = await findMethod(config.method);
  const method = definition.create(
    definition.options.parse(config.options),
    dataShape(dataset, config.batchSize),
  );
  const checkpoint = await newestCheckpoint(folder, () => undefined);
  if (checkpoint === undefined) throw new Error(`${folder} has no checkpoint.`);
  const { step } = checkpoint.position;
  return {
    ...{ method, weights: weightsOf(method, checkpoint.state), dataset },
    command: config.command ?? "",
    about: `The model is that of the first command after ${step} steps.`,
  };
}

async function trainSmall({
  data,
  quick,
  threads,
  train: fit,
  conditional,
}: Options): Promise<Loaded> {
  const steps = quick ? 2 : 3000;
  const options = quick
    ? { width: 8, multipliers: "1", patch: 4, ...(conditional && { conditional }) }
    : { width: 24, conditional: true, sigmaData: 0.7, learningRate: 1.5e-3 };
  const model = await fit("diffusion", { data, steps, batchSize: 32, threads, options });
  const { method, weights, dataset } = model;
  return {
    ...{ method, weights, dataset },
    command: "# trains its model itself",
    about: `The model is trained for ${steps} steps of 32 images.`,
  };
}
