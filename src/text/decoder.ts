import { bytesOfToken, utf8Bytes } from "./byte-alphabet.ts";
import type { TokenizerKind } from "./tokenizer-file.ts";

/** Turns tokens into text as they come. */
export interface TokenDecoder {
  /** The text that is whole with this token: none while bytes of a character are missing. */
  push(id: number): string;
  /** What is left at the end: U+FFFD where a character is not whole. */
  end(): string;
}

/** The bytes in UTF-8 of each token; the special ones, the last `special`, are written by their names. */
export function tokenBytes(
  kind: TokenizerKind,
  tokens: readonly string[],
  special: number,
): readonly Uint8Array<ArrayBuffer>[] {
  const first = tokens.length - special;
  return tokens.map((token, id) =>
    kind === "characters" || kind === "words" || id >= first
      ? utf8Bytes(token)
      : bytesOfToken(token),
  );
}

/** A decoder of tokens with these bytes, with `between` them. */
export function tokenDecoder(
  bytes: readonly Uint8Array<ArrayBuffer>[],
  between: string,
): TokenDecoder {
  const text = new TextDecoder("utf-8", { ignoreBOM: true });
  let before = "";
  return {
    push(id) {
      const part = `${before}${text.decode(bytes[id], { stream: true })}`;
      before = between;
      return part;
    },
    end: () => text.decode(),
  };
}
