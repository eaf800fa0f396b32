import { readFile } from "node:fs/promises";
import { ReparamError } from "../tensor/index.ts";
import {
  openTokenizer,
  type TokenArray,
  type Tokenizer,
  type TokenizerFile,
  type TokenizerKind,
  type TokenizerOptions,
  tokenizerKinds,
  tokenWriter,
  trainTokenizer,
} from "../text/index.ts";
import type { CacheOptions } from "./cache.ts";
import type { Description } from "./idx-folder.ts";
import { checkCount, takeSamples } from "./split.ts";
import { type EncodedTexts, readEncoded, writeEncoded } from "./text-cache.ts";
import { consecutiveWindows, movedWindows } from "./text-windows.ts";
import type { Column, Dataset, Split, SplitName, SplitOptions, TextOptions } from "./types.ts";

/** Texts by part; parts that are missing are cut from the end of the training texts. */
export interface TextParts {
  readonly train: readonly string[];
  readonly validation?: readonly string[];
  readonly test?: readonly string[];
}

type Parts = Readonly<Record<SplitName, readonly string[]>>;

export type TextDataOptions = SplitOptions & TextOptions & Pick<CacheOptions, "cache">;

const names: readonly SplitName[] = ["train", "validation", "test"];

/** Tokens that are read at once where nobody says how many. */
export const defaultContext = 128;

/** Of all characters, for each of validation and test where the texts have no such part of their own. */
const heldOut = 0.05;

/**
 * Windows of texts, `tokens` int32 [context + 1] in columns of consecutive windows; those for training begin
 * elsewhere in every epoch. Texts follow each other with the token `<|endoftext|>` between them. Without parts
 * of their own the last 5 % of the characters are the test and the 5 % before them the validation. The
 * tokenizer is made from the training texts, except that characters are those of all parts unless there is a
 * token for unknown ones. Throws for texts that are empty, or too short for one window.
 */
export async function textDataset(
  texts: TextParts,
  about: Description,
  options: TextDataOptions = {},
): Promise<Dataset> {
  const { context = defaultContext, limit = Number.POSITIVE_INFINITY } = options;
  checkCount("context", options.context, 1);
  checkCount("limit", options.limit, 1);
  const parts = divide(texts, about.name, options);
  const { tokenizer, streams } = await encoded(parts, options);
  const make = (name: SplitName): Split => {
    const tokens = streams[name];
    // What we cut may be too short to be of use; what was given may not.
    const wanted = name === "train" ? options.whole !== true : texts[name] !== undefined;
    if (wanted) checkLength(about.name, name, tokens.length, context);
    const column = name === "train" && wanted ? movedWindows : consecutiveWindows;
    return limited(splitOf(column(tokens, context), parts[name], tokens), limit);
  };
  return {
    ...about,
    tokenizer,
    ...{ train: make("train"), validation: make("validation"), test: make("test") },
  };
}

function splitOf(tokens: Column, texts: readonly string[], stream: TokenArray): Split {
  const characters = texts.reduce((sum, text) => sum + countCharacters(text), 0);
  return {
    length: tokens.stored?.length ?? 0,
    columns: { tokens },
    ...(stream.length > 0 && { charactersPerToken: characters / stream.length }),
  };
}

function limited(split: Split, limit: number): Split {
  if (split.length <= limit) return split;
  return takeSamples(
    split,
    Uint32Array.from({ length: limit }, (_, i) => i),
  );
}

function checkLength(data: string, part: SplitName, tokens: number, context: number): void {
  if (tokens > context) return;
  const which = part === "train" ? "the training text" : `the text for ${part}`;
  throw new ReparamError(
    `${data}: ${which} has ${tokens} tokens, a window of context ${context} needs ${context + 1}. Give more text, or a smaller context.`,
  );
}

/** Code points, of which some are two units of a string. */
function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count--;
  return count;
}

function divide(
  { train, validation, test }: TextParts,
  data: string,
  { validation: kept, whole = false }: SplitOptions,
): Parts {
  const total = train.reduce((sum, text) => sum + text.length, 0);
  if (total === 0) throw new ReparamError(`${data} has no text to train on: it is empty.`);
  if (whole && test === undefined) return { train: [], validation: [], test: train };
  if (kept !== undefined && kept !== 0) {
    throw new ReparamError(
      `validation ${kept}: of text the 5 % before the last are for validation. Leave it out, use 0 for none, or give a folder with train, validation and test.`,
    );
  }
  const size = Math.floor(total * heldOut);
  let rest = train;
  const cut = (): readonly string[] => {
    const [before, after] = cutEnd(rest, size);
    rest = before;
    return after;
  };
  const forTest = test ?? cut();
  const forValidation = kept === 0 ? [] : (validation ?? cut());
  return { train: rest, validation: forValidation, test: forTest };
}

