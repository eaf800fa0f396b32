// Images read by a trained autoencoder: as tokens, `--tokenizer RUN`, or as latents, `--autoencoder RUN`.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Dataset, LoadOptions } from "../data/index.ts";
import { findMethod } from "../methods/catalogue.ts";
import type { Checkpoint, EncodedDataset, RunConfig } from "../run/index.ts";
import { functionOf } from "../step/function.ts";
import type { Autoencoder, DataShape } from "../step/index.ts";
import { dim, ReparamError } from "../tensor/index.ts";
import { tokenizerKinds } from "../text/tokenizer-file.ts";
import { parseOptions } from "./method-flags.ts";

type Data = RunConfig["data"];

/** A kind of tokenizer of text is no folder, whatever is called so. */
const isRun = (path: string): boolean =>
  !tokenizerKinds.some((kind) => kind === path) && existsSync(join(path, "config.json"));

/** The run that is to read images, if one is. */
export const readerOf = ({ tokenizer, autoencoder }: Data): string | undefined =>
  autoencoder ?? (tokenizer !== undefined && isRun(tokenizer) ? tokenizer : undefined);

export const isEncoded = (dataset: Dataset): dataset is EncodedDataset => "autoencoder" in dataset;

/** The data that an autoencoder was trained on, as they were loaded; undefined where tokens are to be those of text. */
export async function imagesOfAutoencoder({
  tokenizer,
  autoencoder,
}: Partial<Data>): Promise<Data | undefined> {
  if (tokenizer !== undefined && autoencoder !== undefined) {
    throw new ReparamError("--tokenizer and --autoencoder exclude each other. Give one.");
  }
  const path = tokenizer ?? autoencoder;
  if (path === undefined) return undefined;
  if (!isRun(path)) {
    const flag = autoencoder === undefined ? "tokenizer" : "autoencoder";
    if (flag === "tokenizer" && (!/[/\\]/.test(path) || path.endsWith(".json"))) return undefined;
    throw new ReparamError(`--${flag} ${path}: there is no run. Name the folder of one.`);
  }
  const { readConfig } = await import("../run/index.ts");
  const { samples: _, ...data } = (await readConfig(path)).data;
  return data;
}

/** What an autoencoder's run has learned. Throws if that is nothing yet. */
async function newestWeights(
  folder: string,
): Promise<{ readonly config: RunConfig; readonly checkpoint: Checkpoint }> {
  const { newestCheckpoint, readConfig } = await import("../run/index.ts");
  const config = await readConfig(folder);
  const checkpoint = await newestCheckpoint(folder);
  if (checkpoint === undefined) {
    throw new ReparamError(`${folder} has no checkpoint yet. Train it: reparam resume ${folder}`);
  }
  return { config, checkpoint };
}

/** The autoencoder of a run, for data of this shape. */
async function openAutoencoder(folder: string, shape: DataShape): Promise<Autoencoder> {
  const { weightsOf } = await import("../step/index.ts");
  const { config, checkpoint } = await newestWeights(folder);
  const definition = await findMethod(config.method);
  const method = definition.create(parseOptions(definition, config.options), shape);
  if (checkpoint.position.phase !== method.phases.length - 1) {
    throw new ReparamError(
      `${folder} is not in its last phase yet. Train on: reparam resume ${folder}`,
    );
  }
  return { method, weights: weightsOf(method, checkpoint.state) };
}

/** Loads images, and reads them by the run that the data name. */
export async function loadEncoded(data: Data): Promise<EncodedDataset> {
  const { dataShape, encodeDataset } = await import("../run/index.ts");
  const dataset = await loadImages(data);
  const opened = await openAutoencoder(readerOf(data) as string, dataShape(dataset, 1));
  return encodeDataset(opened, dataset, {
    codes: data.autoencoder === undefined ? "tokens" : "latent",
  });
}

/** The images themselves. */
async function loadImages(data: Data): Promise<Dataset> {
  const { loadDataset } = await import("../data/index.ts");
  const { tokenizer: _, autoencoder: __, samples: ___, name, ...options } = data;
  return loadDataset(name, options as LoadOptions);
}

/** The data of a run, or the images that its codes stand for. */
export const shownData = (dataset: Dataset, { data }: RunConfig): Promise<Dataset> =>
  isEncoded(dataset) ? loadImages(data) : Promise.resolve(dataset);

/** Keeps in a run's folder what its data are: the codes, and the run of the autoencoder. */
export async function keepEncoded(
  folder: string,
  dataset: EncodedDataset,
  data: Data,
): Promise<void> {
  const { writeEncoded } = await import("../run/index.ts");
  const { inputs } = functionOf(dataset.autoencoder.method, "encode");
  const image = inputs.image?.shape.slice(1) ?? [];
  const { config, checkpoint } = await newestWeights(readerOf(data) as string);
  await writeEncoded(folder, dataset, { config, checkpoint: checkpoint.path, image });
}

/** The codes that a run keeps in its folder, with their autoencoder; undefined for other runs. */
export async function openEncoded(folder: string): Promise<EncodedDataset | undefined> {
  const { readEncoded, autoencoderFolder } = await import("../run/index.ts");
  const stored = await readEncoded(folder);
  if (stored === undefined) return undefined;
  const { dataset, image, moments } = stored;
  const opened = await openAutoencoder(autoencoderFolder(folder), {
    columns: { image: { dtype: "uint8", shape: [dim("B"), ...image] } },
    ...{ trainSize: dataset.train.length, batchSize: 1, classes: dataset.classes },
  });
  return { ...dataset, autoencoder: { ...opened, ...(moments && { moments }) } };
}
