import { readdir } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { ReparamError } from "../tensor/index.ts";
import { describeFolder } from "./idx-folder.ts";
import { decodeImages, type ImageFormat, imageFormat } from "./image-files.ts";
import { checkCount, makeSplit, planSplits, prepareSplit, type SplitPlan } from "./split.ts";
import type { Dataset, ImageOptions, Split, SplitName, SplitOptions } from "./types.ts";

interface Entry {
  readonly path: string;
  /** The class folder; undefined for an image that is in none. */
  readonly className?: string;
}

const extensions = new Set([".png", ".jpg", ".jpeg", ".webp"]);
const partFolders: Readonly<Record<SplitName, readonly string[]>> = {
  train: ["train"],
  validation: ["validation", "valid", "val"],
  test: ["test"],
};

/** All images below a folder, sorted by path; the first folder on the way to one is its class. */
export async function listImages(folder: string): Promise<Entry[]> {
  const names = await readdir(folder, { recursive: true });
  const entries = names
    .filter((name) => extensions.has(extname(name).toLowerCase()))
    .map((name) => name.split(sep))
    .filter((steps) => !steps.some((step) => step.startsWith(".") || step === "__MACOSX"))
    .map((steps): Entry => {
      const path = join(folder, ...steps);
      return steps.length > 1 && steps[0] !== undefined ? { path, className: steps[0] } : { path };
    });
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function listParts(folder: string): Promise<Partial<Record<SplitName, Entry[]>>> {
  const present = new Set(await readdir(folder));
  if (!present.has("train")) return { train: await listImages(folder) };
  const parts: Partial<Record<SplitName, Entry[]>> = {};
  for (const [part, names] of Object.entries(partFolders)) {
    const name = names.find((candidate) => present.has(candidate));
    if (name !== undefined) parts[part as SplitName] = await listImages(join(folder, name));
  }
  return parts;
}

/** Class names by label, in alphabetical order; undefined if the images are not in class folders. */
function classesOf(parts: Partial<Record<SplitName, Entry[]>>): string[] | undefined {
  const all = Object.values(parts).flat();
  const labelled = all.find(({ className }) => className !== undefined);
  if (labelled === undefined) return undefined;
  const loose = all.find(({ className }) => className === undefined);
  if (loose !== undefined) {
    throw new ReparamError(
      `${loose.path} is in no class folder, but ${labelled.path} is. Put every image in a class folder, or none.`,
    );
  }
  const known = new Set(parts.train?.map(({ className }) => className as string));
  const stranger = all.find(({ className }) => !known.has(className as string));
  if (stranger !== undefined) {
    throw new ReparamError(
      `${stranger.path}: the class ${stranger.className} has no training images. Rename or remove its folder.`,
    );
  }
  return [...known].sort();
}

/**
 * A folder of PNG, JPEG and WebP images, as it is or with the subfolders train/, validation/ and test/.
 * Subfolders below are classes, whose labels are their places in alphabetical order. Parts that are not
 * there are cut at random by `seed`. With `imageSize` images are scaled and cropped to a square.
 * Throws if there are no images, on damaged ones, and on different sizes without `imageSize`.
 */
export async function loadImageFolder(
  folder: string,
  options: SplitOptions & ImageOptions = {},
): Promise<Dataset> {
  checkCount("imageSize", options.imageSize, 1);
  const parts = await listParts(folder);
  const { train = [], validation, test } = parts;
  if (train.length === 0) {
    throw new ReparamError(
      `${folder} has neither IDX files nor PNG, JPEG or WebP images to train on. Check the path.`,
    );
  }
  const classes = classesOf(parts);
  const counts = {
    train: train.length,
    ...(validation && { validation: validation.length }),
    ...(test && { test: test.length }),
  };
  const plan = planSplits(counts, options, false);
  const chosen = (name: SplitName): Entry[] =>
    Array.from(plan[name].indices, (index) => (parts[plan[name].from] as Entry[])[index] as Entry);
  const entries = {
    train: chosen("train"),
    validation: chosen("validation"),
    test: chosen("test"),
  };
  const paths = Object.values(entries).flatMap((list) => list.map(({ path }) => path));
  const format = await imageFormat(paths.sort(), options);
  const make = (name: SplitName) =>
    decodeSplit(entries[name], classes, format, plan[name], options);
  return {
    ...describeFolder(folder),
    ...(classes && { classes }),
    train: await make("train"),
    validation: await make("validation"),
    test: await make("test"),
  };
}

async function decodeSplit(
  entries: readonly Entry[],
  classes: readonly string[] | undefined,
  format: ImageFormat,
  plan: SplitPlan,
  options: SplitOptions,
): Promise<Split> {
  const paths = entries.map(({ path }) => path);
  const shape = [format.channels, format.height, format.width];
  const image = { dtype: "uint8", shape, data: await decodeImages(paths, format) } as const;
  const labels = entries.map(({ className }) => classes?.indexOf(className as string) ?? 0);
  const label = { dtype: "int32", shape: [], data: Int32Array.from(labels) } as const;
  return prepareSplit(makeSplit(classes ? { image, label } : { image }), plan, options);
}
