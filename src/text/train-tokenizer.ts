import { ReparamError } from "../tensor/index.ts";
import { byteCharacters } from "./byte-alphabet.ts";
import { countWords, learnBytePairs } from "./byte-pairs.ts";
import { specialCount } from "./special.ts";
import { type TokenizerFile, type TokenizerKind, tokenizerFile } from "./tokenizer-file.ts";

export interface TokenizerOptions {
  /**
   * Default "characters": every character (Unicode code point) of the texts is a token. "bytes" are those of
   * UTF-8; "bpe" are pieces of words, found by merging frequent pairs of bytes.
   */
  readonly kind?: TokenizerKind;
  /** Tokens of "bpe", special ones included; fewer if the texts have no more. Default 4096. */
  readonly vocabulary?: number;
  /** Characters that the texts lack become one token in place of an error. Default false. */
  readonly unknown?: boolean;
}

const leastVocabulary = 256 + specialCount;

/** A tokenizer for these texts, as a `tokenizer.json`. Give it to `openTokenizer`. */
export function trainTokenizer(
  texts: Iterable<string>,
  options: TokenizerOptions = {},
): TokenizerFile {
  const { kind = "characters", unknown = false, vocabulary = 4096 } = options;
  if (kind !== "bpe" && options.vocabulary !== undefined) {
    throw new ReparamError(
      `vocabulary ${vocabulary}: only the tokenizer bpe takes a size, ${kind} have their own. Leave it out, or use bpe.`,
    );
  }
  if (kind !== "characters" && unknown) {
    throw new ReparamError(`to ${kind} no character is unknown. Leave that option out.`);
  }
  if (kind === "bytes") return tokenizerFile(kind, byteCharacters, [], false);
  if (kind === "characters") return tokenizerFile(kind, charactersOf(texts), [], unknown);
  if (!Number.isInteger(vocabulary) || vocabulary < leastVocabulary) {
    throw new ReparamError(
      `vocabulary must be an integer of at least ${leastVocabulary} (256 bytes and ${specialCount} special tokens), got ${vocabulary}.`,
    );
  }
  const { tokens, merges } = learnBytePairs(countWords(texts), vocabulary - specialCount);
  return tokenizerFile(kind, tokens, merges, false);
}

/** Every code point of the texts, in their order. */
function charactersOf(texts: Iterable<string>): string[] {
  const seen = new Set<number>();
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) {
      const code = text.codePointAt(i) as number;
      seen.add(code);
      if (code > 0xffff) i++;
    }
  }
  return [...seen].sort((a, b) => a - b).map((code) => String.fromCodePoint(code));
}
