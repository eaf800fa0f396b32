// One training of `gan` on images, and how its samples compare with the test images.
import { writeFile } from "node:fs/promises";
import { type Dataset, train } from "reparam";
import { encodeNpy } from "reparam/data";
import { classCounts } from "reparam/metrics";
import { cellOf, processorSeconds } from "../figures/cells.ts";
import { type Figures, firstRows, type Judge, samplesOf } from "../figures/judge.ts";

export interface ImageFigures extends Figures {
  /** Samples that the classifier puts into each class. */
  readonly classes: readonly number[];
  readonly images: number;
  /** Processor time of the training. */
  readonly seconds: number;
  readonly failed: boolean;
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
    const image = await samplesOf(model, judge.images, { threads });
    await writeFile(`${folder}/samples.npy`, encodeNpy(firstRows(image, 64)));
    const { figures, logits } = await judge.compare(image);
    return { ...figures, classes: classCounts(logits), ...about, failed: false };
  });
