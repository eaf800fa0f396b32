// How good sentences are: whether the grammar has them, and how often they have which n symbols in a row.
import { isArithmetic } from "reparam/data";
import type { Tensor } from "reparam/tensor";

/** Sequences [N, T] of symbols by number as texts of T symbols. */
export function textsOf({ data, shape }: Tensor, symbols: readonly string[]): string[] {
  const [rows = 0, length = 0] = shape;
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (_, t) => symbols[Number(data[row * length + t])]).join(""),
  );
}

/** Share of texts that are sentences. */
export const validShare = (texts: readonly string[]): number =>
  texts.filter(isArithmetic).length / texts.length;

/** Shares of runs of n symbols, the spaces at the end of a text included. */
function runs(texts: readonly string[], n: number): Map<string, number> {
  const shares = new Map<string, number>();
  const each = 1 / texts.reduce((sum, text) => sum + text.length - n + 1, 0);
  for (const text of texts) {
    for (let i = 0; i + n <= text.length; i++) {
      const run = text.slice(i, i + n);
      shares.set(run, (shares.get(run) ?? 0) + each);
    }
  }
  return shares;
}

/** Total variation distance, half the sum of absolute differences, of the runs of n symbols. */
export function runDistance(a: readonly string[], b: readonly string[], n: number): number {
  const [p, q] = [runs(a, n), runs(b, n)];
  let distance = 0;
  for (const run of new Set([...p.keys(), ...q.keys()])) {
    distance += Math.abs((p.get(run) ?? 0) - (q.get(run) ?? 0)) / 2;
  }
  return distance;
}

/** Total variation distance of the lengths, without the spaces at the end. */
export function lengthDistance(a: readonly string[], b: readonly string[]): number {
  const share = (texts: readonly string[], length: number): number =>
    texts.filter((text) => text.trimEnd().length === length).length / texts.length;
  const longest = Math.max(...[...a, ...b].map((text) => text.length));
  return Array.from(
    { length: longest + 1 },
    (_, length) => Math.abs(share(a, length) - share(b, length)) / 2,
  ).reduce((sum, d) => sum + d);
}
