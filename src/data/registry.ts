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
import { mnist } from "./mnist.ts";
import { makeToy, type ToyOptions, toys } from "./toys.ts";
import type { Card, Dataset, ImageOptions, SplitOptions } from "./types.ts";

const recipes: readonly Recipe[] = [mnist, fashionMnist];

const knownNames = (): string => [...recipes, ...toys].map(({ name }) => name).join(", ");

export type LoadOptions = SplitOptions & ImageOptions & ToyOptions & CacheOptions;

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
 * A data set by name, fetched into the cache on first use or generated, or any folder of IDX files or
 * images by path.
 * A name goes before a folder of the same name; `./mnist` is always the folder.
 */
export async function loadDataset(nameOrPath: string, options: LoadOptions = {}): Promise<Dataset> {
  const recipe = recipes.find(({ name }) => name === nameOrPath);
  if (recipe !== undefined) return loadRecipe(recipe, options);
  const toy = toys.find(({ name }) => name === nameOrPath);
  if (toy !== undefined) return makeToy(toy, options);
  if (nameOrPath === "" || (await stat(nameOrPath).catch(() => undefined)) === undefined) {
    throw new ReparamError(
      `there is no data set or folder "${nameOrPath}". Known are ${knownNames()}, or a folder of IDX files or images.`,
    );
  }
  return loadFolder(nameOrPath, options);
}

/** Loads a data set of the cache; what is missing there, or has the wrong size, is fetched first. */
export async function loadRecipe(recipe: Recipe, options: LoadOptions = {}): Promise<Dataset> {
  const missing = await missingFiles(recipe, options.cache);
  if (missing.size > 0) await fetchInto(recipe, options);
  const folder = datasetFolder(recipe.name, options.cache);
  const { name, card, classes } = recipe;
  return loadIdxFolder(folder, await readdir(folder), options, { name, card, classes });
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
