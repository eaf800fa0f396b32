import { formatShape, ReparamError, type Tensor } from "../tensor/index.ts";
import type { Picture } from "./png.ts";

export interface GridOptions {
  /** Images a row; about the square root of their number by default. */
  readonly columns?: number;
  /** Pixels between images and around them, after scaling; 2 by default. */
  readonly padding?: number;
  /** Each pixel becomes scale × scale pixels; 1 by default. */
  readonly scale?: number;
  /** Grey level of the padding and of empty cells, 0 to 255; 64 by default. */
  readonly background?: number;
}

/**
 * Lays images out in rows, left to right and top to bottom.
 *
 * `images` is [N, C, H, W] with C = 1 (grey), 3 (RGB) or 4 (RGBA): uint8 in 0 … 255, or float32 or float64
 * in [0, 1], which are clamped and rounded (NaN becomes 0).
 */
export function imageGrid(images: Tensor, options: GridOptions = {}): Picture {
  const shape = imageShape("imageGrid", images);
  const [count] = shape;
  const columns = positive("columns", options.columns ?? Math.ceil(Math.sqrt(count)));
  const read = byteReader(images);
  const cells: Cell[] = Array.from({ length: count }, (_, image) => ({ read, image }));
  return drawCells(cells, { ...options, columns }, shape);
}

/**
 * Originals and reconstructions in alternating rows: a row of originals, below it their reconstructions.
 * Both are [N, C, H, W] of one shape, see `imageGrid`; their dtypes may differ. Ten columns by default.
 */
export function pairGrid(
  originals: Tensor,
  reconstructions: Tensor,
  options: GridOptions = {},
): Picture {
  const shape = imageShape("pairGrid", originals);
  const [count] = shape;
  if (formatShape(originals.shape) !== formatShape(reconstructions.shape)) {
    throw new ReparamError(
      `pairGrid: originals are ${formatShape(originals.shape)}, reconstructions ${formatShape(reconstructions.shape)}. Give equal shapes.`,
    );
  }
  const columns = Math.min(positive("columns", options.columns ?? 10), count);
  const readers = [byteReader(originals), byteReader(reconstructions)];
  const cells: (Cell | undefined)[] = [];
  for (let first = 0; first < count; first += columns) {
    for (const read of readers) {
      for (let image = first; image < first + columns; image++) {
        cells.push(image < count ? { read, image } : undefined);
      }
    }
  }
  return drawCells(cells, { ...options, columns }, shape);
}

/** Image number `image` of a batch whose elements `read` gives as bytes. */
interface Cell {
  readonly read: (element: number) => number;
  readonly image: number;
}

function drawCells(
  cells: readonly (Cell | undefined)[],
  options: GridOptions & { readonly columns: number },
  [, channels, height, width]: ImageShape,
): Picture {
  const { columns, padding = 2, background = 64 } = options;
  const scale = positive("scale", options.scale ?? 1);
  if (!Number.isInteger(padding) || padding < 0) {
    throw new ReparamError(`imageGrid: padding must be an integer of 0 or more, got ${padding}.`);
  }
  const gridWidth = columns * (width * scale + padding) + padding;
  const gridHeight = Math.ceil(cells.length / columns) * (height * scale + padding) + padding;
  const pixels = new Uint8Array(gridWidth * gridHeight * channels).fill(background);
  if (channels === 4) for (let i = 3; i < pixels.length; i += 4) pixels[i] = 255;
  for (const [n, cell] of cells.entries()) {
    if (cell === undefined) continue;
    const left = padding + (n % columns) * (width * scale + padding);
    const top = padding + Math.floor(n / columns) * (height * scale + padding);
    for (let c = 0; c < channels; c++) {
      const plane = (cell.image * channels + c) * height * width;
      for (let y = 0; y < height * scale; y++) {
        const row = plane + Math.floor(y / scale) * width;
        const at = (top + y) * gridWidth + left;
        for (let x = 0; x < width * scale; x++) {
          pixels[(at + x) * channels + c] = cell.read(row + Math.floor(x / scale));
        }
      }
    }
  }
  return { pixels, width: gridWidth, height: gridHeight, channels };
}

type ImageShape = readonly [count: number, channels: 1 | 3 | 4, height: number, width: number];

function imageShape(who: string, images: Tensor): ImageShape {
  const [count = 0, channels = 0, height = 0, width = 0] = images.shape;
  if (images.shape.length !== 4 || ![1, 3, 4].includes(channels)) {
    throw new ReparamError(
      `${who}: images must be [N, C, H, W] with C = 1, 3 or 4, got ${formatShape(images.shape)}.`,
    );
  }
  if (count * height * width === 0) {
    throw new ReparamError(`${who}: there is nothing to draw in ${formatShape(images.shape)}.`);
  }
  return [count, channels as 1 | 3 | 4, height, width];
}

/** Element i as a byte: bytes as they are, floats from [0, 1] clamped and rounded. */
function byteReader({ dtype, data }: Tensor): (i: number) => number {
  if (dtype === "uint8") return (i) => data[i] as number;
  if (dtype === "float32" || dtype === "float64") {
    return (i) => {
      const value = data[i] as number;
      return value > 0 ? Math.round(Math.min(value, 1) * 255) : 0;
    };
  }
  throw new ReparamError(
    `imageGrid: images must be uint8 in 0..255 or floats in [0, 1], got ${dtype}. Convert them first.`,
  );
}

function positive(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new ReparamError(`imageGrid: ${name} must be a positive integer, got ${value}.`);
}
