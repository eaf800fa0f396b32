import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { ReparamError } from "../tensor/index.ts";
import {
  byteEncoder,
  characterEncoder,
  type EncodeCorpus,
  vocabularyEncoder,
  wordEncoder,
} from "./corpus-encoder.ts";
import { type TokenDecoder, tokenBytes, tokenDecoder } from "./decoder.ts";
import { type SpecialTokens, specialCount, specialNames, specialTokens } from "./special.ts";
import { kindOf, type TokenizerFile, type TokenizerKind, tokensOf } from "./tokenizer-file.ts";

/** Text to ids of tokens and back. */
export interface Tokenizer {
  readonly kind: TokenizerKind;
  /** Ids are 0 … vocabulary − 1. */
  readonly vocabulary: number;
  readonly special: SpecialTokens;
  /** What is written as `tokenizer.json`. */
  readonly file: TokenizerFile;
  /**
   * Ids of a text in which `<|endoftext|>`, `[MASK]`, … are the special tokens. Throws, with their names, for
   * characters that the vocabulary lacks and has no token for.
   */
  encode(text: string): number[];
  /** Ids of a running text, in which nothing stands for a special token. Throws like `encode`. */
  readonly encodeCorpus: EncodeCorpus;
  /** The text of ids, of "words" with spaces between; special tokens by their names, U+FFFD where bytes are no character. */
  decode(ids: ArrayLike<number>): string;
  /** A decoder for ids that come one by one. */
  decoder(): TokenDecoder;
}

/** The tokenizer of a file that `trainTokenizer` made. Throws if the file is no such one. */
export function openTokenizer(file: TokenizerFile, path = "tokenizer.json"): Tokenizer {
  checkFile(file, path);
  const kind = kindOf(file);
  const tokens = tokensOf(file);
  const vocabulary = tokens.length;
  const special = specialTokens(vocabulary - specialCount);
  const bytes = tokenBytes(kind, tokens, specialCount);
  const decoder = (): TokenDecoder => tokenDecoder(bytes, kind === "words" ? " " : "");
  // Made when it is first asked: the bytes and characters of a corpus are encoded without it.
  let theirs: HuggingFaceTokenizer | undefined;
  const encodeTheirs = (text: string): number[] => {
    theirs ??= new HuggingFaceTokenizer(file, { clean_up_tokenization_spaces: false });
    return theirs.encode(text, { add_special_tokens: false }).ids;
  };
  const encodeCorpus = corpusEncoder(file, tokens, special, encodeTheirs);
  return {
    ...{ kind, vocabulary, special, file, encodeCorpus },
    encode(text) {
      if (kind === "characters") encodeCorpus(withoutSpecial(text));
      return encodeTheirs(text);
    },
    decode(ids) {
      const stream = decoder();
      const parts = Array.from(ids, (id) => {
        if (bytes[id] === undefined) {
          throw new ReparamError(`there is no token ${id}: ids are 0 to ${vocabulary - 1}.`);
        }
        return stream.push(id);
      });
      return `${parts.join("")}${stream.end()}`;
    },
    decoder,
  };
}

function corpusEncoder(
  file: TokenizerFile,
  tokens: readonly string[],
  { end, unknown }: SpecialTokens,
  encodeWord: (word: string) => number[],
): EncodeCorpus {
  const kind = kindOf(file);
  if (kind === "bytes") return byteEncoder(tokens.length);
  if (kind === "words") return vocabularyEncoder(tokens.slice(0, end), tokens.length, unknown);
  if (kind === "bpe") return wordEncoder(encodeWord, tokens.length);
  const replacement = file.model.unk_token === null ? undefined : unknown;
  return characterEncoder(tokens.slice(0, end), tokens.length, replacement);
}

const withoutSpecial = (text: string): string =>
  Object.values(specialNames).reduce((rest, name) => rest.replaceAll(name, ""), text);

function checkFile(file: TokenizerFile, path: string): void {
  const names = Object.values(specialNames).join();
  const added = file?.added_tokens?.map?.(({ content }) => content).join();
  const type = file?.model?.type;
  if ((type === "BPE" || type === "WordPiece") && added === names) {
    const tokens = tokensOf(file);
    if (tokens.length === Object.keys(file.model.vocab).length && tokens.every((t) => t !== ""))
      return;
  }
  throw new ReparamError(
    `${path} is not a tokenizer of this library. Restore it, or train the model again.`,
  );
}
