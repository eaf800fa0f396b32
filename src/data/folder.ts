import { readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { ReparamError } from "../tensor/index.ts";
import { isIdxName, loadIdxFolder } from "./idx-folder.ts";
import { listImages, loadImageFolder } from "./image-folder.ts";
import type { Dataset, ImageOptions, SplitOptions } from "./types.ts";

/** Any folder of IDX files or of image files, told by the names in it. */
export async function loadFolder(
  path: string,
  options: SplitOptions & ImageOptions = {},
): Promise<Dataset> {
  const folder = resolve(path);
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) {
    const why = found === undefined ? "there is no such folder" : "it is a file";
    throw new ReparamError(`${path}: ${why}. Give the folder that holds the data.`);
  }
  const names = await readdir(folder);
  return names.some(isIdxName)
    ? loadIdxFolder(folder, names, options)
    : loadImageFolder(folder, options);
}

/** Whether there are IDX files in a folder, or images below it. */
export async function hasImages(folder: string): Promise<boolean> {
  const names = await readdir(folder);
  return names.some(isIdxName) || (await listImages(folder)).length > 0;
}
