import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { ReparamError } from "../tensor/index.ts";
import { gunzipIfPacked } from "./idx.ts";
import type { DataSource } from "./sources.ts";
import type { Card, CorpusOptions, Dataset, SplitOptions, TableOptions } from "./types.ts";

/** A file of a data set as it must be, unpacked. */
export interface PinnedFile {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal, of the unpacked bytes. */
  readonly sha256: string;
}

/** A data set known by name: its files, and the places that have them, in the order to try. */
export interface Recipe {
  readonly name: string;
  readonly card: Card;
  /** Default "images". */
  readonly kind?: "images" | "table" | "documents";
  readonly classes?: readonly string[];
  readonly files: readonly PinnedFile[];
  readonly sources: readonly DataSource[];
  /** Reads the files in `folder`. Default: a folder of IDX files. */
  readonly load?: (folder: string, options: RecipeOptions) => Promise<Dataset>;
  /** The texts in `folder`, one after the other, if it can be read token by token. */
  readonly texts?: (folder: string) => Promise<readonly string[]>;
}

/** What a data set of files may be asked for; each takes what suits it. */
export type RecipeOptions = SplitOptions & TableOptions & CorpusOptions;

export interface CacheOptions {
  /** Default: `cacheFolder()`. */
  readonly cache?: string;
  /** Hears what is being done, a line at a time. */
  readonly onProgress?: (message: string) => void;
}

type WriteFile = (path: string, bytes: Uint8Array) => Promise<void>;

/**
 * Where fetched data sets are kept: REPARAM_CACHE if set, else `reparam` in the user's cache folder
 * (XDG_CACHE_HOME or ~/.cache; on Windows LOCALAPPDATA).
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.REPARAM_CACHE) return resolve(env.REPARAM_CACHE);
  const windows = process.platform === "win32" ? env.LOCALAPPDATA : undefined;
  return join(windows || env.XDG_CACHE_HOME || join(homedir(), ".cache"), "reparam");
}

/** Where the files of a data set lie in the cache. */
export const datasetFolder = (name: string, cache = cacheFolder()): string => join(cache, name);

/** Why files of the data set cannot be used, by name; empty if all are there. Looks at sizes only. */
export async function missingFiles(recipe: Recipe, cache?: string): Promise<Map<string, string>> {
  const folder = datasetFolder(recipe.name, cache);
  const problems = new Map<string, string>();
  for (const { name, bytes } of recipe.files) {
    const size = await sizeOf(join(folder, name));
    if (size === bytes || (size === undefined && (await sizeOf(join(folder, `${name}.gz`)))))
      continue;
    problems.set(name, size === undefined ? "missing" : `has ${size} of ${bytes} bytes`);
  }
  return problems;
}

const sizeOf = async (path: string): Promise<number | undefined> =>
  (await stat(path).catch(() => undefined))?.size;

/** Reads every file in full and compares SHA-256; the problems found, by name. */
export async function damagedFiles(recipe: Recipe, cache?: string): Promise<Map<string, string>> {
  const problems = await missingFiles(recipe, cache);
  const folder = datasetFolder(recipe.name, cache);
  for (const file of recipe.files.filter(({ name }) => !problems.has(name))) {
    const plain = join(folder, file.name);
    const path = (await sizeOf(plain)) === undefined ? `${plain}.gz` : plain;
    try {
      checkFile(file, await gunzipIfPacked(await readFile(path), path));
    } catch (error) {
      problems.set(file.name, (error as Error).message);
    }
  }
  return problems;
}

/** The text of a file of the cache, packed or not. */
export async function readCached(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const packed = (await sizeOf(path)) === undefined ? `${path}.gz` : path;
  return new TextDecoder().decode(await gunzipIfPacked(await readFile(packed), packed));
}

function checkFile({ name, bytes, sha256 }: PinnedFile, content: Uint8Array): void {
  if (content.length !== bytes) {
    throw new ReparamError(`${name} has ${content.length} bytes, wanted ${bytes}`);
  }
  const found = createHash("sha256").update(content).digest("hex");
  if (found !== sha256) {
    throw new ReparamError(
      `${name} has SHA-256 ${found.slice(0, 12)}…, wanted ${sha256.slice(0, 12)}…`,
    );
  }
}

