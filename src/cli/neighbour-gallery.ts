// What `neighbours` searches: images as vectors, by a run's encoder or as their pixels.
import { decodeImages, decodeReadable, type ImageFormat } from "../data/image-files.ts";
import { listImages } from "../data/image-folder.ts";
import type { Split } from "../data/index.ts";
import { elementCount, ReparamError, type Tensor } from "../tensor/index.ts";
import { type OpenRun, type openTrained, sayLeftOut } from "./runs.ts";
import type { Context } from "./terminal.ts";

type Trained = Awaited<ReturnType<typeof openTrained>>;

/** How images become vectors. */
export interface Embedder {
  /** Names the encoder and its state, so that vectors of another one are not taken for its own. */
  readonly key: string;
  readonly format: ImageFormat;
  /** Bytes [N, C, H, W] to float32 [N, D]. */
  readonly embed: (images: Tensor, onProgress?: (done: number) => void) => Promise<Tensor>;
  readonly release: () => Promise<void>;
}

/** Images that can be found. */
export interface Gallery {
  readonly key: string;
  /** What each is called: its path, or its row. */
  readonly names: readonly string[];
  /** Bytes [n, C, H, W] of some rows. */
  readonly images: (rows: ArrayLike<number>) => Promise<Tensor>;
}

/** Pixels as they are, divided by 255. */
export const pixelEmbedder = (size: number): Embedder => ({
  key: "pixels",
  format: { channels: 3, height: size, width: size },
  embed: async ({ shape, data }) => {
    const [rows = 0, ...image] = shape;
    const vectors = Float32Array.from(data as Uint8Array, (byte) => byte / 255);
    return { dtype: "float32", shape: [rows, elementCount(image)], data: vectors };
  },
  release: async () => undefined,
});

/** The encoder of a trained run. @throws ReparamError for a method without one for images. */
export async function runEmbedder(run: Trained, output: string): Promise<Embedder> {
  const { compileFunction, joinVectors } = await encoderTools();
  const image = run.dataset.train.columns.image;
  if (image === undefined || run.method.functions.encode === undefined) {
    throw new ReparamError(
      `${run.folder}: ${run.definition.name} encodes no images. Use a run of a method that does.`,
    );
  }
  const [channels, height, width] = image.shape as [1 | 3, number, number];
  const compiled = await compileFunction(run.method, "encode", run.weights, {
    threads: run.config.threads,
  });
  return {
    key: `${run.folder} step ${run.checkpoint.position.step} ${output}`,
    format: { channels, height, width },
    embed: async ({ shape, data }, onProgress) => {
      const [rows = 0, ...one] = shape;
      const size = elementCount(one);
      const parts: Tensor[] = [];
      for (let at = 0; at < rows; at += chunk) {
        const to = Math.min(rows, at + chunk);
        const part = data.subarray(at * size, to * size);
        const given = { dtype: "uint8", shape: [to - at, ...one], data: part } as Tensor;
        const outputs = await compiled.run({ image: given });
        const codes = outputs[output];
        if (codes === undefined) {
          throw new ReparamError(
            `--output ${output}: the encoder has ${Object.keys(outputs).join(", ")}.`,
          );
        }
        parts.push(codes);
        onProgress?.(to);
      }
      return joinVectors(parts);
    },
    release: () => compiled.release(),
  };
}

/** Images that go through the encoder at once. */
const chunk = 256;

async function encoderTools() {
  const { compileFunction } = await import("../run/index.ts");
  const joinVectors = (parts: readonly Tensor[]): Tensor => {
    const size = elementCount((parts[0] as Tensor).shape.slice(1));
    const rows = parts.reduce((n, part) => n + (part.shape[0] as number), 0);
    const data = new Float32Array(rows * size);
    let at = 0;
    for (const part of parts) {
      data.set(part.data as Float32Array, at);
      at += part.data.length;
    }
    return { dtype: "float32", shape: [rows, size], data };
  };
  return { compileFunction, joinVectors };
}

