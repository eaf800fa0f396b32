import { permutation, ReparamError, type Tensor } from "../tensor/index.ts";
import { checkCount, gatherRows, storedColumn } from "./split.ts";
import type { Split } from "./types.ts";

export interface LoaderOptions {
  readonly batchSize: number;
  /** Of the order of every epoch. Default 0. */
  readonly seed?: number;
  /** A new random order each epoch (default), or the order of the split. */
  readonly shuffle?: boolean;
  /** Leave out the last batch of an epoch if it is short. Default false. */
  readonly dropLast?: boolean;
}

/**
 * Batches as a pure function of their number: a run that is resumed at batch `cursor` sees what it would
 * have seen without the interruption.
 */
export interface Loader {
  readonly batchSize: number;
  readonly batchesPerEpoch: number;
  /** Samples that an epoch visits. */
  readonly length: number;
  /**
   * Batch `cursor`, counted from 0 across epochs (epoch = ⌊cursor / batchesPerEpoch⌋). Every column is
   * a tensor [B, ...shape] in memory of its own; B is `batchSize`, or less in the last batch of an epoch.
   */
  batch(cursor: number): Record<string, Tensor>;
}

/**
 * A loader over a split.
 * Throws if `batchSize` is not a positive integer, or if `dropLast` would leave no batch.
 */
export function createLoader(split: Split, options: LoaderOptions): Loader {
  const { batchSize, seed = 0, shuffle = true, dropLast = false } = options;
  checkCount("batchSize", batchSize, 1);
  const batchesPerEpoch = (dropLast ? Math.floor : Math.ceil)(split.length / batchSize);
  if (batchesPerEpoch === 0 && split.length > 0) {
    throw new ReparamError(
      `batchSize ${batchSize} is more than the ${split.length} samples, and dropLast leaves no batch. Use a smaller batch.`,
    );
  }
  let cached = { epoch: -1, order: new Uint32Array(0) };
  const orderOf = (epoch: number): Uint32Array<ArrayBuffer> => {
    if (cached.epoch === epoch) return cached.order;
    const order = shuffle
      ? shuffledOrder(split, seed, epoch)
      : Uint32Array.from({ length: split.length }, (_, i) => i);
    cached = { epoch, order };
    return order;
  };
  return {
    batchSize,
    batchesPerEpoch,
    length: dropLast ? batchesPerEpoch * batchSize : split.length,
    batch(cursor) {
      if (!Number.isInteger(cursor) || cursor < 0 || batchesPerEpoch === 0) {
        const why = batchesPerEpoch === 0 ? "the split is empty" : "batches count from 0";
        throw new ReparamError(`loader: there is no batch ${cursor}: ${why}.`);
      }
      const at = (cursor % batchesPerEpoch) * batchSize;
      const epoch = shuffle ? Math.floor(cursor / batchesPerEpoch) : 0;
      const rows = orderOf(epoch).subarray(at, at + batchSize);
      return tensorsAt(split, rows, shuffle ? { seed, epoch } : undefined);
    },
  };
}

/**
 * The order of an epoch. Rows on disk come in blocks of neighbours: the blocks are permuted, and the rows
 * inside of as many of them as may be in memory at once.
 */
function shuffledOrder(split: Split, seed: number, step: number): Uint32Array<ArrayBuffer> {
  const { length, columns } = split;
  const stored = Object.values(columns).find((column) => column.stored !== undefined)?.stored;
  if (stored === undefined) return permutation(length, { seed, step, path: "shuffle" });
  const { blockRows, blocksKept } = stored;
  const order = new Uint32Array(length);
  const blocks = permutation(Math.ceil(length / blockRows), { seed, step, path: "shuffle.blocks" });
  // A block of the split may lie across three of the file, where other splits took rows out of it.
  const group = Math.max(1, Math.floor(blocksKept / 3));
  let filled = 0;
  for (let first = 0; first < blocks.length; first += group) {
    const start = filled;
    for (const block of blocks.subarray(first, first + group)) {
      const end = Math.min((block + 1) * blockRows, length);
      for (let row = block * blockRows; row < end; row++) order[filled++] = row;
    }
    const rows = order.slice(start, filled);
    const path = `shuffle.rows.${first / group}`;
    const inside = permutation(rows.length, { seed, step, path });
    for (const [i, from] of inside.entries()) order[start + i] = rows[from] as number;
  }
  return order;
}

/** Samples as they are in an epoch of training if `draw` names one. */
function tensorsAt(
  split: Split,
  indices: Uint32Array,
  draw: { readonly seed: number; readonly epoch: number } | undefined,
): Record<string, Tensor> {
  const batch: Record<string, Tensor> = {};
  for (const [name, column] of Object.entries(split.columns)) {
    const { dtype, shape, stored } = column;
    const moved = draw === undefined ? undefined : stored?.inEpoch?.(draw);
    const rows = moved === undefined ? column : storedColumn(dtype, shape, moved);
    batch[name] = { dtype, shape: [indices.length, ...shape], data: gatherRows(rows, indices) };
  }
  return batch;
}
