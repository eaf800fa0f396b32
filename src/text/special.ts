/** Ids of the tokens that stand for no characters: the last six of a vocabulary, in this order. */
export interface SpecialTokens {
  /** Between two texts. */
  readonly end: number;
  /** Fills up what is too short. */
  readonly pad: number;
  /** A character that the vocabulary lacks. */
  readonly unknown: number;
  /** Before a text that is to be classified. */
  readonly class: number;
  /** After each of two segments. */
  readonly separator: number;
  /** In place of a token that is to be found. */
  readonly mask: number;
}

/** How the special tokens are written, as other libraries write them. */
export const specialNames: Readonly<Record<keyof SpecialTokens, string>> = {
  end: "<|endoftext|>",
  pad: "[PAD]",
  unknown: "[UNK]",
  class: "[CLS]",
  separator: "[SEP]",
  mask: "[MASK]",
};

/** The special tokens after `text` tokens of text. */
export const specialTokens = (text: number): SpecialTokens => ({
  end: text,
  pad: text + 1,
  unknown: text + 2,
  class: text + 3,
  separator: text + 4,
  mask: text + 5,
});

export const specialCount = Object.keys(specialNames).length;
