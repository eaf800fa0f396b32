import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join, resolve, sep } from "node:path";
import { ReparamError } from "../tensor/index.ts";
import { type TextDataOptions, type TextParts, textDataset } from "./text.ts";
import type { Dataset, SplitName } from "./types.ts";

const extensions = new Set([".txt", ".text", ".md"]);

/** Whether a path has the ending of a text. */
export const isTextName = (path: string): boolean => extensions.has(extname(path).toLowerCase());

const partFolders: Readonly<Record<SplitName, readonly string[]>> = {
  train: ["train"],
  validation: ["validation", "valid", "val"],
  test: ["test"],
};

/** Paths of all texts below a folder, in the order of their names; hidden ones are left out. */
async function listTexts(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => isTextName(name) && !name.split(sep).some((step) => step.startsWith(".")))
    .sort()
    .map((name) => join(folder, name));
}

/** Whether there are texts below a folder. */
export const hasTexts = async (folder: string): Promise<boolean> =>
  (await listTexts(folder)).length > 0;

/** A longer one does not fit into a string. */
const mostBytes = 500e6;

const utf8 = new TextDecoder("utf-8", { fatal: true });

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > mostBytes) {
    throw new ReparamError(
      `${path} has ${Math.round(size / 1e6)} MB, a text may have ${mostBytes / 1e6}. Divide it into files of a folder.`,
    );
  }
  const bytes = await readFile(path);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ReparamError(`${path} is not text in UTF-8. Convert it, or leave it out.`);
  }
}

const readAll = async (paths: readonly string[]): Promise<string[]> => {
  const texts: string[] = [];
  for (const path of paths) texts.push(await readText(path));
  return texts;
};

/**
 * The texts of a file, or of a folder: every .txt, .text and .md below it is one text. Those in its subfolders
 * train, validation and test are these parts.
 */
async function readTexts(path: string): Promise<TextParts> {
  if (!(await stat(path)).isDirectory()) return { train: [await readText(path)] };
  const present = new Set(await readdir(path));
  if (!present.has("train")) return { train: await readAll(await found(path)) };
  const parts: Partial<Record<SplitName, string[]>> = {};
  for (const [part, names] of Object.entries(partFolders)) {
    const name = names.find((candidate) => present.has(candidate));
    if (name !== undefined) parts[part as SplitName] = await readAll(await found(join(path, name)));
  }
  return { train: [], ...parts };
}

async function found(folder: string): Promise<string[]> {
  const paths = await listTexts(folder);
  if (paths.length > 0) return paths;
  throw new ReparamError(
    `${folder} has no text: no file ends in ${[...extensions].join(", ")}. Check the path.`,
  );
}

/** Windows of the texts of a file or a folder, see `textDataset`. */
export async function loadTexts(path: string, options: TextDataOptions = {}): Promise<Dataset> {
  const name = basename(resolve(path));
  const card = {
    ...{ title: `Text of ${name}`, license: "as its owner says" },
    ...{ source: path, citation: "none" },
  };
  return textDataset(await readTexts(path), { name, card }, options);
}
