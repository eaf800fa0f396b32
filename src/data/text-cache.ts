import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TokenArray, type TokenizerFile, tokenArray } from "../text/index.ts";
import { cacheFolder } from "./cache.ts";
import type { SplitName } from "./types.ts";

/** A tokenizer and what it made of the parts of a text. */
export interface EncodedTexts {
  readonly file: TokenizerFile;
  readonly streams: Readonly<Record<SplitName, TokenArray>>;
}

/** Changes when the same texts and settings would give other tokens. */
const version = "1";

/** Where tokens of texts and settings lie: a name made of their SHA-256. */
function folderOf(key: readonly string[], cache: string): string {
  const hash = createHash("sha256").update(version);
  for (const part of key) hash.update(`\0${part.length}\0`).update(part);
  return join(cache, "texts", hash.digest("hex").slice(0, 32));
}

const parts: readonly SplitName[] = ["train", "validation", "test"];

/** What was kept for texts and settings; undefined if there is nothing, or not all of it. */
export async function readEncoded(
  key: readonly string[],
  cache = cacheFolder(),
): Promise<EncodedTexts | undefined> {
  const folder = folderOf(key, cache);
  try {
    const file = JSON.parse(await readFile(join(folder, "tokenizer.json"), "utf8"));
    const vocabulary = Object.keys((file as TokenizerFile).model.vocab).length;
    const streams: Partial<Record<SplitName, TokenArray>> = {};
    for (const part of parts) {
      const bytes = await readFile(join(folder, `${part}.tokens`));
      const { BYTES_PER_ELEMENT: width } = tokenArray(vocabulary, 0);
      const stream = tokenArray(vocabulary, Math.floor(bytes.length / width));
      if (stream.byteLength !== bytes.length) return undefined;
      new Uint8Array(stream.buffer).set(bytes);
      streams[part] = stream;
    }
    return { file, streams: streams as EncodedTexts["streams"] };
  } catch {
    return undefined;
  }
}

/** Keeps tokens for the next time. A folder appears whole or not at all; where it cannot be written, it is not. */
export async function writeEncoded(
  key: readonly string[],
  { file, streams }: EncodedTexts,
  cache = cacheFolder(),
): Promise<void> {
  const work = join(cache, `.fetch-${process.pid}-${randomUUID()}`);
  try {
    await mkdir(work, { recursive: true });
    await writeFile(join(work, "tokenizer.json"), JSON.stringify(file));
    for (const part of parts) {
      const { buffer, byteLength } = streams[part];
      await writeFile(join(work, `${part}.tokens`), new Uint8Array(buffer, 0, byteLength));
    }
    await mkdir(join(cache, "texts"), { recursive: true });
    await rename(work, folderOf(key, cache));
  } catch {
    // Another process was first, or there is no room: the tokens are in memory all the same.
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
