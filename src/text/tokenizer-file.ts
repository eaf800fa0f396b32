import { specialNames } from "./special.ts";

export type TokenizerKind = "characters" | "bytes" | "bpe";

/** The part of `tokenizer.json`, as the Hugging Face tokenizers read it, that this library writes and reads. */
export interface TokenizerFile {
  readonly version: "1.0";
  readonly truncation: null;
  readonly padding: null;
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: null;
  readonly pre_tokenizer: Readonly<Record<string, unknown>> | null;
  readonly post_processor: Readonly<Record<string, unknown>> | null;
  readonly decoder: Readonly<Record<string, unknown>>;
  readonly model: TokenizerModel;
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

interface TokenizerModel {
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

/** Bytes as characters; `use_regex` keeps merges inside of words. */
const byteLevel = (words: boolean) =>
  ({ type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: words }) as const;

const preTokenizers = {
  characters: null,
  bytes: byteLevel(false),
  bpe: byteLevel(true),
} as const;

/** The file of a tokenizer with these tokens of text by id; the special tokens follow them. */
export function tokenizerFile(
  kind: TokenizerKind,
  tokens: readonly string[],
  merges: TokenizerModel["merges"],
  unknown: boolean,
): TokenizerFile {
  const names = Object.values(specialNames);
  return {
    ...{ version: "1.0", truncation: null, padding: null },
    added_tokens: names.map((content, i) => ({
      ...{ id: tokens.length + i, content, single_word: false, lstrip: false, rstrip: false },
      ...{ normalized: false, special: true },
    })),
    normalizer: null,
    pre_tokenizer: preTokenizers[kind],
    post_processor: null,
    decoder: kind === "characters" ? { type: "Fuse" } : byteLevel(true),
    model: {
      ...{ type: "BPE", dropout: null, unk_token: unknown ? specialNames.unknown : null },
      ...{ continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false },
      ...{ byte_fallback: false, ignore_merges: false },
      vocab: Object.fromEntries([...tokens, ...names].map((token, id) => [token, id])),
      merges,
    },
  };
}

/** What kind of tokenizer a file describes. */
export function kindOf({ pre_tokenizer: splits }: TokenizerFile): TokenizerKind {
  if (splits === null) return "characters";
  return splits.use_regex === false ? "bytes" : "bpe";
}

/** Tokens by id, the special ones last. */
export function tokensOf({ model }: TokenizerFile): string[] {
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token;
  return tokens;
}
