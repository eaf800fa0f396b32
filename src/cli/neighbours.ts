import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { formatDuration } from "../report/table.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { unreadableOption } from "./data-flags.ts";
import type { Embedder, Gallery } from "./neighbour-gallery.ts";
import { foundRows, sayRows } from "./neighbour-rows.ts";
import type { openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { addVerb, type Figures, integerOption } from "./verb.ts";

const about = `
IMAGE is an image file, or numbers of images of the run's test data, with commas between.
--in RUN searches the data of that run by its own encoder; --in FOLDER searches the images below a folder, by the
encoder of --run, or by their pixels without one. The picture has the image that was asked for first in each row.
Of a run of words, such as one of skip-gram, IMAGE is words with commas between; of one of documents, numbers of test
documents. These have no picture.`;

export const addNeighboursVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "neighbours <image>",
    description: "Finds the images nearest to one, by a run's encoder, and draws them.",
    examples: [
      "neighbours freedom,war --in runs/skip-gram-state-of-the-union-1",
      "neighbours 7 --in runs/deep-infomax-fashion-mnist-1",
      "neighbours 0,1,2,3 --in runs/deep-infomax-fashion-mnist-1 --distance euclidean --out near.png",
      "neighbours cat.jpg --in ./photos --run runs/deep-infomax-cifar10-1 --index photos.safetensors",
    ],
    options: [
      new Option("--in <folder>", "a run, or a folder of images").makeOptionMandatory(),
      new Option("--run <run>", "whose encoder is used for a folder of images"),
      new Option("--distance <name>", "between vectors")
        .choices(["cosine", "euclidean"])
        .default("cosine"),
      integerOption("--count <n>", "neighbours to find").default(10),
      new Option("--split <name>", "of the run's data, to search in")
        .choices(["train", "validation", "test"])
        .default("train"),
      new Option("--output <name>", "which output of the encoder").default("latent"),
      new Option("--index <file>", "keep the vectors in this file, and use them again"),
      unreadableOption(),
      integerOption("--image-size <n>", "pixels of images that are compared as such").default(32),
      integerOption("--limit <n>", "search at most this many images"),
      integerOption("--threads <n>", "threads of the search").default(2),
      new Option("--out <file>", "picture to write").default("neighbours.png"),
    ],
    action: ([query = ""], flags, ctx) => findNeighbours(query, flags, ctx),
  }).addHelpText("after", about);

type Trained = Awaited<ReturnType<typeof openTrained>>;

interface Sources {
  /** What --index names, if it is there. */
  readonly index: Index | undefined;
  readonly embedder: Embedder;
  readonly gallery: Gallery;
  /** The images asked for by number, and what they are called. */
  readonly numbered: ((rows: readonly number[]) => { images: Tensor; names: string[] }) | undefined;
}

/** The run in a folder, if it is one. */
async function runIn(folder: string, ctx: Context): Promise<Trained | undefined> {
  const { isRun, openTrained } = await import("./runs.ts");
  return (await isRun(folder)) ? openTrained(folder, ctx) : undefined;
}

async function openSources(
  own: Trained | undefined,
  flags: Readonly<Record<string, unknown>>,
  ctx: Context,
): Promise<Sources> {
  const tools = await import("./neighbour-gallery.ts");
  const { openTrained } = await import("./runs.ts");
  const place = flags.in as string;
  const limit = (flags.limit as number | undefined) ?? Infinity;
  if (own !== undefined && flags.run !== undefined) {
    throw new ReparamError(
      `--in ${place} is a run, which is searched by its own encoder. Leave out --run.`,
    );
  }
  if (!existsSync(place)) throw new ReparamError(`there is no folder "${place}". Check the path.`);
  const folder = flags.run as string | undefined;
  const run = own ?? (folder === undefined ? undefined : await openTrained(folder, ctx));
  const embedder =
    run === undefined
      ? tools.pixelEmbedder(flags.imageSize as number)
      : await tools.runEmbedder(run, flags.output as string);
  const index = await readIndex(flags.index as string | undefined);
  const kept = (key: string) => (index?.key === keyOf(embedder.key, key) ? index.names : undefined);
  const gallery =
    own !== undefined
      ? tools.splitGallery(own, flags.split as "train", limit)
      : await tools.folderGallery(
          place,
          embedder.format,
          { limit, skip: flags.unreadable === "skip", kept },
          ctx,
        );
  const test = run?.dataset.test;
  return {
    index,
    embedder,
    gallery,
    numbered:
      test === undefined
        ? undefined
        : (rows) => ({
            images: tools.imagesAt(test, rows),
            names: rows.map((row) => tools.nameOf(test, "test", row, run?.dataset.classes)),
          }),
  };
}

