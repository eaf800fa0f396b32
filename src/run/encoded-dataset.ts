import { basename, join } from "node:path";
import { type Column, type Dataset, makeSplit, type Split } from "../data/index.ts";
import type { Autoencoder, ModelFunction } from "../step/index.ts";
import { ReparamError, type Shape, type Tensor } from "../tensor/index.ts";
import { makeFolder, readBytes, writeAtomic } from "./atomic.ts";
import { compileDefinition } from "./compile-function.ts";
import { type RunConfig, writeConfig } from "./config.ts";
import { mapSplit } from "./functions.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

/** Images as codes: a column `tokens` int32 [h, w] or `latent` float32 in place of `image`, and what made it. */
export interface EncodedDataset extends Dataset {
  readonly autoencoder: Autoencoder;
}

export interface EncodingOptions {
  /** Tokens (default), or latents, which are standardised. */
  readonly codes?: "tokens" | "latent";
  /** Default 2. */
  readonly threads?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * A data set of images, read by a trained autoencoder: every image is encoded once, and labels are kept. Latents are
 * standardised by their moments over the training images. Throws if it has no such codes.
 */
export async function encodeDataset(
  { method, weights }: Autoencoder,
  dataset: Dataset,
  { codes = "tokens", threads = 2, onProgress = () => undefined }: EncodingOptions = {},
): Promise<EncodedDataset> {
  const definition = codes === "tokens" ? tokensOf(method) : latentsOf(method);
  const encode = await compileDefinition("encode", definition, weights, { threads });
  const splits = [dataset.train, dataset.validation, dataset.test];
  const total = splits.reduce((sum, { length }) => sum + length, 0);
  let before = 0;
  const encoded = async (split: Split): Promise<Split> => {
    const { label } = split.columns;
    const rest = label === undefined ? {} : { label };
    if (split.length === 0) return { length: 0, columns: rest };
    const outputs = await mapSplit(encode, split, {
      onProgress: (done) => onProgress(before + done, total),
    });
    before += split.length;
    return makeSplit({ [codes]: columnOf(outputs[codes] as Tensor), ...rest });
  };
  try {
    const [train, validation, test] = [
      await encoded(dataset.train),
      await encoded(dataset.validation),
      await encoded(dataset.test),
    ];
    const autoencoder =
      codes === "tokens" ? { method, weights } : { method, weights, moments: momentsOf(train) };
    for (const { columns } of [train, validation, test]) {
      if (columns.latent !== undefined) standardise(columns.latent, autoencoder.moments as Moments);
    }
    return { ...dataset, train, validation, test, autoencoder };
  } finally {
    await encode.release();
  }
}

function tokensOf({ name, functions }: Autoencoder["method"]): ModelFunction {
  const { encode, decode } = functions;
  if (encode !== undefined && decode?.inputs.tokens !== undefined) return encode;
  throw new ReparamError(
    `${name} makes no tokens. Take a run of a tokenizer of images, such as fsq.`,
  );
}

function latentsOf({ name, latents }: Autoencoder["method"]): ModelFunction {
  if (latents !== undefined) return latents.encode;
  throw new ReparamError(
    `${name} makes no real latents of images. Take a run of gaussian-vae, introvae, fsq or vq-vae.`,
  );
}

type Moments = NonNullable<Autoencoder["moments"]>;

/** Which mean and deviation the number at `i` of a column has: one a channel, or one a number. */
const placeOf = ({ shape }: Column): ((i: number) => number) => {
  const [channels = 1, ...grid] = shape;
  const plane = grid.reduce((product, size) => product * size, 1);
  return (i) => Math.floor(i / plane) % channels;
};

/** Over all rows and places of a grid. What never changes has the deviation 1. */
function momentsOf({ columns: { latent } }: Split): Moments {
  if (latent === undefined) throw new ReparamError("there are no images to train on.");
  const [channels = 1] = latent.shape;
  const data = latent.data as Float32Array;
  const place = placeOf(latent);
  const count = data.length / channels;
  const mean = new Array<number>(channels).fill(0);
  for (const [i, v] of data.entries()) mean[place(i)] = (mean[place(i)] as number) + v / count;
  const variance = new Array<number>(channels).fill(0);
  for (const [i, v] of data.entries()) {
    const at = place(i);
    variance[at] = (variance[at] as number) + (v - (mean[at] as number)) ** 2 / count;
  }
  return { mean, deviation: variance.map((v) => (v < 1e-12 ? 1 : Math.sqrt(v))) };
}

function standardise(latent: Column, { mean, deviation }: Moments): void {
  const data = latent.data as Float32Array;
  const place = placeOf(latent);
  for (const [i, v] of data.entries()) {
    data[i] = (v - (mean[place(i)] as number)) / (deviation[place(i)] as number);
  }
}

const columnOf = ({ dtype, shape, data }: Tensor): Column => ({
  dtype,
  shape: shape.slice(1) as number[],
  data,
});

const codesFile = (folder: string): string => join(folder, "codes.safetensors");

/** Where a run keeps the autoencoder that its data were read by: a run of its own. */
export const autoencoderFolder = (folder: string): string => join(folder, "autoencoder");

const splitNames = ["train", "validation", "test"] as const;

/**
 * Writes the codes of a run beside its config, and a copy of the autoencoder's run: the training goes on, and images are
 * drawn, without the data set and without the run that the autoencoder comes from.
 */
export async function writeEncoded(
  folder: string,
  dataset: EncodedDataset,
  from: { readonly config: RunConfig; readonly checkpoint: string; readonly image: Shape },
): Promise<void> {
  const inside = autoencoderFolder(folder);
  await makeFolder(join(inside, "checkpoints"));
  await writeConfig(inside, from.config);
  const { checkpoint, image } = from;
  await writeAtomic(join(inside, "checkpoints", basename(checkpoint)), await readBytes(checkpoint));
  const tensors = new Map<string, Tensor>();
  for (const name of splitNames) {
    const { length, columns } = dataset[name];
    for (const [column, { dtype, shape, data }] of Object.entries(columns)) {
      tensors.set(`${name}.${column}`, { dtype, shape: [length, ...shape], data });
    }
  }
  const { name, card, classes } = dataset;
  const { moments } = dataset.autoencoder;
  const about = JSON.stringify({ name, card, classes, image, moments });
  // The last file: where it is missing, the images are read again.
  await writeAtomic(codesFile(folder), encodeSafetensors({ tensors, metadata: { about } }));
}

interface StoredCodes {
  readonly dataset: Dataset;
  /** Shape of the images that they stand for, [C, H, W]. */
  readonly image: Shape;
  readonly moments?: Moments;
}

/** The codes of a run, without their autoencoder; undefined where it has none. Throws if the file is damaged. */
export async function readEncoded(folder: string): Promise<StoredCodes | undefined> {
  const path = codesFile(folder);
  const bytes = await readBytes(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const { image, moments, ...about } = JSON.parse(metadata.about ?? "{}") as StoredCodes & Dataset;
  const splitOf = (name: string): Split => {
    const columns: Record<string, Column> = {};
    for (const [key, tensor] of tensors) {
      const [split, column = ""] = key.split(".", 2);
      if (split === name) columns[column] = columnOf(tensor);
    }
    return makeSplit(columns);
  };
  const [train, validation, test] = splitNames.map(splitOf) as [Split, Split, Split];
  const dataset = { ...about, train, validation, test };
  return { dataset, image, ...(moments && { moments }) };
}
