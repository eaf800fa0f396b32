import type { Dataset } from "../data/index.ts";
import { encodeNpy } from "../data/npy.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Context } from "./terminal.ts";
import type { Figures } from "./verb.ts";

/** Sequences [N, T] of symbols by number as lines of text, without the spaces at their ends. */
export function linesOf({ data, shape }: Tensor, symbols: readonly string[]): string[] {
  const [rows = 0, length = 0] = shape;
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (_, t) => symbols[Number(data[row * length + t])] ?? "?")
      .join("")
      .trimEnd(),
  );
}

/**
 * Says the sequences that a function made, a line each, and writes them where that is asked for; undefined where
 * it made none, or where the data does not name its symbols.
 */
export async function saySequences(
  { tokens }: Readonly<Record<string, Tensor>>,
  { names }: Dataset,
  files: { readonly out?: string | undefined; readonly npy?: string | undefined },
  { say }: Context,
): Promise<Figures | undefined> {
  const symbols = names?.tokens;
  if (tokens === undefined || symbols === undefined) return undefined;
  const { writeAtomic } = await import("../run/index.ts");
  const lines = linesOf(tokens, symbols);
  for (const line of lines) say(line);
  const written: string[] = [];
  if (files.out !== undefined) {
    await writeAtomic(files.out, `${lines.join("\n")}\n`);
    written.push(files.out);
  }
  if (files.npy !== undefined) {
    await writeAtomic(files.npy, encodeNpy(tokens));
    written.push(files.npy);
  }
  for (const file of written) say(file);
  return { lines, files: written };
}
