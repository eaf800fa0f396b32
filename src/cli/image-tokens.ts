// Images read by a trained tokenizer: `--tokenizer RUN`.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Dataset, LoadOptions } from "../data/index.ts";
import { findMethod } from "../methods/catalogue.ts";
import type { Checkpoint, RunConfig, TokenDataset } from "../run/index.ts";
import { functionOf } from "../step/function.ts";
import type { DataShape, ImageTokenizer } from "../step/index.ts";
import { dim, ReparamError } from "../tensor/index.ts";
import { parseOptions } from "./method-flags.ts";

type Data = RunConfig["data"];

const isRun = (path: string): boolean => existsSync(join(path, "config.json"));

/** Whether the data are images that a tokenizer's run is to read. */
export const readsImages = ({ tokenizer }: Data): boolean =>
  tokenizer !== undefined && isRun(tokenizer);

export const isTokenData = (dataset: Dataset): dataset is TokenDataset =>
  "imageTokenizer" in dataset;

/** The data that a tokenizer was trained on, as they were loaded; undefined where tokens are to be those of text. */
export async function imagesOfTokenizer(path: string | undefined): Promise<Data | undefined> {
  if (path === undefined) return undefined;
  if (!isRun(path)) {
    if (!/[/\\]/.test(path) || path.endsWith(".json")) return undefined;
    throw new ReparamError(`--tokenizer ${path}: there is no run. Name the folder of one.`);
  }
  const { readConfig } = await import("../run/index.ts");
  const { samples: _, ...data } = (await readConfig(path)).data;
  return data;
}

/** What a tokenizer's run has learned. Throws if that is nothing yet. */
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

/** The tokenizer of a run, for data of this shape. */
async function openTokenizer(folder: string, shape: DataShape): Promise<ImageTokenizer> {
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

/** Loads images, and reads them by the tokenizer of the run that `tokenizer` names. */
export async function loadTokens({ tokenizer, ...images }: Data): Promise<TokenDataset> {
  const { dataShape, encodeDataset } = await import("../run/index.ts");
  const { loadDataset } = await import("../data/index.ts");
  const { name, samples: _, ...options } = images;
  const dataset = await loadDataset(name, options as LoadOptions);
  const opened = await openTokenizer(tokenizer as string, dataShape(dataset, 1));
  return encodeDataset(opened, dataset);
}

/** Keeps in a run's folder what its data are: the tokens, and the tokenizer's run. */
export async function keepTokens(
  folder: string,
  dataset: TokenDataset,
  { tokenizer = "" }: Data,
): Promise<void> {
  const { writeTokens } = await import("../run/index.ts");
  const { inputs } = functionOf(dataset.imageTokenizer.method, "encode");
  const image = inputs.image?.shape.slice(1) ?? [];
  const { config, checkpoint } = await newestWeights(tokenizer);
  await writeTokens(folder, dataset, { config, checkpoint: checkpoint.path, image });
}

/** The tokens that a run keeps in its folder, with their tokenizer; undefined for other runs. */
export async function openTokens(folder: string): Promise<TokenDataset | undefined> {
  const { readTokens, tokenizerFolder } = await import("../run/index.ts");
  const stored = await readTokens(folder);
  if (stored === undefined) return undefined;
  const { dataset, image } = stored;
  const { method, weights } = await openTokenizer(tokenizerFolder(folder), {
    columns: { image: { dtype: "uint8", shape: [dim("B"), ...image] } },
    ...{ trainSize: dataset.train.length, batchSize: 1, classes: dataset.classes },
  });
  return { ...dataset, imageTokenizer: { method, weights } };
}
