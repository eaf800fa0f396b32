import { ReparamError } from "../tensor/index.ts";
import { byteCharacters } from "./byte-alphabet.ts";
import { countWords, learnBytePairs } from "./byte-pairs.ts";
import { specialCount } from "./special.ts";
import { type TokenizerFile, type TokenizerKind, tokenizerFile } from "./tokenizer-file.ts";
import { frequentWords } from "./words.ts";

export interface TokenizerOptions {
  /**
   * Default "characters": every character (Unicode code point) of the texts is a token. "bytes" are those of
   * UTF-8; "bpe" are pieces of words, found by merging frequent pairs of bytes; "words" are the most frequent ones
   * in lower case, all others are one token, and what is between words is lost.
   */
  readonly kind?: TokenizerKind;
  /** Tokens of "bpe" or "words", special ones included; fewer if the texts have no more. Default 4096. */
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
  if ((kind === "characters" || kind === "bytes") && options.vocabulary !== undefined) {
    throw new ReparamError(
      `vocabulary ${vocabulary}: only the tokenizers bpe and words take a size, ${kind} have their own. Leave it out, or use bpe.`,
    );
  }
  if (kind !== "characters" && unknown) {
    throw new ReparamError(`to ${kind} no character is unknown. Leave that option out.`);
  }
  if (kind === "bytes") return tokenizerFile(kind, byteCharacters, [], false);
  if (kind === "characters") return tokenizerFile(kind, charactersOf(texts), [], unknown);
  const [least, what] =
    kind === "words" ? [specialCount + 1, "a word"] : [leastVocabulary, "256 bytes"];
  if (!Number.isInteger(vocabulary) || vocabulary < least) {
    throw new ReparamError(
      `vocabulary must be an integer of at least ${least} (${what} and ${specialCount} special tokens), got ${vocabulary}.`,
    );
  }
  if (kind === "words") {
    return tokenizerFile(kind, frequentWords(texts, vocabulary - specialCount), [], true);
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
