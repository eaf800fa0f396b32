import { readFile } from "node:fs/promises";
import { compileFunction, type Dataset, sampleRows, type Tensor, type TrainedModel } from "reparam";
import { createFeatureExtractor, sampleFigures } from "reparam/metrics";
import { rowsOf } from "../../src/run/index.ts";

export interface Figures {
  readonly frechetDistance: number;
  readonly kernelDistance: number;
  readonly precision: number;
  readonly recall: number;
  readonly density: number;
  readonly coverage: number;
}

/** Compares samples with test images in the features of a classifier that ships with the library. */
export interface Judge {
  /** Of the classifier's file. */
  readonly sha256: string;
  /** How many of each are compared. */
  readonly images: number;
  /** Of images [N, C, H, W], and the classifier's logits [N, classes]. */
  readonly compare: (
    images: Tensor,
  ) => Promise<{ readonly figures: Figures; readonly logits: Tensor }>;
  readonly release: () => Promise<void>;
}

export async function openJudge(
  { test }: Dataset,
  {
    classifier,
    threads,
    most,
  }: {
    readonly classifier: "mnist" | "fashion-mnist";
    readonly threads: number;
    /** Images at most. */
    readonly most: number;
  },
): Promise<Judge> {
  const file = new URL(`../../assets/features/${classifier}.onnx`, import.meta.url);
  const extractor = await createFeatureExtractor(new Uint8Array(await readFile(file)), { threads });
  const images = Math.min(test.length, most);
  const real = await extractor.features(rowsOf(test, 0, images).image as Tensor);
  return {
    ...{ sha256: extractor.sha256, images },
    compare: async (drawn) => {
      const { features, logits } = await extractor.extract(drawn);
      const found = await sampleFigures(real, features, { seed: 0, threads });
      const { frechetDistance, kernelDistance, precision, recall, density, coverage } = found;
      const figures = { frechetDistance, kernelDistance, precision, recall, density, coverage };
      return { figures, logits: logits as Tensor };
    },
    release: () => extractor.release(),
  };
}

/** Samples of a trained model, by its `sample`. */
export async function samplesOf(
  { method, weights }: TrainedModel,
  count: number,
  { threads, inputs = {} }: { threads: number; inputs?: Readonly<Record<string, Tensor>> },
): Promise<Tensor> {
  const compiled = await compileFunction(method, "sample", weights, { threads });
  const { image } = await sampleRows(compiled, count, { seed: 1, inputs });
  await compiled.release();
  return image as Tensor;
}

/** The first rows of a tensor. */
export function firstRows({ dtype, shape, data }: Tensor, count: number): Tensor {
  const [all = 0, ...row] = shape;
  const rows = Math.min(count, all);
  return {
    dtype,
    shape: [rows, ...row],
    data: data.slice(0, (rows * data.length) / all),
  } as Tensor;
}
