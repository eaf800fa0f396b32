import type { Metadata, Sharp } from "sharp";
import { ReparamError } from "../tensor/index.ts";
import type { ImageOptions } from "./types.ts";

/** What every decoded image looks like, in pixels. */
export interface ImageFormat {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

/** Calls `work` for every item, eight at a time, since decoding waits for the disk. */
async function forEach<T>(
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
async function openImage(): Promise<(path: string) => Sharp> {
  try {
    return (await import("sharp")).default;
  } catch (error) {
    throw new ReparamError(
      `reading image files needs the package sharp, which does not load here (${(error as Error).message.split("\n")[0]}). Reinstall it, or use IDX files.`,
    );
  }
}

async function decoded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = (error as Error).message.split("\n")[0];
    throw new ReparamError(`${path}: cannot be read as an image (${why}). Replace or remove it.`);
  }
}

/** Height and width as seen: cameras store pictures on their side and say so in the metadata. */
const uprightSize = ({ width, height, orientation = 1 }: Metadata): [number, number] =>
  orientation >= 5 ? [width, height] : [height, width];

/** The format that all images have, or will have once resized. Reads headers only. */
export async function imageFormat(
  paths: readonly string[],
  { imageSize, channels }: ImageOptions,
): Promise<ImageFormat> {
  const open = await openImage();
  const headers: Metadata[] = new Array(paths.length);
  await forEach(paths, async (path, i) => {
    headers[i] = await decoded(path, () => open(path).metadata());
  });
  const [height, width] = uprightSize(headers[0] as Metadata);
  const other = headers.findIndex((header) => uprightSize(header).join() !== `${height},${width}`);
  if (imageSize === undefined && other > 0) {
    const [h, w] = uprightSize(headers[other] as Metadata);
    throw new ReparamError(
      `${paths[0]} has ${height}×${width} pixels, but ${paths[other]} has ${h}×${w}. Give one size for all with --image-size.`,
    );
  }
  const grey = headers.every((header) => header.channels <= 2);
  return {
    channels: channels ?? (grey ? 1 : 3),
    height: imageSize ?? height,
    width: imageSize ?? width,
  };
}

/** Bytes [N, C, H, W] of the images. Transparent parts become white. */
export async function decodeImages(
  paths: readonly string[],
  { channels, height, width }: ImageFormat,
): Promise<Uint8Array<ArrayBuffer>> {
  const open = await openImage();
  const plane = height * width;
  const out = new Uint8Array(paths.length * channels * plane);
  await forEach(paths, async (path, index) => {
    const image = open(path)
      .autoOrient()
      .flatten({ background: "white" })
      .resize(width, height, { fit: "cover" })
      .toColourspace(channels === 1 ? "b-w" : "srgb");
    const raw = image.raw({ depth: "uchar" });
    const { data, info } = await decoded(path, () => raw.toBuffer({ resolveWithObject: true }));
    const at = index * channels * plane;
    // A grey image may come with one channel where three are wanted.
    const last = info.channels - 1;
    for (let c = 0; c < channels; c++) {
      const from = Math.min(c, last);
      for (let p = 0; p < plane; p++) {
        out[at + c * plane + p] = data[p * info.channels + from] as number;
      }
    }
  });
  return out;
}
