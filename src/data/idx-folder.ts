import { basename, join } from "node:path";
import { formatShape, ReparamError, type Tensor } from "../tensor/index.ts";
import { readIdx } from "./idx.ts";
import { sizeOf } from "./image-choice.ts";
import { makeSplit, planSplits, prepareSplit, takeSamples } from "./split.ts";
import type { Card, Dataset, ImageOptions, Split, SplitName, SplitOptions } from "./types.ts";

/** What a folder does not say about its data. */
export interface Description {
  readonly name: string;
  readonly card: Card;
  readonly classes?: readonly string[];
}

/** Whether a file of this name is taken for IDX: the four names of MNIST, `*.idx`, `*idx3*`, `*-ubyte`. */
export const isIdxName = (name: string): boolean =>
  /idx\d|ubyte|-(images|labels)-|\.idx(\.gz)?$/i.test(name) && !name.startsWith(".");

const isLabels = (name: string): boolean => /idx1|labels/i.test(name);

function partOf(name: string): SplitName {
  if (/^(t10k|test)/i.test(name)) return "test";
  return /^val/i.test(name) ? "validation" : "train";
}

type Files = Partial<Record<SplitName, { images?: string; labels?: string }>>;

/** Sorts file names into parts; of a file and its .gz the unpacked one counts. */
function sortFiles(folder: string, names: readonly string[]): Files {
  const files: Files = {};
  const present = new Set(names);
  for (const name of names.filter(isIdxName)) {
    if (name.endsWith(".gz") && present.has(name.slice(0, -3))) continue;
    const part = partOf(name);
    const kind = isLabels(name) ? "labels" : "images";
    const other = files[part]?.[kind];
    if (other !== undefined) {
      throw new ReparamError(
        `${folder}: both ${other} and ${name} look like the ${part} ${kind}. Leave one, or start the names with train, validation and test.`,
      );
    }
    files[part] = { ...files[part], [kind]: name };
  }
  return files;
}

/**
 * A folder of IDX files: images [N, H, W] or [N, C, H, W] of bytes, optionally labels [N]. Names that start
 * with train, val or test (or t10k) are those parts; a single file is divided at random by `seed`.
 * Throws on damaged files, on counts or shapes that do not agree, and on an image size that is not the
 * files' own.
 */
export async function loadIdxFolder(
  folder: string,
  names: readonly string[],
  options: SplitOptions & ImageOptions = {},
  about: Description = describeFolder(folder),
): Promise<Dataset> {
  const files = sortFiles(folder, names);
  const parts: Partial<Record<SplitName, Split>> = {};
  for (const [part, { images, labels }] of Object.entries(files)) {
    if (images === undefined) {
      throw new ReparamError(`${folder}: ${labels} has no file of images beside it. Add it.`);
    }
    const labelPath = labels === undefined ? undefined : join(folder, labels);
    parts[part as SplitName] = await readPart(join(folder, images), labelPath);
  }
  const { train, validation, test } = parts;
  if (train === undefined) {
    throw new ReparamError(`${folder}: there are no training images. Add train-images-idx3-ubyte.`);
  }
  for (const part of [train, validation, test]) checkImages(folder, train, part, options);
  const counts = {
    train: train.length,
    ...(validation && { validation: validation.length }),
    ...(test && { test: test.length }),
  };
  const plan = planSplits(counts, options, test !== undefined);
  const make = (name: SplitName): Split => {
    const source = parts[plan[name].from] ?? train;
    return prepareSplit(takeSamples(source, plan[name].indices), plan[name], options);
  };
  return { ...about, train: make("train"), validation: make("validation"), test: make("test") };
}

async function readPart(imagePath: string, labelPath: string | undefined): Promise<Split> {
  const images = await readIdx(imagePath);
  const [count = 0, ...rest] = images.shape;
  if (images.dtype !== "uint8" || rest.length < 2 || rest.length > 3) {
    throw new ReparamError(
      `${imagePath}: images must be uint8 [N, H, W] or [N, C, H, W], got ${images.dtype} ${formatShape(images.shape)}.`,
    );
  }
  const shape = rest.length === 2 ? [1, ...rest] : rest;
  const image = { dtype: "uint8", shape, data: images.data } as const;
  if (labelPath === undefined) return makeSplit({ image });
  const labels = await readIdx(labelPath);
  checkLabels(labels, labelPath, count, imagePath);
  const label = { dtype: "int32", shape: [], data: Int32Array.from(labels.data, Number) } as const;
  return makeSplit({ image, label });
}

function checkLabels(labels: Tensor, path: string, count: number, imagePath: string): void {
  const integers = labels.dtype === "uint8" || labels.dtype === "int32";
  if (!integers || labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new ReparamError(
      `${path}: labels must be integers [${count}] for ${basename(imagePath)}, got ${labels.dtype} ${formatShape(labels.shape)}.`,
    );
  }
}

function checkImages(
  folder: string,
  train: Split,
  part: Split | undefined,
  options: ImageOptions,
): void {
  const wanted = train.columns.image?.shape ?? [];
  const got = part?.columns.image?.shape ?? wanted;
  if (got.join() !== wanted.join()) {
    throw new ReparamError(
      `${folder}: training images are ${formatShape(wanted)}, others ${formatShape(got)}. They must agree.`,
    );
  }
  const [c, height, width] = wanted;
  const [h, w] = sizeOf(options) ?? [height, width];
  if (h !== height || w !== width || (options.channels ?? c) !== c) {
    throw new ReparamError(
      `${folder}: images are ${formatShape(wanted)} (channels, height, width) and IDX files are not resized. Leave out --image-size and --channels, or give a folder of image files.`,
    );
  }
}

/** A card for data that only its owner knows about. */
export const describeFolder = (folder: string): Description => ({
  name: basename(folder) || folder,
  card: {
    title: `Images of the folder ${basename(folder) || folder}`,
    license: "as its owner says",
    source: folder,
    citation: "none",
  },
});
