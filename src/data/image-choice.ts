// Which images of a folder are taken, and how all of them will look.
import type { Metadata } from "sharp";
import { ReparamError } from "../tensor/index.ts";
import {
  type Decoded,
  decodeReadable,
  forEach,
  type ImageFormat,
  openImage,
  unreadableLine,
} from "./image-files.ts";
import type { ImageOptions } from "./types.ts";

/** Images by their paths, and a line for each file that is left out: its path, and why. */
export interface ChosenImages {
  readonly format: ImageFormat;
  readonly paths: readonly string[];
  readonly leftOut: readonly string[];
}

interface Header {
  readonly path: string;
  readonly height: number;
  readonly width: number;
  readonly grey: boolean;
}

/**
 * The images to decode, by their headers. Files that have none are refused, or left out, as `unreadable` says; images
 * of other sizes or colours than most as `unlike` says.
 * @throws ReparamError for what is refused, and if nothing is left.
 */
export async function chooseImages(
  paths: readonly string[],
  options: ImageOptions,
): Promise<ChosenImages> {
  const { headers, unreadable } = await readHeaders(paths);
  if (options.unreadable !== "skip") refuseUnreadable(unreadable);
  if (headers.length === 0) {
    throw new ReparamError(`none of ${paths.length} images can be read: ${unreadable[0]}.`);
  }
  const { kept, unlike } = likeMost(headers, options);
  const [first] = kept as [Header];
  const [height, width] = sizeOf(options) ?? [first.height, first.width];
  const channels = options.channels ?? (kept.every(({ grey }) => grey) ? 1 : 3);
  return {
    format: { channels, height, width },
    paths: kept.map(({ path }) => path),
    leftOut: [...unreadable, ...unlike],
  };
}

/** Height and width that all images are to have. */
export const sizeOf = ({ imageSize }: ImageOptions): readonly [number, number] | undefined =>
  typeof imageSize === "number" ? [imageSize, imageSize] : imageSize;

/** Throws if there are any such lines. */
export function refuseUnreadable(lines: readonly string[]): void {
  const [first, ...others] = lines;
  if (first === undefined) return;
  const them = others.length === 0 ? "it" : "them";
  const more = others.length === 0 ? "" : `, and so it is with ${others.length} more`;
  throw new ReparamError(
    `${first}${more}. Replace or remove ${them}, or leave ${them} out with --unreadable skip.`,
  );
}

async function readHeaders(
  paths: readonly string[],
): Promise<{ readonly headers: readonly Header[]; readonly unreadable: readonly string[] }> {
  const open = await openImage();
  const found: (Header | string)[] = new Array(paths.length);
  await forEach(paths, async (path, i) => {
    try {
      found[i] = headerOf(path, await open(path).metadata());
    } catch (error) {
      found[i] = unreadableLine(path, error as Error);
    }
  });
  return {
    headers: found.filter((each) => typeof each !== "string"),
    unreadable: found.filter((each) => typeof each === "string"),
  };
}

/** Height and width as seen: cameras store pictures on their side and say so in the metadata. */
function headerOf(path: string, { width, height, channels, orientation = 1 }: Metadata): Header {
  const turned = orientation >= 5;
  return {
    ...{ path, grey: channels <= 2 },
    height: turned ? width : height,
    width: turned ? height : width,
  };
}

/** The images of the most common size and colour, where sizes and colours are not to be changed. */
function likeMost(
  headers: readonly Header[],
  options: ImageOptions,
): { readonly kept: readonly Header[]; readonly unlike: readonly string[] } {
  const sizeText = ({ height, width }: Header): string => `${height}×${width} pixels`;
  const colourText = ({ grey }: Header): string => (grey ? "grey" : "coloured");
  const ofSize = options.imageSize === undefined ? mostCommon(headers.map(sizeText)) : undefined;
  const ofColour = options.channels === undefined ? mostCommon(headers.map(colourText)) : undefined;
  const complaint = (header: Header): string | undefined => {
    const [size, colour] = [sizeText(header), colourText(header)];
    if (ofSize !== undefined && size !== ofSize) return `${size}, not ${ofSize}`;
    // Grey images become coloured ones unless something else is asked for.
    const strict = options.unlike !== undefined && ofColour !== undefined;
    return strict && colour !== ofColour ? `${colour}, not ${ofColour}` : undefined;
  };
  const kept = headers.filter((header) => complaint(header) === undefined);
  const others = headers.filter((header) => complaint(header) !== undefined);
  const unlike = others.map((header) => `${header.path}: ${complaint(header)}`);
  if (unlike.length > 0 && options.unlike !== "skip") {
    const more = unlike.length > 1 ? `, and so it is with ${unlike.length - 1} more` : "";
    throw new ReparamError(
      `${unlike[0]} as ${kept[0]?.path}${more}. Give one size with --image-size, and --channels 1 or 3, or leave out what is unlike most with --unlike skip.`,
    );
  }
  return { kept, unlike };
}

/** The first of those that are there most often. */
function mostCommon(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  let best: string | undefined;
  for (const [name, count] of counts) {
    if (best === undefined || count > (counts.get(best) as number)) best = name;
  }
  return best;
}

/** Those of the files that decode; what does not is refused, or named in `leftOut`. */
export async function decodeChosen(
  paths: readonly string[],
  format: ImageFormat,
  unreadable: ImageOptions["unreadable"],
): Promise<Decoded> {
  const decoded = await decodeReadable(paths, format);
  if (unreadable !== "skip") refuseUnreadable(decoded.leftOut);
  return decoded;
}
