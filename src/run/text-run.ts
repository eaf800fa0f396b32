import { join } from "node:path";
import { defaultContext } from "../data/index.ts";
import type { DataShape } from "../step/index.ts";
import { dim, ReparamError } from "../tensor/index.ts";
import { openTokenizer, type Tokenizer, type TokenizerFile } from "../text/index.ts";
import { readBytes, writeAtomic } from "./atomic.ts";
import type { RunConfig } from "./config.ts";

const tokenizerPath = (folder: string): string => join(folder, "tokenizer.json");

/** Writes a run's tokenizer beside its config, so that the model reads and writes text without its data. */
export const writeTokenizer = (folder: string, { file }: Tokenizer): Promise<void> =>
  writeAtomic(tokenizerPath(folder), JSON.stringify(file));

/** The tokenizer of a run of text; undefined for other runs. Throws if the file is damaged. */
export async function readTokenizer(folder: string): Promise<Tokenizer | undefined> {
  const path = tokenizerPath(folder);
  const bytes = await readBytes(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  let file: TokenizerFile;
  try {
    file = JSON.parse(new TextDecoder().decode(bytes)) as TokenizerFile;
  } catch {
    throw new ReparamError(`${path} is not JSON. Restore it, or train the model again.`);
  }
  return openTokenizer(file, path);
}

/** What a method was told of its text when it was trained. */
export function textShape(
  { vocabulary, special }: Tokenizer,
  { data, batchSize }: Pick<RunConfig, "data" | "batchSize">,
): DataShape {
  const { context = defaultContext, samples } = data;
  return {
    columns: { tokens: { dtype: "int32", shape: [dim("B"), context + 1] } },
    ...{ trainSize: samples?.[0] ?? 1, batchSize, classes: undefined, vocabulary, special },
  };
}
