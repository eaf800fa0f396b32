import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import type { LoadOptions } from "../data/index.ts";
import { parseColumnList } from "../data/table-columns.ts";
import { tokenizerKinds } from "../text/tokenizer-file.ts";
import { defaultPairs } from "./reflow.ts";
import { integerOption } from "./verb.ts";

const columnsOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text) => {
    const names = parseColumnList(text);
    if (names.length === 0) throw new InvalidArgumentError("It must be names with commas between.");
    return names;
  });

export const unreadableOption = (): Option =>
  new Option(
    "--unreadable <how>",
    "files of a folder that are no images, or damaged ones (default: refuse)",
  ).choices(["refuse", "skip"]);

/** Flags of folders of images that are not all alike. */
export const folderFlags = (): Option[] => [
  unreadableOption(),
  new Option(
    "--unlike <how>",
    "images of a folder of another size or colour than most (default: refuse other sizes, colour grey ones)",
  ).choices(["refuse", "skip"]),
];

/** A kind goes before a folder of the same name, as a data set does: ./words is the folder. */
const tokenizerName = (text: string): string => {
  const isKind = tokenizerKinds.some((kind) => kind === text);
  const isPath = !isKind && (text.endsWith(".json") || existsSync(text));
  return isPath ? resolve(text) : text;
};

/** The flags that say how data is read and divided. */
export const dataFlags = (): Option[] => [
  integerOption("--validation <n>", "samples kept from training (default: a twelfth)", 0),
  integerOption("--limit <n>", "use at most this many samples of each split"),
  new Option("--binarize <how>", "pixels to black and white once, before training").choices([
    "none",
    "fixed",
    "threshold",
  ]),
  integerOption("--image-size <n>", "resize images of a folder to this height and width"),
  integerOption("--channels <n>", "1 makes images of a folder grey, 3 coloured"),
  ...folderFlags(),
  columnsOption("--columns <a,b,…>", "features of a table, in this order (default: all others)"),
  columnsOption("--ignore-columns <a,b,…>", "columns of a table to leave out"),
  new Option("--label-column <name>", "column of a table with classes, for figures and pictures"),
  new Option("--weight-column <name>", "column of a table with weights of the rows"),
  new Option(
    "--dtype <type>",
    "of numbers that are not images (default: float64 of tables)",
  ).choices(["float32", "float64"]),
  integerOption("--terms <n>", "size of the vocabulary of documents (default: 2000)"),
  new Option(
    "--tokenizer <kind>",
    "read text by characters, bytes, bpe or words, or by the tokenizer.json of a run (default: characters); or images by the folder of a run of fsq or vq-vae",
  ).argParser(tokenizerName),
  new Option(
    "--autoencoder <run>",
    "read images as latents by the folder of a run of gaussian-vae, introvae, fsq or vq-vae",
  ).argParser((text) => resolve(text)),
  new Option(
    "--reflow <run>",
    "train on noise and what a run of diffusion makes of it, in place of its data",
  ).argParser((text) => resolve(text)),
  integerOption("--pairs <n>", `of noise and samples of --reflow (default: ${defaultPairs})`),
  integerOption("--vocabulary <n>", "tokens of bpe or words (default: 4096)"),
  integerOption("--context <n>", "tokens of text that are read at once (default: 128)"),
  new Option("--unknown-token", "one token for characters that the training text lacks"),
  integerOption("--toy-size <n>", "points for training and validation of a generated data set"),
];

/** Those of the flags above that were given, as options of `loadDataset`. */
export const dataOptionsOf = (given: Readonly<Record<string, unknown>>): Partial<LoadOptions> =>
  Object.fromEntries(
    dataFlags()
      .map((flag) => flag.attributeName())
      .filter((name) => given[name] !== undefined)
      .map((name) => [name, given[name]]),
  );
