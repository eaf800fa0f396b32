import { basename, join } from "node:path";
import { type Column, type Dataset, makeSplit, type Split } from "../data/index.ts";
import type { ImageTokenizer } from "../step/index.ts";
import { ReparamError, type Shape, type Tensor } from "../tensor/index.ts";
import { makeFolder, readBytes, writeAtomic } from "./atomic.ts";
import { compileFunction } from "./compile-function.ts";
import { type RunConfig, writeConfig } from "./config.ts";
import { mapSplit } from "./functions.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

/** Images as tokens: a column `tokens` int32 [h, w] in place of `image`, and what made it. */
export interface TokenDataset extends Dataset {
  readonly imageTokenizer: ImageTokenizer;
}

export interface TokenOptions {
  /** Default 2. */
  readonly threads?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * A data set of images, read by a trained tokenizer: every image is encoded once, and labels are kept. Throws if the
 * tokenizer does not encode, or not such images.
 */
export async function encodeDataset(
  { method, weights }: ImageTokenizer,
  dataset: Dataset,
  { threads = 2, onProgress = () => undefined }: TokenOptions = {},
): Promise<TokenDataset> {
  if (method.functions.encode?.build === undefined || !("tokens" in decodeInputs(method))) {
    throw new ReparamError(
      `${method.name} makes no tokens. Take a run of a tokenizer of images, such as fsq.`,
    );
  }
  const encode = await compileFunction(method, "encode", weights, { threads });
  const splits = [dataset.train, dataset.validation, dataset.test];
  const total = splits.reduce((sum, { length }) => sum + length, 0);
  let before = 0;
  const encoded = async (split: Split): Promise<Split> => {
    const { label } = split.columns;
    const rest = label === undefined ? {} : { label };
    if (split.length === 0) return { length: 0, columns: rest };
    const { tokens } = await mapSplit(encode, split, {
      onProgress: (done) => onProgress(before + done, total),
    });
    before += split.length;
    return makeSplit({ tokens: columnOf(tokens as Tensor), ...rest });
  };
  try {
    const [train, validation, test] = [
      await encoded(dataset.train),
      await encoded(dataset.validation),
      await encoded(dataset.test),
    ];
    return { ...dataset, train, validation, test, imageTokenizer: { method, weights } };
  } finally {
    await encode.release();
  }
}

const decodeInputs = ({ functions }: ImageTokenizer["method"]): object =>
  functions.decode?.inputs ?? {};

const columnOf = ({ dtype, shape, data }: Tensor): Column => ({
  dtype,
  shape: shape.slice(1) as number[],
  data,
});

const tokensFile = (folder: string): string => join(folder, "tokens.safetensors");

/** Where a run keeps the tokenizer that its data were read by: a run of its own. */
export const tokenizerFolder = (folder: string): string => join(folder, "tokenizer");

const splitNames = ["train", "validation", "test"] as const;

/**
 * Writes the tokens of a run beside its config, and a copy of the tokenizer's run: the training goes on, and images are
 * drawn, without the data set and without the run that the tokenizer comes from.
 */
export async function writeTokens(
  folder: string,
  dataset: TokenDataset,
  tokenizer: { readonly config: RunConfig; readonly checkpoint: string; readonly image: Shape },
): Promise<void> {
  const inside = tokenizerFolder(folder);
  await makeFolder(join(inside, "checkpoints"));
  await writeConfig(inside, tokenizer.config);
  const { checkpoint } = tokenizer;
  await writeAtomic(join(inside, "checkpoints", basename(checkpoint)), await readBytes(checkpoint));
  const tensors = new Map<string, Tensor>();
  for (const name of splitNames) {
    const { length, columns } = dataset[name];
    for (const [column, { dtype, shape, data }] of Object.entries(columns)) {
      tensors.set(`${name}.${column}`, { dtype, shape: [length, ...shape], data });
    }
  }
  const { name, card, classes } = dataset;
  const about = JSON.stringify({ name, card, classes, image: tokenizer.image });
  // The last file: where it is missing, the images are read again.
  await writeAtomic(tokensFile(folder), encodeSafetensors({ tensors, metadata: { about } }));
}

interface StoredTokens {
  readonly dataset: Dataset;
  /** Shape of the images that they stand for, [C, H, W]. */
  readonly image: Shape;
}

/** The tokens of a run, without their tokenizer; undefined where it has none. Throws if the file is damaged. */
export async function readTokens(folder: string): Promise<StoredTokens | undefined> {
  const path = tokensFile(folder);
  const bytes = await readBytes(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const { image, ...about } = JSON.parse(metadata.about ?? "{}") as StoredTokens & Dataset;
  const splitOf = (name: string): Split => {
    const columns: Record<string, Column> = {};
    for (const [key, tensor] of tensors) {
      const [split, column = ""] = key.split(".", 2);
      if (split === name) columns[column] = columnOf(tensor);
    }
    return makeSplit(columns);
  };
  const [train, validation, test] = splitNames.map(splitOf) as [Split, Split, Split];
  return { dataset: { ...about, train, validation, test }, image };
}