/**
 * Fetches a data set into the cache and returns its folder. Each file is checked, written beside its place,
 * synced and renamed, so that no reader ever sees a part of one, and two processes may fetch at once.
 * Throws when no source has the files (saying what to put where) or when they cannot be written.
 */
export async function fetchInto(
  recipe: Recipe,
  options: CacheOptions & { readonly writeFile?: WriteFile } = {},
): Promise<string> {
  const { cache = cacheFolder(), onProgress = () => {}, writeFile = writeSynced } = options;
  const folder = datasetFolder(recipe.name, cache);
  const reasons: string[] = [];
  for (const source of recipe.sources) {
    const work = join(cache, `.fetch-${process.pid}-${randomUUID()}`);
    try {
      await onDisk(cache, async () => {
        await mkdir(folder, { recursive: true });
        await removeStale(cache);
        await mkdir(work);
      });
      onProgress(`${recipe.name}: ${source.title}`);
      const contents = await checkedContents(recipe, source, work);
      await onDisk(cache, () => place(recipe, contents, work, folder, writeFile));
      onProgress(`${recipe.name}: ready in ${folder}`);
      return folder;
    } catch (error) {
      if (error instanceof DiskError) throw error;
      const why = (error as Error).message.split("\n")[0] ?? "";
      if (/ENOSPC|no space left/i.test(why)) throw diskError("ENOSPC", cache);
      reasons.push(`${source.title}: ${why.slice(0, 200)}`);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw await unavailable(recipe, folder, reasons, cache);
}

async function checkedContents(recipe: Recipe, source: DataSource, work: string) {
  const names = recipe.files.map(({ name }) => name);
  const packed = await source.get(names, work);
  const contents = new Map<string, Uint8Array>();
  for (const file of recipe.files) {
    const bytes = packed.get(file.name);
    if (bytes === undefined) throw new ReparamError(`it has no file ${file.name}`);
    const content = await gunzipIfPacked(bytes, file.name);
    checkFile(file, content);
    contents.set(file.name, content);
  }
  return contents;
}

async function place(
  recipe: Recipe,
  contents: ReadonlyMap<string, Uint8Array>,
  work: string,
  folder: string,
  writeFile: WriteFile,
): Promise<void> {
  for (const [name, content] of contents) await writeFile(join(work, `${name}.new`), content);
  for (const { name, bytes } of recipe.files) {
    try {
      await rename(join(work, `${name}.new`), join(folder, name));
    } catch (error) {
      // Windows does not replace a file that another process has open; theirs is as good as ours.
      if ((await sizeOf(join(folder, name))) !== bytes) throw error;
    }
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes what fetches that were killed a day ago or earlier left behind. */
async function removeStale(cache: string): Promise<void> {
  const day = 24 * 60 * 60 * 1000;
  for (const name of await readdir(cache)) {
    if (!name.startsWith(".fetch-")) continue;
    const found = await stat(join(cache, name)).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < day) continue;
    await rm(join(cache, name), { recursive: true, force: true });
  }
}

class DiskError extends ReparamError {}

async function onDisk(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw diskError(code ?? message, folder);
  }
}

function diskError(code: string, folder: string): DiskError {
  const full = code === "ENOSPC" || code === "EDQUOT";
  const why = full
    ? `no space left on the disk of ${folder}`
    : `cannot write in ${folder} (${code})`;
  const first = full ? "Free some space" : "Make it writable";
  return new DiskError(`${why}. ${first}, or set REPARAM_CACHE to another folder.`);
}

async function unavailable(
  recipe: Recipe,
  folder: string,
  reasons: readonly string[],
  cache: string,
): Promise<ReparamError> {
  const problems = await missingFiles(recipe, cache);
  const broken = [...problems].filter(([, why]) => why !== "missing");
  const state =
    broken.length > 0
      ? broken.map(([name, why]) => `${join(folder, name)} ${why}`).join(", ")
      : `${recipe.name} is not in the cache`;
  const wanted = [...problems.keys()].join(", ") || "the files";
  const last =
    recipe.load === undefined ? ", or name a folder that has them with --data FOLDER" : "";
  return new ReparamError(
    `${state}, and cannot be fetched (${reasons.join("; ")}). Put ${wanted} ` +
      `(or the same with .gz) into ${folder}${last}.`,
  );
}
