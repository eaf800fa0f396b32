import { readdir } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { ReparamError } from "../tensor/index.ts";
import { describeFolder } from "./idx-folder.ts";
import { chooseImages, decodeChosen, sizeOf } from "./image-choice.ts";
import type { ImageFormat } from "./image-files.ts";
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
 * there are cut at random by `seed`. With `imageSize` images are scaled and cropped to it.
 * Throws if there are no images, on damaged ones unless `unreadable` says otherwise, and on different sizes without
 * `imageSize` or `unlike`.
 */
export async function loadImageFolder(
  folder: string,
  options: SplitOptions & ImageOptions = {},
): Promise<Dataset> {
  for (const side of sizeOf(options) ?? []) checkCount("imageSize", side, 1);
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
  const all = Object.values(entries).flatMap((list) => list.map(({ path }) => path));
  const { format, paths, leftOut } = await chooseImages(all.sort(), options);
  const known = { classes, format, taken: new Set(paths), options };
  const made = {
    train: await decodeSplit(entries.train, plan.train, known),
    validation: await decodeSplit(entries.validation, plan.validation, known),
    test: await decodeSplit(entries.test, plan.test, known),
  };
  const without = [...leftOut, ...Object.values(made).flatMap((part) => part.leftOut)];
  if (Object.values(made).every(({ split }) => split.length === 0)) {
    throw new ReparamError(`none of ${all.length} images can be read: ${without[0]}.`);
  }
  return {
    ...describeFolder(folder),
    ...(classes && { classes }),
    ...(without.length > 0 && { leftOut: without }),
    train: made.train.split,
    validation: made.validation.split,
    test: made.test.split,
  };
}

interface Known {
  readonly classes: readonly string[] | undefined;
  readonly format: ImageFormat;
  readonly taken: ReadonlySet<string>;
  readonly options: SplitOptions & ImageOptions;
}

async function decodeSplit(
  planned: readonly Entry[],
  { from, indices }: SplitPlan,
  { classes, format, taken, options }: Known,
): Promise<{ readonly split: Split; readonly leftOut: readonly string[] }> {
  const rows = planned
    .map((_, row) => row)
    .filter((row) => taken.has((planned[row] as Entry).path));
  const paths = rows.map((row) => (planned[row] as Entry).path);
  const { data, kept, leftOut } = await decodeChosen(paths, format, options.unreadable);
  const places = kept.map((at) => rows[at] as number);
  const shape = [format.channels, format.height, format.width];
  const image = { dtype: "uint8", shape, data } as const;
  const labels = places.map((row) => classes?.indexOf((planned[row] as Entry).className as string));
  const label = {
    dtype: "int32",
    shape: [],
    data: Int32Array.from(labels, (l) => l ?? 0),
  } as const;
  const samples = makeSplit(classes ? { image, label } : { image });
  const plan = { from, indices: Uint32Array.from(places, (row) => indices[row] as number) };
  return { split: prepareSplit(samples, plan, options), leftOut };
}
