import { readFile } from "node:fs/promises";
import { compileFunction, type Dataset, sampleRows, type Tensor, type TrainedModel } from "reparam";
import { createFeatureExtractor, sampleFigures } from "reparam/metrics";
import { rowsOf } from "../../src/run/index.ts";
import { given, sized } from "./flags.ts";

export interface Figures {
  readonly frechetDistance: number;
  readonly precision: number;
  readonly recall: number;
  readonly density: number;
  readonly coverage: number;
}

/** Compares samples with test images in the features of the digit classifier that ships with the library. */
export interface Judge {
  readonly sha256: string;
  readonly images: number;
  /** Of images [N, C, H, W], and the class that the classifier gives to each. */
  readonly figures: (images: Tensor) => Promise<Figures & { readonly classes: readonly number[] }>;
  readonly release: () => Promise<void>;
}

export async function openJudge({ test }: Dataset): Promise<Judge> {
  const file = new URL("../../assets/features/mnist.onnx", import.meta.url);
  const { threads } = given;
  const extractor = await createFeatureExtractor(new Uint8Array(await readFile(file)), { threads });
  const images = Math.min(test.length, sized(64, 2000, 10_000));
  const real = await extractor.features(rowsOf(test, 0, images).image as Tensor);
  return {
    ...{ sha256: extractor.sha256, images },
    figures: async (drawn) => {
      const { features, logits } = await extractor.extract(drawn);
      const found = await sampleFigures(real, features, { seed: 0, threads });
      const { frechetDistance, precision, recall, density, coverage } = found;
      const classes = likeliest(logits as Tensor);
      return { frechetDistance, precision, recall, density, coverage, classes };
    },
    release: () => extractor.release(),
  };
}

function likeliest({ data, shape }: Tensor): number[] {
  const [count = 0, size = 1] = shape;
  return Array.from({ length: count }, (_, row) => {
    let best = 0;
    for (let k = 1; k < size; k++) {
      if (Number(data[row * size + k]) > Number(data[row * size + best])) best = k;
    }
    return best;
  });
}

/** Samples of a trained model, by its `sample`. */
export async function samplesOf(
  { method, weights }: TrainedModel,
  count: number,
  inputs: Readonly<Record<string, Tensor>> = {},
): Promise<Tensor> {
  const compiled = await compileFunction(method, "sample", weights, { threads: given.threads });
  const { image } = await sampleRows(compiled, count, { seed: 1, inputs });
  await compiled.release();
  return image as Tensor;
}

export const scalarOf = (value: number): Tensor => ({
  dtype: "float32",
  shape: [],
  data: Float32Array.of(value),
});
