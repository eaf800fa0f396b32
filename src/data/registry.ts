import { readdir, stat } from "node:fs/promises";
import { ReparamError } from "../tensor/index.ts";
import {
  type CacheOptions,
  damagedFiles,
  datasetFolder,
  fetchInto,
  missingFiles,
  type Recipe,
} from "./cache.ts";
import { fashionMnist } from "./fashion.ts";
import { loadFolder } from "./folder.ts";
import { loadIdxFolder } from "./idx-folder.ts";
import { iris } from "./iris.ts";
import { mnist } from "./mnist.ts";
import { penguins } from "./penguins.ts";
import { stateOfTheUnion } from "./state-of-the-union.ts";
import { isTableName, loadTableFile } from "./table-file.ts";
import { makeToy, type ToyOptions, toys } from "./toys.ts";
import type {
  Card,
  CorpusOptions,
  Dataset,
  ImageOptions,
  SplitOptions,
  TableOptions,
} from "./types.ts";

const recipes: readonly Recipe[] = [mnist, fashionMnist, penguins, iris, stateOfTheUnion];

const knownNames = (): string => [...recipes, ...toys].map(({ name }) => name).join(", ");

export type LoadOptions = SplitOptions &
  ImageOptions &
  TableOptions &
  CorpusOptions &
  ToyOptions &
  CacheOptions;

type Kind = "images" | "table" | "documents" | "points";

/** What each kind of data is, and the options that only some kinds have. */
const kinds: Readonly<Record<Kind, { what: string; options: readonly (keyof LoadOptions)[] }>> = {
  images: { what: "images", options: ["binarize", "imageSize", "channels"] },
  table: {
    what: "a table",
    options: ["columns", "ignoreColumns", "labelColumn", "weightColumn", "dtype"],
  },
  documents: { what: "documents", options: ["terms", "dtype"] },
  points: { what: "points", options: ["toySize", "dtype"] },
};

/** Throws for an option that says nothing about data of this kind. */
function checkOptions(name: string, kind: Kind, options: LoadOptions): void {
  const own = new Set(kinds[kind].options);
  for (const { what, options: others } of Object.values(kinds)) {
    const given = others.find((option) => {
      const value = options[option];
      return !own.has(option) && value !== undefined && value !== "none";
    });
    if (given === undefined) continue;
    throw new ReparamError(`${name} has ${kinds[kind].what}, not ${what}. Leave out ${given}.`);
  }
}

function recipeOf(name: string): Recipe {
  const recipe = recipes.find((candidate) => candidate.name === name);
  if (toys.some((toy) => toy.name === name)) {
    throw new ReparamError(`${name} is generated when it is used: there are no files to fetch.`);
  }
  if (recipe === undefined) {
    throw new ReparamError(`there is no data set "${name}". Known are ${knownNames()}.`);
  }
  return recipe;
}

/**
 * A data set by name, fetched into the cache on first use or generated, or by path: any folder of IDX files
 * or images, or a table (.csv, .tsv, .npy, .parquet, .json, .jsonl).
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
  const found = nameOrPath === "" ? undefined : await stat(nameOrPath).catch(() => undefined);
  if (found === undefined) {
    throw new ReparamError(
      isTableName(nameOrPath)
        ? `there is no file "${nameOrPath}". Check the path.`
        : `there is no data set or folder "${nameOrPath}". Known are ${knownNames()}, or a folder of IDX files or images, or a table such as FILE.csv.`,
    );
  }
  const kind = found.isDirectory() ? "images" : "table";
  checkOptions(nameOrPath, kind, options);
  return kind === "images" ? loadFolder(nameOrPath, options) : loadTableFile(nameOrPath, options);
}

/** Loads a data set of the cache; what is missing there, or has the wrong size, is fetched first. */
export async function loadRecipe(recipe: Recipe, options: LoadOptions = {}): Promise<Dataset> {
  const { name, card, classes, kind = "images", load } = recipe;
  checkOptions(name, kind, options);
  const missing = await missingFiles(recipe, options.cache);
  if (missing.size > 0) await fetchInto(recipe, options);
  const folder = datasetFolder(name, options.cache);
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
  return [...fetched, ...toys.map(({ name, card }) => ({ name, card, ...made }))];
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
