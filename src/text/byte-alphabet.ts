/**
 * Bytes as characters that can be seen: a token of bytes is then a text that fits into a JSON file. Printable
 * bytes of Latin-1 stand for themselves, the others follow from U+0100 on in the order of their values
 * (Radford et al., "Language models are unsupervised multitask learners", 2019, section 2.2).
 */
export const byteCharacters: readonly string[] = (() => {
  let hidden = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const seen = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
    return String.fromCharCode(seen ? byte : 0x100 + hidden++);
  });
})();

const byteOfCharacter = new Map(byteCharacters.map((character, byte) => [character, byte]));

/** The bytes that a token stands for. */
export const bytesOfToken = (token: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(token, (character) => byteOfCharacter.get(character) ?? 0x3f);

/** Bytes in the order of the characters that stand for them, which is that of their ids in a vocabulary. */
export const bytesByCharacter: readonly number[] = Array.from({ length: 256 }, (_, i) => i).sort(
  (a, b) => ((byteCharacters[a] as string) < (byteCharacters[b] as string) ? -1 : 1),
);

const utf8 = new TextEncoder();

/** The bytes of a text in UTF-8. */
export const utf8Bytes = (text: string): Uint8Array<ArrayBuffer> => utf8.encode(text);

/**
 * The pieces of a text that merges stay inside of: words with the space before them, numbers, runs of marks,
 * and white space up to the space of the next word; English contractions are pieces of their own.
 */
export const wordPattern = (): RegExp =>
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
