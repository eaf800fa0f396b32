import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { copyFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import {
  type ExternalData,
  fromOnnx,
  type ImportedModel,
  type ImportOptions,
} from "../onnx-import/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { makeFolder, readBytes } from "./atomic.ts";

/**
 * Weights in files beside a model. A location that leads out of the model's folder, by .., an absolute path or a link,
 * is refused, and so is a part beyond the end of its file.
 */
export function externalData(
  folder: string,
  onRead: (location: string) => void = () => undefined,
): ExternalData {
  const root = realpathSync(folder);
  return (location, offset, length) => {
    const path = resolve(root, location);
    const inside = (file: string): boolean => {
      const way = relative(root, file);
      return way !== "" && !way.startsWith("..") && !isAbsolute(way);
    };
    if (location === "" || !inside(path) || !inside(real(path, location))) {
      throw new ReparamError(
        `fromOnnx: weights are said to be in "${location}", which is not in the model's folder ${folder}.`,
      );
    }
    onRead(location);
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const whole = Number.isSafeInteger(offset) && offset >= 0 && length >= 0;
      if (!whole || offset + length > size) {
        throw new ReparamError(
          `fromOnnx: ${path} has ${size} bytes, but the model wants ${length} from ${offset} on.`,
        );
      }
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const read = readSync(file, bytes, done, length - done, offset + done);
        if (read === 0) break;
        done += read;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  };
}

function real(path: string, location: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    throw new ReparamError(`fromOnnx: the file "${location}" with weights is missing.`, { cause });
  }
}

/** A model, and the files that it was read from. */
export interface ModelFile extends ImportedModel {
  readonly path: string;
  /** Files with weights, as the model names them: ways from its folder. */
  readonly beside: readonly string[];
}

/** Reads an ONNX file, and the weights that are beside it in its folder. */
export async function openModel(path: string, options: ImportOptions = {}): Promise<ModelFile> {
  const beside = new Set<string>();
  const external = externalData(dirname(path), (location) => beside.add(location));
  const model = fromOnnx(await readBytes(path), { external, ...options });
  return { ...model, path, beside: [...beside] };
}

/** Where a run keeps the model that it began with. */
const keptFolder = (folder: string): string => join(folder, "model");

/** Copies a model, with the files of its weights, into the folder of a run, so that the run needs nothing else. */
export async function keepModel(folder: string, { path, beside }: ModelFile): Promise<void> {
  const target = keptFolder(folder);
  await makeFolder(target);
  await copyFile(path, join(target, "model.onnx"));
  for (const location of beside) {
    await makeFolder(dirname(join(target, location)));
    await copyFile(join(dirname(path), location), join(target, location));
  }
}

/** The model that a run began with; undefined if it began with none. */
export async function openKeptModel(folder: string): Promise<ImportedModel | undefined> {
  const path = join(keptFolder(folder), "model.onnx");
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : openModel(path);
}
