import { join } from "node:path";
import type { Dataset } from "../data/index.ts";
import {
  drawSamples,
  encodePng,
  imageGrid,
  isDrawable,
  madeBy,
  pairGrid,
} from "../report/index.ts";
import { type FunctionName, type Method, offers } from "../step/index.ts";
import type { Tensor, Tree } from "../tensor/index.ts";
import { makeFolder, writeAtomic } from "./atomic.ts";
import { type CompiledFunction, compileFunction } from "./compile-function.ts";
import { rowsOf, sampleRows } from "./functions.ts";
import type { PictureEntry } from "./run-folder.ts";

export interface PictureOptions {
  readonly folder: string;
  readonly method: Method;
  readonly dataset: Dataset;
  readonly threads: number;
  readonly seed: number;
}

type Drawn = Omit<PictureEntry, "file"> & { readonly png: Uint8Array };

/** Draws with a function; nothing where its outputs cannot be shown. */
type Draw = (compiled: CompiledFunction, options: PictureOptions) => Promise<Drawn | undefined>;

const pictures: readonly (readonly [FunctionName, Draw])[] = [
  ["sample", drawSample],
  ["reconstruct", drawReconstructions],
  ["traverse", drawTraversal],
];

/** Draws what the method can show, into samples/ of the run's folder. */
export async function drawPictures(
  options: PictureOptions,
  weights: Tree<Tensor>,
): Promise<readonly PictureEntry[]> {
  const { folder, method, threads } = options;
  await makeFolder(join(folder, "samples"));
  const entries: PictureEntry[] = [];
  for (const [name, draw] of pictures) {
    if (!offers(method, name)) continue;
    const compiled = await compileFunction(method, name, weights, { threads });
    const drawn = await draw(compiled, options).finally(() => compiled.release());
    if (drawn === undefined) continue;
    const { png, ...about } = drawn;
    const file = `samples/${name}.png`;
    await writeAtomic(join(folder, file), png);
    entries.push({ file, ...about });
  }
  return entries;
}

/** Points need more draws than images do to show a distribution. */
const [shownImages, shownPoints] = [64, 2000];

async function drawSample(
  compiled: CompiledFunction,
  { dataset, seed }: PictureOptions,
): Promise<Drawn | undefined> {
  const title = "Samples";
  const few = madeBy(await sampleRows(compiled, shownImages, { seed }));
  if (few === undefined || !isDrawable(few)) return undefined;
  if (few.shape.length === 4) {
    const png = await drawSamples(few, { columns: 8 });
    return { png, title, caption: `${shownImages} draws from the model.` };
  }
  const many = madeBy(await sampleRows(compiled, shownPoints, { seed })) as Tensor;
  const data = madeBy(rowsOf(dataset.test, 0, Math.min(shownPoints, dataset.test.length)));
  const caption = `${shownPoints} draws from the model, and points of the test data.`;
  return { png: await drawSamples(many, { data }), title, caption, plot: true };
}

async function drawReconstructions(
  compiled: CompiledFunction,
  { dataset: { test }, seed }: PictureOptions,
): Promise<Drawn | undefined> {
  const { image } = rowsOf(test, 0, Math.min(20, test.length));
  if (image === undefined || test.length === 0) return undefined;
  const reconstructed = (await compiled.run({ image }, { seed })).image as Tensor;
  return {
    png: await encodePng(pairGrid(image, reconstructed, { scale: 2 })),
    title: "Reconstructions",
    caption: "Rows of test images, below each the model's reconstructions.",
  };
}

async function drawTraversal(
  compiled: CompiledFunction,
  { dataset: { test }, seed }: PictureOptions,
): Promise<Drawn | undefined> {
  const { image } = rowsOf(test, 0, Math.min(1, test.length));
  if (image === undefined || test.length === 0) return undefined;
  const { summary, columns } = compiled.definition;
  const grid = (await compiled.run({ image }, { seed })).image as Tensor;
  const shape = { ...(columns === undefined ? {} : { columns }), scale: 2 };
  return {
    png: await encodePng(imageGrid(grid, shape)),
    title: "Latent traversal",
    caption: sentence(summary),
  };
}

const sentence = (text: string): string =>
  `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
