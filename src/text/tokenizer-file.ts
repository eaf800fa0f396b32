import { specialNames } from "./special.ts";
import { longestWord, wordSource } from "./words.ts";

export const tokenizerKinds = ["characters", "bytes", "bpe", "words"] as const;
export type TokenizerKind = (typeof tokenizerKinds)[number];

/** The part of `tokenizer.json`, as the Hugging Face tokenizers read it, that this library writes and reads. */
export interface TokenizerFile {
  readonly version: "1.0";
  readonly truncation: null;
  readonly padding: null;
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Readonly<Record<string, unknown>> | null;
  readonly pre_tokenizer: Readonly<Record<string, unknown>> | null;
  readonly post_processor: Readonly<Record<string, unknown>> | null;
  readonly decoder: Readonly<Record<string, unknown>>;
  readonly model: BytePairModel | WordModel;
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: false;
  readonly lstrip: false;
  readonly rstrip: false;
  readonly normalized: false;
  readonly special: true;
}

interface BytePairModel {
  readonly type: "BPE";
  readonly dropout: null;
  readonly unk_token: string | null;
  readonly continuing_subword_prefix: null;
  readonly end_of_word_suffix: null;
  readonly fuse_unk: false;
  readonly byte_fallback: false;
  readonly ignore_merges: false;
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [left: string, right: string])[];
}

/** Whole words: as no piece continues another, a word is in the vocabulary or is unknown. */
interface WordModel {
  readonly type: "WordPiece";
  readonly unk_token: string;
  readonly continuing_subword_prefix: "##";
  readonly max_input_chars_per_word: number;
  readonly vocab: Readonly<Record<string, number>>;
}

/** Bytes as characters; `use_regex` keeps merges inside of words. */
const byteLevel = (words: boolean) =>
  ({ type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: words }) as const;

const preTokenizers = {
  characters: null,
  bytes: byteLevel(false),
  bpe: byteLevel(true),
  words: {
    ...{ type: "Split", pattern: { Regex: wordSource }, behavior: "Removed", invert: true },
  },
} as const;

const decoders = {
  characters: { type: "Fuse" },
  bytes: byteLevel(true),
  bpe: byteLevel(true),
  words: { type: "WordPiece", prefix: "##", cleanup: false },
} as const;

/** What `plainWords` does to a text before it looks for words. */
const wordNormalizer = {
  type: "Sequence",
  normalizers: [{ type: "Replace", pattern: { String: "’" }, content: "'" }, { type: "Lowercase" }],
} as const;

/** The file of a tokenizer with these tokens of text by id; the special tokens follow them. */
export function tokenizerFile(
  kind: TokenizerKind,
  tokens: readonly string[],
  merges: BytePairModel["merges"],
  unknown: boolean,
): TokenizerFile {
  const names = Object.values(specialNames);
  return {
    ...{ version: "1.0", truncation: null, padding: null },
    added_tokens: names.map((content, i) => ({
      ...{ id: tokens.length + i, content, single_word: false, lstrip: false, rstrip: false },
      ...{ normalized: false, special: true },
    })),
    normalizer: kind === "words" ? wordNormalizer : null,
    pre_tokenizer: preTokenizers[kind],
    post_processor: null,
    decoder: decoders[kind],
    model: modelOf(kind, [...tokens, ...names], merges, unknown),
  };
}

function modelOf(
  kind: TokenizerKind,
  tokens: readonly string[],
  merges: BytePairModel["merges"],
  unknown: boolean,
): BytePairModel | WordModel {
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  if (kind === "words") {
    return {
      ...{ type: "WordPiece", unk_token: specialNames.unknown, continuing_subword_prefix: "##" },
      ...{ max_input_chars_per_word: longestWord, vocab },
    };
  }
  return {
    ...{ type: "BPE", dropout: null, unk_token: unknown ? specialNames.unknown : null },
    ...{ continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false },
    ...{ byte_fallback: false, ignore_merges: false, vocab, merges },
  };
}

/** What kind of tokenizer a file describes. */
export function kindOf({ model, pre_tokenizer: splits }: TokenizerFile): TokenizerKind {
  if (model.type === "WordPiece") return "words";
  if (splits === null) return "characters";
  return splits.use_regex === false ? "bytes" : "bpe";
}

/** Tokens by id, the special ones last. */
export function tokensOf({ model }: TokenizerFile): string[] {
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token;
  return tokens;
}
