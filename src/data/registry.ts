import { readdir, stat } from "node:fs/promises";
import { ReparamError } from "../tensor/index.ts";
import { arithmetic, makeArithmetic } from "./arithmetic.ts";
import {
  type CacheOptions,
  damagedFiles,
  datasetFolder,
  fetchInto,
  missingFiles,
  type Recipe,
} from "./cache.ts";
import { cifar10 } from "./cifar10.ts";
import { fashionMnist } from "./fashion.ts";
import { hasImages, loadFolder } from "./folder.ts";
import { loadIdxFolder } from "./idx-folder.ts";
import { iris } from "./iris.ts";
import { mnist } from "./mnist.ts";
import { penguins } from "./penguins.ts";
import { stateOfTheUnion } from "./state-of-the-union.ts";
import { isTableName, loadTableFile } from "./table-file.ts";
import { textDataset } from "./text.ts";
import { hasTexts, isTextName, loadTexts } from "./text-files.ts";
import { makeToy, type ToyOptions, toys } from "./toys.ts";
import type {
  Card,
  CorpusOptions,
  Dataset,
  ImageOptions,
  SplitOptions,
  TableOptions,
  TextOptions,
} from "./types.ts";

const recipes: readonly Recipe[] = [mnist, fashionMnist, cifar10, penguins, iris, stateOfTheUnion];

/** Data sets without files. */
const generated = [...toys, arithmetic];

const knownNames = (): string => [...recipes, ...generated].map(({ name }) => name).join(", ");

export type LoadOptions = SplitOptions &
  ImageOptions &
  TableOptions &
  CorpusOptions &
  TextOptions &
  ToyOptions &
  CacheOptions;

type Kind = "images" | "table" | "documents" | "text" | "points" | "sequences";

/** What each kind of data is, and the options that only some kinds have. */
const kinds: Readonly<Record<Kind, { what: string; options: readonly (keyof LoadOptions)[] }>> = {
  images: {
    what: "images",
    options: ["binarize", "imageSize", "channels", "unreadable", "unlike"],
  },
  table: {
    what: "a table",
    options: ["columns", "ignoreColumns", "labelColumn", "weightColumn", "dtype"],
  },
  documents: { what: "documents", options: ["terms", "dtype"] },
  text: { what: "text", options: ["tokenizer", "vocabulary", "context", "unknownToken"] },
  points: { what: "points", options: ["toySize", "dtype"] },
  sequences: { what: "sequences of symbols", options: ["toySize"] },
};

/** Whether data are to be read token by token, where they can be read otherwise. */
const wantsText = (options: LoadOptions): boolean =>
  kinds.text.options.some((option) => options[option] !== undefined);

/** Throws for an option that says nothing about data of this kind. */
function checkOptions(name: string, kind: Kind, options: LoadOptions): void {
  const own = new Set(kinds[kind].options);
  for (const { what, options: others } of Object.values(kinds)) {
    const given = others.find((option) => {
      const value = options[option];
      return !own.has(option) && value !== undefined && value !== "none";
    });
    if (given === undefined) continue;
    const instead = what === "text" ? ", or give text, such as FILE.txt" : "";
    throw new ReparamError(
      `${name} has ${kinds[kind].what}, not ${what}. Leave out ${given}${instead}.`,
    );
  }
}

function recipeOf(name: string): Recipe {
  const recipe = recipes.find((candidate) => candidate.name === name);
  if (generated.some((made) => made.name === name)) {
    throw new ReparamError(`${name} is generated when it is used: there are no files to fetch.`);
  }
  if (recipe === undefined) {
    throw new ReparamError(`there is no data set "${name}". Known are ${knownNames()}.`);
  }
  return recipe;
}

/**
 * A data set by name, fetched into the cache on first use or generated, or by path: any folder of IDX files,
 * images or texts, a table (.csv, .tsv, .npy, .parquet, .json, .jsonl) or a text (.txt, .text, .md). With an
 * option of text, such as `tokenizer`, any file is one, and speeches are read token by token.
 * A name goes before a folder of the same name; `./mnist` is always the folder.
 */
