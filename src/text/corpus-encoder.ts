import { ReparamError } from "../tensor/index.ts";
import { utf8Bytes, wordPattern } from "./byte-alphabet.ts";
import { type TokenArray, tokenArray, tokenWriter } from "./token-array.ts";
import { plainWords } from "./words.ts";

/** Ids of a running text, in which nothing stands for a special token. */
export type EncodeCorpus = (text: string) => TokenArray;

const codePoints = 0x110000;

/**
 * By characters. Throws for those that are not among the tokens and names them, unless `unknown` is the id to
 * take for them.
 */
export function characterEncoder(
  tokens: readonly string[],
  vocabulary: number,
  unknown: number | undefined,
): EncodeCorpus {
  const idOf = new Int32Array(codePoints).fill(unknown ?? -1);
  for (const [id, token] of tokens.entries()) idOf[token.codePointAt(0) as number] = id;
  return (text) => {
    const ids = tokenArray(vocabulary, text.length);
    let length = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.codePointAt(i) as number;
      if (code > 0xffff) i++;
      const id = idOf[code] as number;
      if (id < 0) throw unknownCharacters(text, (other) => (idOf[other] as number) >= 0);
      ids[length++] = id;
    }
    return ids.slice(0, length) as TokenArray;
  };
}

function unknownCharacters(text: string, known: (code: number) => boolean): ReparamError {
  const strange = new Set<string>();
  for (const character of text) {
    if (!known(character.codePointAt(0) as number)) strange.add(character);
  }
  const shown = [...strange].slice(0, 8).map((character) => {
    const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0");
    return /\p{C}|\p{Z}/u.test(character) ? `U+${code}` : `"${character}" (U+${code})`;
  });
  const more = strange.size > shown.length ? ` and ${strange.size - shown.length} more` : "";
  return new ReparamError(
    `the vocabulary lacks ${shown.join(", ")}${more}. Leave them out, or train with a tokenizer that knows every text: bytes or bpe, or characters with the token for unknown ones.`,
  );
}

/** By bytes: every byte is its own id. */
export const byteEncoder =
  (vocabulary: number): EncodeCorpus =>
  (text) => {
    const bytes = utf8Bytes(text);
    const ids = tokenArray(vocabulary, bytes.length);
    ids.set(bytes);
    return ids;
  };

/** By whole words in lower case; those that are not among the tokens are `unknown`. */
export function vocabularyEncoder(
  tokens: readonly string[],
  vocabulary: number,
  unknown: number,
): EncodeCorpus {
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  return (text) => {
    // English has about five letters a word.
    const writer = tokenWriter(vocabulary, Math.ceil(text.length / 5));
    for (const word of plainWords(text)) writer.add([idOf.get(word) ?? unknown]);
    return writer.finish();
  };
}

/** By pieces of words: each different one is encoded once, by `encodeWord`. */
export function wordEncoder(
  encodeWord: (word: string) => readonly number[],
  vocabulary: number,
): EncodeCorpus {
  const known = new Map<string, readonly number[]>();
  return (text) => {
    // English has about four characters a token.
    const writer = tokenWriter(vocabulary, Math.ceil(text.length / 3));
    for (const [word] of text.matchAll(wordPattern())) {
      let ids = known.get(word);
      if (ids === undefined) {
        ids = encodeWord(word);
        known.set(word, ids);
      }
      writer.add(ids);
    }
    return writer.finish();
  };
}
