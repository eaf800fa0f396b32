import { type Dataset, type LoadOptions, loadDataset } from "./data/index.ts";
import { findMethod } from "./methods/index.ts";
import type { ImportedModel } from "./onnx-import/index.ts";
import {
  compileFunction,
  dataShape,
  type Evaluation,
  evaluateSplit,
  exportFunctions,
  type FitOptions,
  fit,
  type GenerationOptions,
  type NamedTensors,
  openGenerator,
} from "./run/index.ts";
import { dataOf, type FunctionName, type Method, weightsOf } from "./step/index.ts";
import { ReparamError, type Tensor, type Tree } from "./tensor/index.ts";

/** Settings of a training; everything has a default. */
export interface TrainSettings
  extends Partial<Pick<FitOptions, "epochs" | "steps" | "batchSize" | "seed" | "threads">>,
    Pick<FitOptions, "folder" | "onProgress" | "signal" | "snapshots"> {
  /** Name of a data set, path of a folder, or a data set that is loaded already. Default: what suits the method. */
  readonly data?: string | Dataset;
  /** How a data set given by name is loaded: size of the validation split, binarisation, image size. */
  readonly load?: LoadOptions;
  /** What `finetune` begins with. */
  readonly model?: ImportedModel;
  /** The method's own options; `reparam info METHOD` lists them. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A trained model: what it learned, and what it can do. */
export interface TrainedModel {
  readonly method: Method;
  readonly dataset: Dataset;
  readonly weights: Tree<Tensor>;
  /**
   * Runs one of the method's functions: `call("sample", {}, { count: 64 })`, `call("encode", { image })`.
   * Inputs left out are drawn by `seed`, or take their defaults. Name the outputs that you read,
   * `call<"image">("sample")`, and they have their type. What takes many runs of a graph has options:
   * `call("sample", {}, { count: 64, options: { sampler: "heun", steps: 18 } })` of a diffusion model.
   */
  call<Output extends string = string>(
    name: FunctionName,
    inputs?: NamedTensors,
    options?: {
      readonly count?: number;
      readonly seed?: number;
      readonly options?: Readonly<Record<string, unknown>>;
    },
  ): Promise<Readonly<Record<Output, Tensor>>>;
  /** Means and standard errors of the method's test figures over a split. */
  evaluate(split?: "train" | "validation" | "test"): Promise<Evaluation>;
  /** The same of the importance-weighted bound, where the method has one. */
  bound(split?: "train" | "validation" | "test"): Promise<Evaluation>;
  /**
   * Continues a text, in pieces as they come: `for await (const piece of model.generate("The "))`. Throws where
   * the method does not model language from left to right.
   */
  generate(prompt: string, options?: GenerationOptions): AsyncGenerator<string>;
  /** Writes every exported function to `folder` as an ONNX file, checked against the library. */
  export(folder: string): Promise<readonly string[]>;
}

/**
 * Trains a method of the catalogue. Throws a ReparamError for options or data that do not fit, and when a
 * metric stops being finite.
 */
export async function train(name: string, settings: TrainSettings = {}): Promise<TrainedModel> {
  const { load, model, options = {}, seed = 0, threads = 2, ...fitting } = settings;
  const definition = await findMethod(name);
  const data = settings.data ?? dataOf(definition);
  const dataset =
    typeof data === "string"
      ? await loadDataset(data, { ...definition.training.load, ...load })
      : data;
  const batchSize = settings.batchSize ?? definition.training.batchSize;
  const method = definition.create(
    definition.options.parse(options),
    dataShape(dataset, batchSize, model),
  );
  const { epochs = definition.training.epochs, steps } = settings;
  const length = steps === undefined ? { epochs } : { steps };
  const { train: samples, validation } = dataset;
  const { state } = await fit({
    logEvery: definition.training.logEvery ?? 50,
    ...{ ...fitting, method, train: samples, validation, batchSize, seed, threads },
    ...length,
  });
  return trained(method, dataset, weightsOf(method, state), { seed, threads });
}

function trained(
  method: Method,
  dataset: Dataset,
  weights: Tree<Tensor>,
  { seed, threads }: { readonly seed: number; readonly threads: number },
): TrainedModel {
  const measure = async (
    name: FunctionName,
    split: "train" | "validation" | "test",
  ): Promise<Evaluation> => {
    const compiled = await compileFunction(method, name, weights, { threads });
    const evaluation = await evaluateSplit(compiled, dataset[split], { seed });
    await compiled.release();
    return evaluation;
  };
  return {
    method,
    dataset,
    weights,
    call: async <Output extends string>(
      name: FunctionName,
      inputs: NamedTensors = {},
      {
        options,
        ...filling
      }: {
        readonly count?: number;
        readonly seed?: number;
        readonly options?: Readonly<Record<string, unknown>>;
      } = {},
    ) => {
      const chosen = options === undefined ? { threads } : { threads, options };
      const compiled = await compileFunction(method, name, weights, chosen);
      const outputs = await compiled.run(inputs, { seed, ...filling });
      await compiled.release();
      return outputs as Readonly<Record<Output, Tensor>>;
    },
    evaluate: (split = "test") => measure("evaluate", split),
    bound: (split = "test") => measure("bound", split),
    async *generate(prompt, options = {}) {
      if (dataset.tokenizer === undefined) {
        throw new ReparamError(`${method.name} was not trained on text: it has none to continue.`);
      }
      const generator = await openGenerator(method, weights, dataset.tokenizer, { threads });
      try {
        yield* generator.text(prompt, { seed, ...options });
      } finally {
        await generator.release();
      }
    },
    export: async (folder) => {
      const files = await exportFunctions(method, weights, folder, {
        threads,
        split: dataset.test,
      });
      return files.map(({ file }) => file);
    },
  };
}
