import type { DType, TypedArray } from "../tensor/index.ts";
import type { Tokenizer, TokenizerKind } from "../text/index.ts";

/** One quantity of every sample: for example the images or the labels of a split. */
export interface Column {
  readonly dtype: DType;
  /** Shape of one sample: [C, H, W] of an image, [] of a label. */
  readonly shape: readonly number[];
  /** Row-major, [length, ...shape]. Of a stored column this reads the whole file: use `readRows`. */
  readonly data: TypedArray;
  /** Where the rows are, if they stay on disk. */
  readonly stored?: StoredRows;
}

/** Rows of a file that is too large for the memory. */
export interface StoredRows {
  readonly length: number;
  /** Copies rows `start` … `start + count − 1` to the beginning of `into`, row-major. */
  read(start: number, count: number, into: TypedArray): void;
  /** The same for rows in any order; fast where neighbours in the order are near each other. */
  gather(rows: Uint32Array, into: TypedArray): void;
  /** The rows at `indices`, in that order, as stored rows again. */
  pick(indices: Uint32Array): StoredRows;
  /** Rows that are read at once, and how many such blocks are kept in memory. */
  readonly blockRows: number;
  readonly blocksKept: number;
  /** The rows of an epoch of training, where they are not the same in every epoch. */
  readonly inEpoch?: (draw: { readonly seed: number; readonly epoch: number }) => StoredRows;
}

/**
 * Samples as columns of equal length. Images are uint8 `image` [C, H, W], the numbers of a table float64 `x`
 * [D] (NaN where missing) and `weight` [], term counts of documents `counts` [V], windows of a text int32
 * `tokens` [context + 1], labels int32 `label` [].
 */
export interface Split {
  readonly length: number;
  readonly columns: Readonly<Record<string, Column>>;
  /** Of text: characters (Unicode code points) for each token, on average. */
  readonly charactersPerToken?: number;
}

export type SplitName = "train" | "validation" | "test";

/** Where a data set comes from and under which terms. */
export interface Card {
  readonly title: string;
  readonly license: string;
  readonly source: string;
  readonly citation: string;
}

/** Where a generated distribution has its mass: modes of one point each, or of several along a curve. */
export interface Modes {
  readonly modes: readonly (readonly (readonly number[])[])[];
  /** Standard deviation around every point. */
  readonly deviation: number;
}

/** Bytes as they were published; scaling to numbers is the first operation of a model's graph. */
export interface Dataset {
  readonly name: string;
  readonly card: Card;
  readonly train: Split;
  readonly validation: Split;
  readonly test: Split;
  /** Names of the classes by label, if samples have labels with names. */
  readonly classes?: readonly string[];
  /** Names of the entries of a column: the features of `x`, the terms of `counts`. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** Of a generated distribution that has any. */
  readonly modes?: Modes;
  /** Of text: what its tokens stand for. */
  readonly tokenizer?: Tokenizer;
  /** Files of a folder that are not among the samples, a line each: the path, and why. */
  readonly leftOut?: readonly string[];
}

export type Binarization = "none" | "fixed" | "threshold";

/** How the samples of a data set are divided and prepared. */
export interface SplitOptions {
  /**
   * Samples of the validation split, taken from the end of the training data; 0 leaves all for training.
   * Default: a twelfth of it (5000 of MNIST's 60000).
   */
  readonly validation?: number;
  /** Default "none": pixels stay bytes from 0 to 255. */
  readonly binarize?: Binarization;
  /** Of the binarisation and of random splits. Default 0. */
  readonly seed?: number;
  /** At most this many samples of each split, the first ones. */
  readonly limit?: number;
  /** Divide nothing: without a test part, all samples are the test, in their order. Default false. */
  readonly whole?: boolean;
}

/** Options that only folders of images need. */
export interface ImageOptions {
  /** Resize every image to this many pixels in height and width, or to a height and a width (the middle is kept). */
  readonly imageSize?: number | readonly [height: number, width: number];
  /** 1 is grey, 3 is red, green, blue. Default: 1 if every image is grey, else 3. */
  readonly channels?: 1 | 3;
  /** Files that cannot be decoded; "skip" leaves them out and names them. Default "refuse". */
  readonly unreadable?: "refuse" | "skip";
  /**
   * Images of another size or colour than most, where `imageSize` or `channels` does not make them equal. Default:
   * other sizes are refused, and grey images among coloured ones become coloured.
   */
  readonly unlike?: "refuse" | "skip";
}

/** Options of tables and of other numbers than images. */
export interface TableOptions {
  /** Features by name, in this order. Default: every column that has no other use; text is refused. */
  readonly columns?: readonly string[];
  /** Columns to leave out. */
  readonly ignoreColumns?: readonly string[];
  /** Classes, as text or numbers: they become `label`, and no feature. */
  readonly labelColumn?: string;
  /** Weights of the rows, at least 0: they become `weight`, and no feature. */
  readonly weightColumn?: string;
  /** Of `x`, `weight` and `counts`. Default: float64 of tables and documents, float32 of toys. */
  readonly dtype?: "float32" | "float64";
}

/** Options of documents. */
export interface CorpusOptions {
  /** Size of the vocabulary at most: the terms in the most training documents. Default 2000. */
  readonly terms?: number;
}

/** Options of text that is read token by token. */
export interface TextOptions {
  /**
   * What a token is: a character, a byte, or a piece of a word ("bpe") or a whole word in lower case ("words"), both
   * learned from the training text; or the
   * path of a `tokenizer.json` that another run made.
   */
  readonly tokenizer?: TokenizerKind | (string & {});
  /** Tokens of "bpe" or "words", the six special ones included. Default 4096. */
  readonly vocabulary?: number;
  /** Tokens that are read at once: a sample has `context` + 1. Default 128. */
  readonly context?: number;
  /** Characters that the training text lacks are one token, in place of an error. Default false. */
  readonly unknownToken?: boolean;
}
