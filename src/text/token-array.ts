/** Ids of tokens in a row, as small as the vocabulary allows. */
export type TokenArray = Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Room for `length` ids below `vocabulary`. */
export const tokenArray = (vocabulary: number, length: number): TokenArray =>
  vocabulary <= 2 ** 16 ? new Uint16Array(length) : new Int32Array(length);

/** Ids that are added one run after the other. */
export interface TokenWriter {
  add(ids: ArrayLike<number>): void;
  /** All that was added. */
  finish(): TokenArray;
}

/** A writer that begins with room for `expected` ids, and takes more when it has to. */
export function tokenWriter(vocabulary: number, expected: number): TokenWriter {
  let room = tokenArray(vocabulary, Math.max(16, expected));
  let length = 0;
  return {
    add(ids) {
      if (length + ids.length > room.length) {
        const larger = tokenArray(vocabulary, Math.max(2 * room.length, length + ids.length));
        larger.set(room.subarray(0, length));
        room = larger;
      }
      room.set(ids, length);
      length += ids.length;
    },
    finish: () => room.slice(0, length) as TokenArray,
  };
}
