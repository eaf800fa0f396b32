// Representations of one data set: how each is trained, and its vectors.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { compileFunction, type Dataset, loadDataset, type TrainSettings, train } from "reparam";
import { takeSamples } from "reparam/data";
import { decodeSafetensors, encodeSafetensors, mapSplit, rowsOf } from "reparam/run";
import { elementCount, type Tensor } from "reparam/tensor";

export interface Representation {
  readonly name: string;
  /** Absent for the pixels themselves. */
  readonly training?: { readonly method: string } & Pick<TrainSettings, "options" | "steps">;
}

export interface Setting {
  readonly data: string;
  readonly latents: number;
  readonly epochs: number;
  /** Training images whose vectors serve the classifiers. */
  readonly labelled: number;
  /** Folder of trained runs. */
  readonly root: string;
  readonly threads: number;
}

/** What is compared; `quick` steps in place of the epochs. */
export const representations = (latents: number): readonly Representation[] => {
  const infomax = (name: string, options: object, steps?: number): Representation => ({
    name,
    training: {
      method: "deep-infomax",
      options: { latents, ...options },
      ...(steps === undefined ? {} : { steps }),
    },
  });
  const vae = {
    network: "convolutional",
    latents,
    width: Math.max(2, latents / 2),
    hidden: 4 * latents,
  };
  return [
    infomax("both", {}),
    infomax("local", { globalWeight: 0 }),
    infomax("global", { localWeight: 0 }),
    // Local features that see 10 pixels and not 22, on a map twice as fine.
    infomax("finer local", { globalWeight: 0, mapHalvings: 2 }),
    infomax("InfoNCE local", { globalWeight: 0, critic: "dot", objective: "infonce" }),
    { name: "vae", training: { method: "gaussian-vae", options: vae } },
    // Only the averages of batch norm move at this rate.
    infomax("random encoder", { learningRate: 1e-12 }, 100),
    { name: "pixels" },
  ];
};

/** A representation's name in paths. */
export const fileName = (name: string): string => name.replaceAll(/\W+/g, "-").toLowerCase();

export const loadImages = (data: string): Promise<Dataset> => loadDataset(data);

export interface Vectors {
  /** [N, D] */
  readonly train: Tensor;
  readonly test: Tensor;
  /** Of the training, 0 where there was none or it is not known. */
  readonly seconds: number;
}

/** The vectors of the first training and of all test images; trained once, then read. */
export async function represent(
  { name, training }: Representation,
  seed: number,
  dataset: Dataset,
  setting: Setting,
): Promise<Vectors> {
  const { labelled, root, threads, epochs } = setting;
  const count = Math.min(labelled, dataset.train.length);
  const some = takeSamples(
    dataset.train,
    Uint32Array.from({ length: count }, (_, i) => i),
  );
  if (training === undefined) {
    const pixels = (split: Dataset["train"]): Tensor => {
      const { image } = rowsOf(split, 0, split.length) as { image: Tensor };
      const size = elementCount(image.shape.slice(1));
      const data = Float32Array.from(image.data as Uint8Array, (byte) => byte / 255);
      return { dtype: "float32", shape: [split.length, size], data };
    };
    return { train: pixels(some), test: pixels(dataset.test), seconds: 0 };
  }
  const folder = `${root}/${fileName(name)}-seed${seed}`;
  const file = `${folder}/vectors.safetensors`;
  if (existsSync(file)) {
    const { tensors, metadata } = decodeSafetensors(await readFile(file), file);
    const [own, test] = [tensors.get("train") as Tensor, tensors.get("test") as Tensor];
    return { train: own, test, seconds: Number(metadata.seconds) };
  }
  console.error(`${name}, seed ${seed} …`);
  await mkdir(folder, { recursive: true });
  const { method, options, steps } = training;
  const start = performance.now();
  const model = await train(method, {
    ...{ data: dataset, seed, folder, threads, options: options ?? {}, batchSize: 64 },
    ...(steps === undefined ? { epochs } : { steps }),
  });
  const seconds = (performance.now() - start) / 1000;
  const encode = await compileFunction(model.method, "encode", model.weights, { threads });
  const codes = async (split: Dataset["train"]): Promise<Tensor> =>
    (await mapSplit(encode, split)).latent as Tensor;
  const vectors = { train: await codes(some), test: await codes(dataset.test) };
  await encode.release();
  const tensors = new Map(Object.entries(vectors));
  await writeFile(file, encodeSafetensors({ tensors, metadata: { seconds: String(seconds) } }));
  return { ...vectors, seconds };
}

/** The classes of the first rows of a split. */
export const labelsOf = (split: Dataset["train"], count: number): number[] =>
  Array.from({ length: Math.min(count, split.length) }, (_, i) =>
    Number(split.columns.label?.data[i]),
  );