async function findNeighbours(
  query: string,
  flags: Readonly<Record<string, unknown>>,
  ctx: Context,
): Promise<Figures> {
  const { vectorIndex } = await import("../metrics/nearest-neighbours.ts");
  const own = await runIn(flags.in as string, ctx);
  if (own !== undefined) {
    const { nearestNames, readsText } = await import("./neighbour-rows.ts");
    if (readsText(own)) return nearestNames(own, query, flags, ctx);
  }
  const sources = await openSources(own, flags, ctx);
  const { embedder, gallery } = sources;
  const asked = await queryImages(query, sources);
  const vectors = await galleryVectors(sources, flags.index as string | undefined, ctx);
  const count = Math.min(flags.count as number, gallery.names.length);
  const distance = flags.distance as "cosine" | "euclidean";
  const threads = flags.threads as number;
  const index = await vectorIndex(vectors, { neighbours: count, distance, threads });
  const codes = await embedder.embed(asked.images);
  const start = performance.now();
  const found = await index.search(codes);
  const seconds = (performance.now() - start) / 1000;
  await index.release();
  await embedder.release();
  const rows = foundRows(asked.names, gallery.names, found);
  sayRows(rows, ctx);
  const out = flags.out as string;
  await drawRows(asked.images, await gallery.images(found.indices), count, out);
  ctx.say(
    `${out}: ${distance} neighbours among ${gallery.names.length} images, found in ${formatDuration(seconds)}`,
  );
  return { rows, distance, searched: gallery.names.length, seconds, file: out };
}

/** The images of the first argument: a file, or numbers of test images. */
async function queryImages(
  query: string,
  { numbered, embedder }: Sources,
): Promise<{ images: Tensor; names: string[] }> {
  if (!/^\d+(,\d+)*$/.test(query) || existsSync(query)) {
    const { imageFiles } = await import("./neighbour-gallery.ts");
    return { images: await imageFiles([query], embedder.format), names: [query] };
  }
  if (numbered !== undefined) return numbered(query.split(",").map(Number));
  throw new ReparamError(
    `${query} is the number of a test image, and there is no run. Give an image file, or --run.`,
  );
}

/** Vectors that a file keeps, what they are of, and what it is called. */
interface Index {
  readonly key: string;
  readonly names: readonly string[];
  readonly vectors: Tensor;
}

const keyOf = (embedder: string, gallery: string): string => `${embedder}\n${gallery}`;

async function readIndex(file: string | undefined): Promise<Index | undefined> {
  if (file === undefined || !existsSync(file)) return undefined;
  const { decodeSafetensors, readBytes } = await import("../run/index.ts");
  const { tensors, metadata } = decodeSafetensors(await readBytes(file), file);
  const vectors = tensors.get("vectors");
  const { key, names } = metadata;
  if (vectors === undefined || key === undefined || names === undefined) return undefined;
  return { key, names: JSON.parse(names) as string[], vectors };
}

/** Vectors of everything that is searched: from the index file where it fits, else made, and kept there. */
async function galleryVectors(
  { embedder, gallery, index }: Sources,
  file: string | undefined,
  ctx: Context,
): Promise<Tensor> {
  const { encodeSafetensors, writeAtomic } = await import("../run/index.ts");
  const key = keyOf(embedder.key, gallery.key);
  if (index !== undefined) {
    if (index.key === key) return index.vectors;
    ctx.note(`${file} is of other images or another encoder; it is made anew.`);
  }
  const total = gallery.names.length;
  const parts: Tensor[] = [];
  for (let at = 0; at < total; at += block) {
    const rows = Array.from({ length: Math.min(block, total - at) }, (_, i) => at + i);
    parts.push(await embedder.embed(await gallery.images(rows)));
    if (total > block) ctx.note(`encoded ${at + rows.length} of ${total} images`);
  }
  const size = parts[0]?.shape[1] as number;
  const data = new Float32Array(total * size);
  for (const [i, part] of parts.entries()) data.set(part.data as Float32Array, i * block * size);
  const vectors: Tensor = { dtype: "float32", shape: [total, size], data };
  if (file !== undefined) {
    const metadata = { key, names: JSON.stringify(gallery.names) };
    const content = { tensors: new Map([["vectors", vectors]]), metadata };
    await writeAtomic(file, encodeSafetensors(content));
  }
  return vectors;
}

/** Images that are decoded and encoded at once. */
const block = 4096;

/** Each image that was asked for, and its neighbours behind it. */
async function drawRows(asked: Tensor, found: Tensor, count: number, out: string): Promise<void> {
  const { encodePng, imageGrid } = await import("../report/index.ts");
  const { writeAtomic } = await import("../run/index.ts");
  const [rows = 0, ...image] = asked.shape;
  const size = asked.data.length / rows;
  const cells = new Uint8Array(rows * (count + 1) * size);
  for (let row = 0; row < rows; row++) {
    const at = row * (count + 1) * size;
    cells.set(asked.data.subarray(row * size, (row + 1) * size) as Uint8Array, at);
    const near = found.data.subarray(row * count * size, (row + 1) * count * size);
    cells.set(near as Uint8Array, at + size);
  }
  const images: Tensor = { dtype: "uint8", shape: [rows * (count + 1), ...image], data: cells };
  const scale = Math.max(1, Math.floor(56 / (image[1] ?? 28)));
  await writeAtomic(out, await encodePng(imageGrid(images, { columns: count + 1, scale })));
}
