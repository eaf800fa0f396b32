import { promises as fs } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { RunRecord } from "../report/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { fileError, makeFolder, readBytes, writeAtomic } from "./atomic.ts";
import { type RunConfig, readConfig, writeConfig } from "./config.ts";
import { readMetrics } from "./metrics-log.ts";

/** A picture of a run, as a file below its folder. */
export interface PictureEntry {
  readonly file: string;
  readonly title: string;
  readonly caption: string;
  /** A plot, not a grid of images. */
  readonly plot?: boolean;
}

/** An exported model of a run, and how far its outputs are from the library's own. */
export interface ExportEntry {
  readonly file: string;
  readonly bytes: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly maxDifference: number;
}

/** `summary.json`: what was made from a run after its training. */
export interface Summary {
  readonly pictures: readonly PictureEntry[];
  readonly exports: readonly ExportEntry[];
  readonly timings: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

const emptySummary: Summary = { pictures: [], exports: [], timings: {}, notes: [] };

/** The first free of `runs/<method>-<data>-1`, `-2`, … below `root`. */
export async function freeRunFolder(method: string, data: string, root = "runs"): Promise<string> {
  const name = `${method}-${basename(resolve(data))}`.replaceAll(/[^\w.-]+/g, "-");
  const taken = new Set(await fs.readdir(root).catch(() => [] as string[]));
  let n = 1;
  while (taken.has(`${name}-${n}`)) n++;
  return join(root, `${name}-${n}`);
}

/**
 * Makes a run's folder with its config.json. Throws a ReparamError if the folder has anything in it.
 * Returns a function that takes back what was made, for a run that failed before its first step.
 */
export async function createRunFolder(
  folder: string,
  config: RunConfig,
): Promise<() => Promise<void>> {
  const existing = await fs.readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(error, folder);
  });
  if (existing?.includes("config.json") === true) {
    throw new ReparamError(`${folder} is a run already. Use: reparam resume ${folder}`);
  }
  if (existing !== undefined && existing.length > 0) {
    throw new ReparamError(`${folder} is not empty. Choose another folder with --out.`);
  }
  const firstMade = existing === undefined ? await firstMissing(folder) : undefined;
  const undo = async (): Promise<void> => {
    const entries = firstMade === undefined ? await fs.readdir(folder) : [];
    for (const name of entries) await fs.rm(join(folder, name), { recursive: true, force: true });
    if (firstMade !== undefined) await fs.rm(firstMade, { recursive: true, force: true });
  };
  try {
    await makeFolder(folder);
    await writeConfig(folder, config);
  } catch (error) {
    await undo().catch(() => undefined);
    throw error;
  }
  return undo;
}

/** The outermost folder that making `folder` would make. */
async function firstMissing(folder: string): Promise<string> {
  let missing = resolve(folder);
  while (missing !== dirname(missing)) {
    const parent = dirname(missing);
    if ((await fs.stat(parent).catch(() => undefined)) !== undefined) break;
    missing = parent;
  }
  return missing;
}

const summaryFile = (folder: string): string => join(folder, "summary.json");

export async function readSummary(folder: string): Promise<Summary> {
  const text = await fs.readFile(summaryFile(folder), "utf8").catch(() => undefined);
  if (text === undefined) return emptySummary;
  try {
    return { ...emptySummary, ...(JSON.parse(text) as Partial<Summary>) };
  } catch {
    throw new ReparamError(`${summaryFile(folder)} is not JSON. Remove it and export again.`);
  }
}

/** Replaces the parts of summary.json that `change` names. */
export async function updateSummary(folder: string, change: Partial<Summary>): Promise<Summary> {
  const next = { ...(await readSummary(folder)), ...change };
  await writeAtomic(summaryFile(folder), `${JSON.stringify(next, null, 2)}\n`);
  return next;
}

/** Everything that a run's folder knows, for its report. */
export async function readRun(folder: string): Promise<RunRecord> {
  const config = await readConfig(folder);
  const lines = await readMetrics(folder);
  const summary = await readSummary(folder);
  const pictures: (Omit<PictureEntry, "file"> & { readonly png: Uint8Array })[] = [];
  for (const { file, ...about } of summary.pictures) {
    // A picture that someone removed is not worth an error.
    const png = await readBytes(join(folder, file)).catch(() => undefined);
    if (png !== undefined) pictures.push({ ...about, png });
  }
  const { command, ...rest } = config;
  return {
    name: basename(resolve(folder)),
    config: { ...rest, ...(command === undefined ? {} : { command }) },
    train: lines.filter((line) => line.kind === "train"),
    evaluations: lines.filter((line) => line.kind === "evaluation"),
    pictures,
    timings: summary.timings,
    exports: summary.exports,
    notes: summary.notes,
  };
}
