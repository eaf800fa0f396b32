// Columns that a hidden Markov model reads as sequences.
import { cast, equal, full, min, reshape, where } from "../../ops/index.ts";
import type { BatchSpec, DataShape } from "../../step/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { B } from "./options.ts";

const name = "hidden-markov";
/** Times that are unrolled into a graph. */
const longest = 256;

/** Sequences of a column: x [B, T, D] or [B, T], or images, whose rows follow each other. */
export interface Sequences {
  readonly column: "x" | "image";
  readonly spec: BatchSpec[string];
  readonly times: number;
  readonly size: number;
  /** Rows [B·T, D] of all times, and 1 where they were observed [B·T]. */
  readonly read: (columns: Readonly<Record<string, Value>>) => { rows: Value; seen: Value };
  readonly write: (rows: Value) => Value;
}

/** Throws, with what is wanted, where the data has no sequences. `symbols` 0: numbers. */
export function sequencesOf({ columns }: DataShape, symbols: number): Sequences {
  const { x, image } = columns;
  const column = x === undefined ? "image" : "x";
  const given = x ?? image;
  const shape = (given?.shape.slice(1) ?? []) as number[];
  const [times, size] = column === "x" ? [shape[0], shape[1] ?? 1] : [shape[1], shape[2]];
  const fits =
    column === "x"
      ? /^(float|int32)/.test(given?.dtype ?? "") && shape.length < 3
      : shape[0] === 1 && symbols === 0;
  if (
    given === undefined ||
    times === undefined ||
    size === undefined ||
    !fits ||
    (symbols > 0 && size !== 1)
  ) {
    throw new ReparamError(
      `${name} wants sequences: a data set with a column x of float64 or float32 [T, D] or [T] (symbols: [T]), or grey images, whose rows follow each other.`,
    );
  }
  if (times > longest) {
    throw new ReparamError(
      `${name}: sequences have ${times} times, but at most ${longest} are unrolled. Cut them into parts.`,
    );
  }
  const scale = column === "image" ? 1 / 255 : 1;
  return {
    ...{ column, times, size, spec: { dtype: given.dtype, shape: [B, ...shape] } },
    read: (batch) => {
      const rows = reshape(cast(batch[column] as Value, "float64"), [-1, size]).mul(scale);
      const there = equal(rows, rows); // NaN is what is not equal to itself
      return {
        rows: where(there, rows, full(rows.shape, 0, "float64")),
        seen: min(cast(there, "float64"), 1),
      };
    },
    write: (rows) =>
      cast(reshape(rows, [-1, ...shape]), column === "image" ? "float32" : given.dtype),
  };
}
