import { ReparamError, type TypedArray } from "../tensor/index.ts";
import type { StoredRows } from "./types.ts";

/** Rows of numbers that can be read in runs. */
export interface BlockSource {
  readonly path: string;
  /** Rows. */
  readonly length: number;
  /** Numbers of a row. */
  readonly size: number;
  /** Rows `start` … `start + count − 1`, row-major, into the beginning of `into`. */
  read(start: number, count: number, into: TypedArray): void;
}

/** Half a megabyte at once, and at most 64 MB in memory. */
const blockBytes = 2 ** 19;
const blocksKept = 128;

/**
 * Rows read in blocks, of which those used last stay in memory. Throws while reading if a number is infinite.
 */
export function storedRows(source: BlockSource): StoredRows {
  const { length, size } = source;
  const blockRows = Math.max(1, Math.floor(blockBytes / (8 * size)));
  /** In the order of their last use. */
  const blocks = new Map<number, Float64Array<ArrayBuffer>>();
  const block = (index: number): Float64Array<ArrayBuffer> => {
    let found = blocks.get(index);
    if (found === undefined) {
      const start = index * blockRows;
      const count = Math.min(blockRows, length - start);
      found = new Float64Array(count * size);
      source.read(start, count, found);
      checkFinite(found, source, start);
      const [oldest] = blocks.keys();
      if (blocks.size >= blocksKept && oldest !== undefined) blocks.delete(oldest);
    } else {
      blocks.delete(index);
    }
    blocks.set(index, found);
    return found;
  };
  let last = { index: -1, values: new Float64Array(0) };
  const copy = (row: number, into: TypedArray, to: number): void => {
    const index = Math.floor(row / blockRows);
    if (index !== last.index) last = { index, values: block(index) };
    const { values } = last;
    const from = (row - index * blockRows) * size;
    for (let i = 0; i < size; i++) into[to + i] = values[from + i] as number;
  };
  return viewOf(copy, size, blockRows, length, undefined);
}

/** Rows at `indices` of what `copy` reads; all of them if there are none. */
function viewOf(
  copy: (row: number, into: TypedArray, to: number) => void,
  size: number,
  blockRows: number,
  length: number,
  indices: Uint32Array | undefined,
): StoredRows {
  const rowAt = (place: number): number =>
    indices === undefined ? place : (indices[place] as number);
  return {
    length,
    blockRows,
    blocksKept,
    read(start, count, into) {
      for (let i = 0; i < count; i++) copy(rowAt(start + i), into, i * size);
    },
    gather(rows, into) {
      for (let i = 0; i < rows.length; i++) copy(rowAt(rows[i] as number), into, i * size);
    },
    pick: (picked) => {
      const composed = indices === undefined ? picked : picked.map(rowAt);
      return viewOf(copy, size, blockRows, picked.length, composed);
    },
  };
}

function checkFinite(values: Float64Array, { path, size }: BlockSource, start: number): void {
  const at = values.findIndex((value) => Math.abs(value) === Number.POSITIVE_INFINITY);
  if (at < 0) return;
  const place = `row ${start + Math.floor(at / size)}`;
  throw new ReparamError(
    `${path}: ${place} has an infinite number. Numbers must be finite, or NaN where they are missing.`,
  );
}
