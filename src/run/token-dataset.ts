import { type Column, type Dataset, makeSplit, type Split } from "../data/index.ts";
import type { ImageTokenizer } from "../step/index.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { compileFunction, mapSplit } from "./functions.ts";

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