export async function loadDataset(nameOrPath: string, options: LoadOptions = {}): Promise<Dataset> {
  const recipe = recipes.find(({ name }) => name === nameOrPath);
  if (recipe !== undefined) return loadRecipe(recipe, options);
  const toy = toys.find(({ name }) => name === nameOrPath);
  if (toy !== undefined) {
    checkOptions(toy.name, "points", options);
    return makeToy(toy, options);
  }
  if (nameOrPath === arithmetic.name) {
    checkOptions(nameOrPath, "sequences", options);
    return makeArithmetic(options);
  }
  const found = nameOrPath === "" ? undefined : await stat(nameOrPath).catch(() => undefined);
  if (found === undefined) {
    throw new ReparamError(
      isTableName(nameOrPath)
        ? `there is no file "${nameOrPath}". Check the path.`
        : `there is no data set or folder "${nameOrPath}". Known are ${knownNames()}, or a folder of IDX files, images or texts, or a table or text such as FILE.csv or FILE.txt.`,
    );
  }
  const kind = await kindOfPath(nameOrPath, found.isDirectory(), options);
  checkOptions(nameOrPath, kind, options);
  if (kind === "text") return loadTexts(nameOrPath, options);
  return kind === "images" ? loadFolder(nameOrPath, options) : loadTableFile(nameOrPath, options);
}

async function kindOfPath(path: string, isFolder: boolean, options: LoadOptions): Promise<Kind> {
  if (wantsText(options)) return "text";
  if (!isFolder) return isTextName(path) ? "text" : "table";
  return (await hasTexts(path)) && !(await hasImages(path)) ? "text" : "images";
}

/** Loads a data set of the cache; what is missing there, or has the wrong size, is fetched first. */
export async function loadRecipe(recipe: Recipe, options: LoadOptions = {}): Promise<Dataset> {
  const { name, card, classes, load, texts } = recipe;
  const readTexts = wantsText(options) ? texts : undefined;
  checkOptions(name, readTexts === undefined ? (recipe.kind ?? "images") : "text", options);
  const missing = await missingFiles(recipe, options.cache);
  if (missing.size > 0) await fetchInto(recipe, options);
  const folder = datasetFolder(name, options.cache);
  if (readTexts !== undefined) {
    return textDataset({ train: await readTexts(folder) }, { name, card }, options);
  }
  if (load !== undefined) return load(folder, options);
  const about = { name, card, ...(classes && { classes }) };
  return loadIdxFolder(folder, await readdir(folder), options, about);
}

/** What `listDatasets` tells about a data set. */
export interface DatasetInfo {
  readonly name: string;
  readonly card: Card;
  readonly cached: boolean;
  /** Made by seed when it is used; it has no files. */
  readonly generated: boolean;
  /** Where its files are, or would be. */
  readonly folder?: string;
  readonly files: readonly string[];
}

/** All data sets that have a name. */
export async function listDatasets(cache?: string): Promise<DatasetInfo[]> {
  const fetched = await Promise.all(
    recipes.map(async (recipe) => ({
      name: recipe.name,
      card: recipe.card,
      cached: (await missingFiles(recipe, cache)).size === 0,
      generated: false,
      folder: datasetFolder(recipe.name, cache),
      files: recipe.files.map(({ name }) => name),
    })),
  );
  const made = { cached: false, generated: true, files: [] };
  return [...fetched, ...generated.map(({ name, card }) => ({ name, card, ...made }))];
}

/** Fetches a data set into the cache even if it is there, and returns its folder. */
export async function fetchDataset(name: string, options: CacheOptions = {}): Promise<string> {
  return fetchInto(recipeOf(name), options);
}

/** A full check of a cached data set. `problems` says by file what is wrong; empty means all is well. */
export async function verifyDataset(
  name: string,
  cache?: string,
): Promise<{ folder: string; problems: ReadonlyMap<string, string> }> {
  const recipe = recipeOf(name);
  return { folder: datasetFolder(name, cache), problems: await damagedFiles(recipe, cache) };
}
