import type { Batch } from "../../step/index.ts";
import { allocate, elementCount, ReparamError, type Tensor } from "../../tensor/index.ts";
import type { ExpectationModel } from "./model.ts";

/** Rows of numbers on the host, row-major [count, size]. */
export interface Rows {
  readonly count: number;
  readonly size: number;
  readonly data: Float64Array<ArrayBuffer>;
}

/** The next batches, until they have `limit` rows. */
export function takeBatches(batches: Iterator<Batch>, limit: number): Batch[] {
  const taken: Batch[] = [];
  for (let count = 0; count < limit; ) {
    const { value, done } = batches.next();
    if (done === true) break;
    taken.push(value);
    count += rowCount(value);
  }
  return taken;
}

/** Those batches, then what is left of the pass. */
export function* following(taken: readonly Batch[], pass: Iterator<Batch>): Iterable<Batch> {
  yield* taken;
  for (let next = pass.next(); next.done !== true; next = pass.next()) yield next.value;
}

/** Batches as one. */
export function joinBatches(taken: readonly Batch[]): Batch {
  const count = taken.reduce((sum, batch) => sum + rowCount(batch), 0);
  const [first] = taken;
  if (first === undefined || taken.length === 1) return first ?? {};
  return Object.fromEntries(
    Object.entries(first).map(([name, { dtype, shape }]) => {
      const data = allocate(dtype, count * elementCount(shape.slice(1)));
      let at = 0;
      for (const batch of taken) {
        const part = (batch[name] as Tensor).data;
        // One cast serves every element type: the arrays are of one kind.
        (data as Float64Array).set(part as Float64Array, at);
        at += part.length;
      }
      return [name, { dtype, shape: [count, ...shape.slice(1)], data }];
    }),
  );
}

export const rowCount = (batch: Batch): number => Object.values(batch)[0]?.shape[0] ?? 0;

/** A column as float64 rows. */
export function rowsOf({ shape, data }: Tensor): Rows {
  const count = shape[0] as number;
  return {
    count,
    size: elementCount(shape.slice(1)),
    data: Float64Array.from(data as Float64Array),
  };
}

/** Rows with every NaN replaced by its column's mean; 0 in a column that has no number. */
export function filledRows({ count, size, data }: Rows): Rows {
  if (!data.some(Number.isNaN)) return { count, size, data };
  const filled = data.slice();
  for (let j = 0; j < size; j++) {
    let [sum, seen] = [0, 0];
    for (let i = j; i < data.length; i += size) {
      const value = data[i] as number;
      if (Number.isNaN(value)) continue;
      sum += value;
      seen += 1;
    }
    const mean = seen === 0 ? 0 : sum / seen;
    for (let i = j; i < data.length; i += size) {
      if (Number.isNaN(data[i])) filled[i] = mean;
    }
  }
  return { count, size, data: filled };
}

/**
 * Throws where a batch has infinities, NaN that the model does not marginalise, or numbers below 0 where there
 * may be none. Says which column and feature it is.
 */
export function checkFinite(
  { name, batch: wanted, missing = false, nonNegative = false }: ExpectationModel,
  batch: Batch,
): void {
  for (const [column, { dtype }] of Object.entries(wanted)) {
    if (dtype !== "float64" && dtype !== "float32") continue;
    const { data, shape } = batch[column] as Tensor;
    const size = elementCount(shape.slice(1));
    const positive = nonNegative || column === "weight";
    const bad = (data as Float64Array).findIndex((value) =>
      Number.isNaN(value)
        ? column === "weight" || !missing
        : !Number.isFinite(value) || (positive && value < 0),
    );
    if (bad === -1) continue;
    const where = size === 1 ? column : `feature ${bad % size} of ${column}`;
    const want = positive ? "finite numbers of at least 0" : "finite numbers";
    throw new ReparamError(
      `${name}: ${where} has a ${String(data[bad])}; wanted are ${want}. Clean the data, or leave the column out.`,
    );
  }
}
