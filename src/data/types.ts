import type { DType, TypedArray } from "../tensor/index.ts";

/** One quantity of every sample: for example the images or the labels of a split. */
export interface Column {
  readonly dtype: DType;
  /** Shape of one sample: [C, H, W] of an image, [] of a label. */
  readonly shape: readonly number[];
  /** Row-major, [length, ...shape]. */
  readonly data: TypedArray;
}

/** Samples as columns of equal length. Images are uint8 `image` [C, H, W], labels int32 `label` []. */
export interface Split {
  readonly length: number;
  readonly columns: Readonly<Record<string, Column>>;
}

export type SplitName = "train" | "validation" | "test";

/** Where a data set comes from and under which terms. */
export interface Card {
  readonly title: string;
  readonly license: string;
  readonly source: string;
  readonly citation: string;
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
}

/** Options that only folders of images need. */
export interface ImageOptions {
  /** Resize every image to this many pixels in height and width (the middle is kept). */
  readonly imageSize?: number;
  /** 1 is grey, 3 is red, green, blue. Default: 1 if every image is grey, else 3. */
  readonly channels?: 1 | 3;
}
