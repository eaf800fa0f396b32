import { fillBits, type TypedArray } from "../tensor/index.ts";
import type { TokenArray } from "../text/index.ts";
import { storedColumn } from "./split.ts";
import type { Column, StoredRows } from "./types.ts";

/** Where windows lie in a stream of tokens. */
interface Windows {
  readonly tokens: TokenArray;
  /** Tokens of a window that have a successor in it: windows of `context + 1` begin `context` apart. */
  readonly context: number;
  /** Where the first window begins. */
  readonly offset: number;
  /** Windows by number. */
  readonly indices: Uint32Array | undefined;
  readonly length: number;
}

/** Windows that fit one after the other. Neighbours share a token: the last of one is the first of the next. */
export const windowCount = (tokens: number, context: number): number =>
  Math.max(0, Math.floor((tokens - 1) / context));

/** Column `tokens`, int32 [context + 1]: windows one after the other, the same in every epoch. */
export function consecutiveWindows(tokens: TokenArray, context: number): Column {
  const length = windowCount(tokens.length, context);
  return column({ tokens, context, offset: 0, indices: undefined, length }, undefined);
}

/**
 * The same for training: in every epoch the windows lie elsewhere, all moved by one random number below
 * `context`, so that an epoch sees each token once, and in time after every number of others.
 */
export function movedWindows(tokens: TokenArray, context: number): Column {
  // One window fewer than there is room for, unless it is the only one.
  const length = Math.max(1, windowCount(tokens.length - context + 1, context));
  const room = Math.min(context, tokens.length - length * context);
  return column({ tokens, context, offset: 0, indices: undefined, length }, room);
}

const column = (windows: Windows, room: number | undefined): Column =>
  storedColumn("int32", [windows.context + 1], windowRows(windows, room));

function windowRows(windows: Windows, room: number | undefined): StoredRows {
  const { tokens, context, offset, indices, length } = windows;
  const copy = (place: number, into: TypedArray, to: number): void => {
    const start = offset + (indices?.[place] ?? place) * context;
    const window = tokens.subarray(start, start + context + 1);
    (into as Int32Array).set(window, to * (context + 1));
  };
  return {
    length,
    // All in memory: one block.
    blockRows: Math.max(1, length),
    blocksKept: 1,
    read(start, count, into) {
      for (let i = 0; i < count; i++) copy(start + i, into, i);
    },
    gather(rows, into) {
      for (const [i, row] of rows.entries()) copy(row, into, i);
    },
    pick: (picked) => {
      const chosen = indices === undefined ? picked : picked.map((at) => indices[at] as number);
      return windowRows({ ...windows, indices: chosen, length: chosen.length }, room);
    },
    ...(room !== undefined && {
      inEpoch: ({ seed, epoch }) => {
        const bits = new Uint32Array(1);
        fillBits(bits, { seed, step: epoch, path: "windows" });
        return windowRows({ ...windows, offset: (bits[0] as number) % room }, room);
      },
    }),
  };
}
