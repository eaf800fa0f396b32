import {
  allocate,
  type DType,
  elementCount,
  permutation,
  ReparamError,
  type Tensor,
} from "../tensor/index.ts";
import { binarize } from "./binarize.ts";
import type { Column, Split, SplitName, SplitOptions, StoredRows } from "./types.ts";

/** Which samples of which part of the source make a split. */
export interface SplitPlan {
  readonly from: SplitName;
  readonly indices: Uint32Array;
}

/** A split over existing columns. Throws if their lengths differ. */
export function makeSplit(columns: Readonly<Record<string, Column>>): Split {
  let length: number | undefined;
  for (const [name, column] of Object.entries(columns)) {
    const rows = column.stored?.length ?? column.data.length / elementCount(column.shape);
    length ??= rows;
    if (rows !== length || !Number.isInteger(rows)) {
      throw new ReparamError(`column "${name}" has ${rows} samples, others have ${length}.`);
    }
  }
  return { length: length ?? 0, columns };
}

/** The samples at `indices`, in that order. A run of consecutive ones shares memory with the source. */
export function takeSamples(split: Split, indices: Uint32Array): Split {
  const first = indices[0] ?? 0;
  const consecutive = indices.every((index, i) => index === first + i);
  const columns: Record<string, Column> = {};
  for (const [name, column] of Object.entries(split.columns)) {
    const { dtype, shape, stored } = column;
    const size = elementCount(shape);
    if (stored !== undefined) {
      columns[name] = storedColumn(dtype, shape, stored.pick(indices));
      continue;
    }
    const data = consecutive
      ? column.data.subarray(first * size, (first + indices.length) * size)
      : gatherRows(column, indices);
    columns[name] = { dtype, shape, data };
  }
  return { ...split, length: indices.length, columns };
}

/** A column whose rows stay on disk. */
export function storedColumn(dtype: DType, shape: readonly number[], stored: StoredRows): Column {
  let whole: WeakRef<Column["data"]> | undefined;
  return {
    dtype,
    shape,
    stored,
    // For code that does not know of stored rows: read once, and kept as long as somebody holds it.
    get data() {
      let data = whole?.deref();
      if (data === undefined) {
        data = allocate(dtype, stored.length * elementCount(shape));
        stored.read(0, stored.length, data);
        whole = new WeakRef(data);
      }
      return data;
    },
  };
}

/** Rows `from` … `to` − 1 of a column. They share memory with it unless it is stored. */
export function readRows(column: Column, from: number, to: number): Tensor {
  const { dtype, shape, stored } = column;
  const size = elementCount(shape);
  const rows = [to - from, ...shape];
  if (stored === undefined) {
    return { dtype, shape: rows, data: column.data.subarray(from * size, to * size) };
  }
  const data = allocate(dtype, (to - from) * size);
  stored.read(from, to - from, data);
  return { dtype, shape: rows, data };
}

/** A new array with the rows of a column at `indices`. */
export function gatherRows(column: Column, indices: Uint32Array): Column["data"] {
  const { dtype, shape, stored } = column;
  const size = elementCount(shape);
  if (stored !== undefined) {
    const gathered = allocate(dtype, indices.length * size);
    stored.gather(indices, gathered);
    return gathered;
  }
  // Row copies do not look at the values, so one cast serves every element type.
  const source = column.data as Uint8Array<ArrayBuffer>;
  const rows = allocate(dtype, indices.length * size) as Uint8Array<ArrayBuffer>;
  let start = 0;
  for (let i = 1; i <= indices.length; i++) {
    // Neighbours are copied together.
    if (i < indices.length && indices[i] === (indices[i - 1] as number) + 1) continue;
    const at = (indices[start] as number) * size;
    rows.set(source.subarray(at, at + (i - start) * size), start * size);
    start = i;
  }
  return rows;
}

/** A twelfth, 5000 of MNIST's 60000, but at least one of three. */
const defaultShare = (length: number): number =>
  length < 3 ? 0 : Math.max(1, Math.floor(length / 12));

const consecutive = (length: number): Uint32Array => Uint32Array.from({ length }, (_, i) => i);

/**
 * Divides a source into train, validation and test. What the source has as a part of its own stays that
 * part; a missing test part and the validation part are cut from the end of the training samples, which
 * are put in a random order first unless `published` says that their order is to be kept.
 */
export function planSplits(
  counts: { readonly train: number; readonly validation?: number; readonly test?: number },
  options: SplitOptions,
  published: boolean,
): Record<SplitName, SplitPlan> {
  const { seed = 0, limit = Number.POSITIVE_INFINITY } = options;
  checkCount("limit", options.limit, 1);
  checkCount("validation", options.validation, 0);
  if (options.whole === true && counts.test === undefined) {
    const none = { from: "train", indices: new Uint32Array(0) } as const;
    const all = { from: "train", indices: consecutive(counts.train).slice(0, limit) } as const;
    return { train: none, validation: none, test: all };
  }
  let train = published
    ? consecutive(counts.train)
    : permutation(counts.train, { seed, step: 0, path: "split" });
  const cut = (size: number): Uint32Array => {
    const tail = train.slice(train.length - size);
    train = train.slice(0, train.length - size);
    return tail;
  };
  const test: SplitPlan =
    counts.test === undefined
      ? { from: "train", indices: cut(defaultShare(train.length)) }
      : { from: "test", indices: consecutive(counts.test) };
  const most = counts.validation ?? Math.max(0, train.length - 1);
  const wanted = options.validation ?? counts.validation ?? defaultShare(train.length);
  if (wanted > most) {
    throw new ReparamError(
      `validation: ${wanted} samples wanted, but at most ${most} can be had. Take fewer, or 0.`,
    );
  }
  const validation: SplitPlan =
    counts.validation === undefined
      ? { from: "train", indices: cut(wanted) }
      : { from: "validation", indices: consecutive(wanted) };
  const limited = ({ from, indices }: SplitPlan) => ({ from, indices: indices.slice(0, limit) });
  return {
    train: limited({ from: "train", indices: train }),
    validation: limited(validation),
    test: limited(test),
  };
}

/** Throws unless the option is absent or an integer of at least `least`. */
export function checkCount(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new ReparamError(`${name} must be an integer of at least ${least}, got ${value}.`);
}

/**
 * The planned split with its images binarised. Thresholds belong to the sample's place in the source, so
 * an image becomes the same black and white in whichever split it lands.
 */
export function prepareSplit(samples: Split, plan: SplitPlan, options: SplitOptions): Split {
  const { binarize: kind = "none", seed = 0 } = options;
  return binarize(samples, kind, { seed, part: plan.from, indices: plan.indices });
}
