// One training of `gan` on images, and how its samples compare with the test images.
import { writeFile } from "node:fs/promises";
import { compileFunction, type Dataset, sampleRows, type Tensor, train } from "reparam";
import { encodeNpy } from "reparam/data";
import { classCounts, createFeatureExtractor, sampleFigures } from "reparam/metrics";
import { cellOf, processorSeconds } from "../figures/cells.ts";

export interface ImageFigures {
  readonly frechetDistance: number;
  readonly kernelDistance: number;
  readonly precision: number;
  readonly recall: number;
  readonly density: number;
  readonly coverage: number;
  /** Samples that the classifier puts into each class. */
  readonly classes: readonly number[];
  readonly images: number;
  /** Processor time of the training. */
  readonly seconds: number;
  readonly failed: boolean;
}

/** Features of the test images, once for all cells. */
export interface Judge {
  readonly sha256: string;
  readonly images: number;
  readonly figures: (
    images: Tensor,
  ) => Promise<Omit<ImageFigures, "seconds" | "failed" | "images">>;
  readonly release: () => Promise<void>;
}

export async function judgeBy(
  model: Uint8Array<ArrayBuffer>,
  { test }: Dataset,
  threads: number,
): Promise<Judge> {
  const extractor = await createFeatureExtractor(model, { threads });
  const { shape, data } = test.columns.image as unknown as {
    shape: number[];
    data: Uint8Array<ArrayBuffer>;
  };
  const images = Math.min(10000, test.length);
  const size = data.length / test.length;
  const given = {
    dtype: "uint8",
    shape: [images, ...shape],
    data: data.subarray(0, images * size),
  };
  const real = await extractor.features(given as Tensor);
  return {
    ...{ sha256: extractor.sha256, images },
    figures: async (drawn) => {
      const { features, logits } = await extractor.extract(drawn);
      const found = await sampleFigures(real, features, { seed: 0, threads });
      const { frechetDistance, kernelDistance, precision, recall, density, coverage } = found;
      return {
        ...{ frechetDistance, kernelDistance, precision, recall, density, coverage },
        classes: logits === undefined ? [] : classCounts(logits),
      };
    },
    release: () => extractor.release(),
  };
}

const nothing = {
  ...{ frechetDistance: 0, kernelDistance: 0, precision: 0, recall: 0, density: 0, coverage: 0 },
  classes: [],
};

/** Trains, draws as many images as there are to compare with, and keeps the first 64 as `samples.npy`. */
export const imageCell = (
  folder: string,
  judge: Judge,
  settings: {
    readonly dataset: Dataset;
    readonly options: Readonly<Record<string, unknown>>;
    readonly steps: number;
    readonly batchSize: number;
    readonly seed: number;
    readonly threads: number;
  },
): Promise<ImageFigures> =>
  cellOf(folder, async () => {
    const { dataset, options, steps, batchSize, seed, threads } = settings;
    const { result: model, seconds } = await processorSeconds(() =>
      train("gan", { data: dataset, folder, steps, batchSize, seed, threads, options }).catch(
        (error: Error) => {
          if (/finite/.test(error.message)) return undefined;
          throw error;
        },
      ),
    );
    const about = { images: judge.images, seconds };
    if (model === undefined) return { ...nothing, ...about, failed: true };
    const sample = await compileFunction(model.method, "sample", model.weights, { threads });
    const { image } = (await sampleRows(sample, judge.images, { seed: 1 })) as { image: Tensor };
    await sample.release();
    const [rows = 1, ...shape] = image.shape;
    const kept = Math.min(64, rows);
    const first = image.data.subarray(
      0,
      (kept * image.data.length) / rows,
    ) as Float32Array<ArrayBuffer>;
    const shown: Tensor = { dtype: "float32", shape: [kept, ...shape], data: first };
    await writeFile(`${folder}/samples.npy`, encodeNpy(shown));
    return { ...(await judge.figures(image)), ...about, failed: false };
  });