/** A cut is moved on to the next white space, but no farther than this. */
const longestWord = 200;

/** Divides texts where the last `size` characters begin. */
function cutEnd(
  texts: readonly string[],
  size: number,
): [before: readonly string[], after: readonly string[]] {
  let left = size;
  let at = texts.length;
  while (at > 0 && (texts[at - 1] as string).length <= left) {
    at -= 1;
    left -= (texts[at] as string).length;
  }
  const divided = texts[at - 1];
  if (left === 0 || divided === undefined) return [texts.slice(0, at), texts.slice(at)];
  const place = divided.length - left;
  const space = divided.slice(place, place + longestWord).search(/\s/);
  const low = (divided.charCodeAt(place) & 0xfc00) === 0xdc00 ? place + 1 : place;
  const middle = space < 0 ? low : place + space;
  return [
    [...texts.slice(0, at - 1), divided.slice(0, middle)],
    [divided.slice(middle), ...texts.slice(at)],
  ];
}

interface Encoded {
  readonly tokenizer: Tokenizer;
  readonly streams: Readonly<Record<SplitName, TokenArray>>;
}

async function encoded(parts: Parts, options: TextDataOptions): Promise<Encoded> {
  const { tokenizer: kind = "characters", vocabulary, unknownToken, cache } = options;
  const given = kind.endsWith(".json") ? await readTokenizer(kind) : undefined;
  if (given !== undefined) {
    if (vocabulary !== undefined || unknownToken !== undefined) {
      throw new ReparamError(`${kind} has its vocabulary. Leave out vocabulary and unknownToken.`);
    }
    return encodeParts(openTokenizer(given, kind), parts);
  }
  const settings: TokenizerOptions = {
    kind: kindNamed(kind),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(unknownToken === undefined ? {} : { unknown: unknownToken }),
  };
  const { train, validation, test } = parts;
  const learnable = train.length === 0 ? test : train;
  const every = kind === "characters" && unknownToken !== true;
  const make = (): Encoded => {
    const file = trainTokenizer(every ? [...train, ...validation, ...test] : learnable, settings);
    return encodeParts(openTokenizer(file), parts);
  };
  // Characters and bytes are encoded as fast as they would be read back.
  if (kind !== "bpe") return make();
  const key = [JSON.stringify(settings), ...names.flatMap((name) => [name, ...parts[name]])];
  const found: EncodedTexts | undefined = await readEncoded(key, cache);
  if (found !== undefined) {
    return { tokenizer: openTokenizer(found.file), streams: found.streams };
  }
  const made = make();
  await writeEncoded(key, { file: made.tokenizer.file, streams: made.streams }, cache);
  return made;
}

function kindNamed(kind: string): TokenizerKind {
  const known = tokenizerKinds.find((each) => each === kind);
  if (known !== undefined) return known;
  throw new ReparamError(
    `there is no tokenizer "${kind}". There are ${tokenizerKinds.join(", ")}, and any tokenizer.json of a run.`,
  );
}

function encodeParts(tokenizer: Tokenizer, parts: Parts): Encoded {
  const stream = (texts: readonly string[]): TokenArray => {
    const [first, ...more] = texts;
    if (first === undefined || more.length === 0) return tokenizer.encodeCorpus(first ?? "");
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    const writer = tokenWriter(tokenizer.vocabulary, Math.ceil(characters / 3));
    for (const [i, text] of texts.entries()) {
      if (i > 0) writer.add([tokenizer.special.end]);
      writer.add(tokenizer.encodeCorpus(text));
    }
    return writer.finish();
  };
  const { train, validation, test } = parts;
  return {
    tokenizer,
    streams: { train: stream(train), validation: stream(validation), test: stream(test) },
  };
}

async function readTokenizer(path: string): Promise<TokenizerFile> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new ReparamError(`${path} cannot be read (${error.code}). Check the path.`);
  });
  try {
    return JSON.parse(text) as TokenizerFile;
  } catch {
    throw new ReparamError(`${path} is not JSON. Give the tokenizer.json of a run.`);
  }
}
