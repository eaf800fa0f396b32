import type { Sharp } from "sharp";
import { ReparamError } from "../tensor/index.ts";

/** What every decoded image looks like, in pixels. */
export interface ImageFormat {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

/** Calls `work` for every item, eight at a time, since decoding waits for the disk. */
export async function forEach<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(8, items.length) }, worker));
}

/** sharp is loaded when the first image is read: it is native code that digits in IDX files do not need. */
export async function openImage(): Promise<(path: string) => Sharp> {
  try {
    return (await import("sharp")).default;
  } catch (error) {
    throw new ReparamError(
      `reading image files needs the package sharp, which does not load here (${(error as Error).message.split("\n")[0]}). Reinstall it, or use IDX files.`,
    );
  }
}

/** What is wrong with a file, in one line. */
export const unreadableLine = (path: string, { message }: Error): string =>
  `${path}: cannot be read as an image (${message.split("\n")[0]})`;

/** Bytes [N, C, H, W] of the images. Transparent parts become white. @throws ReparamError for one that has none. */
export async function decodeImages(
  paths: readonly string[],
  format: ImageFormat,
): Promise<Uint8Array<ArrayBuffer>> {
  const { data, leftOut } = await decodeReadable(paths, format);
  if (leftOut.length > 0) throw new ReparamError(`${leftOut[0]}. Replace or remove it.`);
  return data;
}

/** Of the files that are images, their places in `paths`; of the others a line each. */
export interface Decoded {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly kept: readonly number[];
  readonly leftOut: readonly string[];
}

/** Bytes [N, C, H, W] of those that can be decoded. */
export async function decodeReadable(
  paths: readonly string[],
  format: ImageFormat,
): Promise<Decoded> {
  const open = await openImage();
  const size = format.channels * format.height * format.width;
  const out = new Uint8Array(paths.length * size);
  const failed = new Map<number, string>();
  await forEach(paths, async (path, index) => {
    try {
      await decodeInto(out.subarray(index * size, (index + 1) * size), open(path), format);
    } catch (error) {
      failed.set(index, unreadableLine(path, error as Error));
    }
  });
  const kept = paths.map((_, index) => index).filter((index) => !failed.has(index));
  for (const [row, index] of kept.entries()) {
    if (row < index) out.copyWithin(row * size, index * size, (index + 1) * size);
  }
  const leftOut = [...failed].sort(([a], [b]) => a - b).map(([, line]) => line);
  return { data: out.subarray(0, kept.length * size), kept, leftOut };
}

/** Planes of one image. */
async function decodeInto(
  out: Uint8Array,
  image: Sharp,
  { channels, height, width }: ImageFormat,
): Promise<void> {
  const plane = height * width;
  const { data, info } = await image
    .autoOrient()
    .flatten({ background: "white" })
    .resize(width, height, { fit: "cover" })
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  // A grey image may come with one channel where three are wanted.
  const last = info.channels - 1;
  for (let c = 0; c < channels; c++) {
    const from = Math.min(c, last);
    for (let p = 0; p < plane; p++) {
      out[c * plane + p] = data[p * info.channels + from] as number;
    }
  }
}