/** Rows of a split of a run's own data. */
export function splitGallery(
  { dataset, folder }: OpenRun,
  splitName: "train" | "validation" | "test",
  limit: number,
): Gallery {
  const split = dataset[splitName];
  const length = Math.min(split.length, limit);
  return {
    key: `${folder} ${splitName} ${length}`,
    names: Array.from({ length }, (_, row) => nameOf(split, splitName, row, dataset.classes)),
    images: async (rows) => imagesAt(split, rows),
  };
}

/** `train 12 (Sneaker)` */
export function nameOf(
  split: Split,
  splitName: string,
  row: number,
  classes: readonly string[] | undefined,
): string {
  const label = split.columns.label?.data[row];
  return label === undefined
    ? `${splitName} ${row}`
    : `${splitName} ${row} (${classes?.[Number(label)] ?? label})`;
}

/** Bytes of some rows of a split. @throws ReparamError where a row is not there. */
export function imagesAt({ columns, length }: Split, rows: ArrayLike<number>): Tensor {
  const { shape, data } = columns.image as NonNullable<(typeof columns)[string]>;
  const size = elementCount(shape);
  const out = new Uint8Array(rows.length * size);
  for (const [i, row] of Array.from(rows).entries()) {
    if (row >= length)
      throw new ReparamError(`there is no image ${row}: they are 0 … ${length - 1}.`);
    out.set((data as Uint8Array).subarray(row * size, (row + 1) * size), i * size);
  }
  return { dtype: "uint8", shape: [rows.length, ...shape], data: out };
}

interface FolderOptions {
  readonly limit: number;
  /** Leave out files that cannot be read. */
  readonly skip: boolean;
  /** The names of a gallery whose vectors are kept, by its key: its images need not be read again. */
  readonly kept: (key: string) => readonly string[] | undefined;
}

/**
 * The images below a folder, in the format of the embedder. Files that cannot be read are an error, or left out
 * and named.
 */
export async function folderGallery(
  folder: string,
  format: ImageFormat,
  { limit, skip, kept }: FolderOptions,
  context: Context,
): Promise<Gallery> {
  const found = (await listImages(folder)).slice(0, limit).map(({ path }) => path);
  if (found.length === 0) {
    throw new ReparamError(`${folder} has no PNG, JPEG or WebP images. Check the path.`);
  }
  const key = `${folder} ${found.length} ${skip ? "readable " : ""}${found.join("|")}`;
  const readable = kept(key) ?? (skip ? await readableOf(found, format, context) : found);
  return {
    key,
    names: readable,
    images: (rows) =>
      imageFiles(
        Array.from(rows, (row) => readable[row] as string),
        format,
      ),
  };
}

/** Those that decode; the others are named. @throws ReparamError if there are none. */
async function readableOf(
  paths: readonly string[],
  format: ImageFormat,
  context: Context,
): Promise<string[]> {
  const readable: string[] = [];
  const leftOut: string[] = [];
  for (let at = 0; at < paths.length; at += block) {
    const part = paths.slice(at, at + block);
    const decoded = await decodeReadable(part, format);
    readable.push(...decoded.kept.map((row) => part[row] as string));
    leftOut.push(...decoded.leftOut);
  }
  sayLeftOut(leftOut, context);
  if (readable.length > 0) return readable;
  throw new ReparamError(`none of ${paths.length} images can be read: ${leftOut[0]}.`);
}

/** Images that are decoded at once. */
const block = 1024;

/** Image files as bytes [N, C, H, W]: scaled, cropped to the middle, grey or coloured as the format is. */
export async function imageFiles(paths: readonly string[], format: ImageFormat): Promise<Tensor> {
  const { channels, height, width } = format;
  const data = await decodeImages(paths, format);
  return { dtype: "uint8", shape: [paths.length, channels, height, width], data };
}
