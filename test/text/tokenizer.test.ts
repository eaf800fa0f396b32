import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  openTokenizer,
  specialNames,
  type Tokenizer,
  type TokenizerFile,
  trainTokenizer,
} from "../../src/text/index.ts";

const sample =
  "The 23 rivers ran, ran & ran; they've 7 bridges.\n\n  Über Flüsse 日本 🙂 [x] <y>\t0 1 2";
const kinds = ["characters", "bytes", "bpe"] as const;
const made = Object.fromEntries(
  kinds.map((kind) => {
    const size = kind === "bpe" ? { vocabulary: 290 } : {};
    return [kind, openTokenizer(trainTokenizer([sample, sample], { kind, ...size }))];
  }),
) as Record<(typeof kinds)[number], Tokenizer>;

/** Any text of characters that are in the sample; whole Unicode where bytes are read. */
const textFor = (kind: string) =>
  kind === "characters"
    ? fc.array(fc.constantFrom(...new Set(sample))).map((characters) => characters.join(""))
    : fc.string({ unit: "binary" });

describe.each(kinds)("the tokenizer of %s", (kind) => {
  const tokenizer = made[kind];

  it("gives back every text", () => {
    fc.assert(
      fc.property(textFor(kind), (text) => {
        expect(tokenizer.decode(tokenizer.encodeCorpus(text))).toBe(text);
      }),
    );
  });

  it("encodes prompts, by the library of Hugging Face, as it encodes a corpus", () => {
    fc.assert(
      fc.property(textFor(kind), (text) => {
        expect(tokenizer.encode(text)).toEqual([...tokenizer.encodeCorpus(text)]);
      }),
    );
    expect(tokenizer.encode(sample)).toEqual([...tokenizer.encodeCorpus(sample)]);
  });

  it("reads names of special tokens in prompts, but not in a corpus", () => {
    const { end, mask } = tokenizer.special;
    const [ran] = [tokenizer.encode("ran")];
    expect(tokenizer.encode("ran<|endoftext|>[MASK]ran")).toEqual([...ran, end, mask, ...ran]);
    expect(tokenizer.decode([...ran, end])).toBe("ran<|endoftext|>");
    expect(Object.values(tokenizer.special)).toEqual(
      Array.from({ length: 6 }, (_, i) => tokenizer.vocabulary - 6 + i),
    );
    if (kind === "characters") return;
    const ids = tokenizer.encodeCorpus("[MASK]<|endoftext|>");
    expect(Math.max(...ids)).toBeLessThan(end);
    expect(tokenizer.decode(ids)).toBe("[MASK]<|endoftext|>");
  });

  it("decodes token by token, each character when it is whole", () => {
    const decoder = tokenizer.decoder();
    const pieces = Array.from(tokenizer.encodeCorpus("日本 🙂"), (id) => decoder.push(id));
    expect(pieces.join("")).toBe("日本 🙂");
    expect(pieces.join("")).not.toContain("\u{FFFD}");
    expect(decoder.end()).toBe("");
    expect(pieces.filter((piece) => piece === "").length).toBe(
      kind === "bytes" ? 7 : kind === "bpe" ? pieces.length - 4 : 0,
    );
  });

  it("survives its file", () => {
    const again = openTokenizer(JSON.parse(JSON.stringify(tokenizer.file)) as TokenizerFile);
    expect([again.kind, again.vocabulary, again.special]).toEqual([
      kind,
      tokenizer.vocabulary,
      tokenizer.special,
    ]);
    expect(again.encode(sample)).toEqual(tokenizer.encode(sample));
    expect(again.decode(again.encodeCorpus(sample))).toBe(sample);
  });
});

describe("tokenizers", () => {
  it("have the sizes that they should", () => {
    expect(made.characters.vocabulary).toBe(new Set(sample).size + 6);
    expect(made.bytes.vocabulary).toBe(262);
    expect(made.bpe.vocabulary).toBe(290);
    expect([...made.bytes.encodeCorpus("aé")]).toEqual([0x61, 0xc3, 0xa9]);
  });

  it("of bytes and bpe replace what is cut in the middle of a character, at the end only", () => {
    const bytes = made.bytes.encodeCorpus("🙂");
    const decoder = made.bytes.decoder();
    expect(Array.from(bytes.slice(0, 3), (id) => decoder.push(id)).join("")).toBe("");
    expect(decoder.end()).toBe("\u{FFFD}");
  });

  it("of characters name those that the vocabulary lacks, or have a token for them", () => {
    expect(() => made.characters.encode("ran é ñ\u{A0}")).toThrow(
      /lacks "é" \(U\+00E9\), "ñ" \(U\+00F1\), U\+00A0\. .*bytes or bpe/,
    );
    expect(() => made.characters.encodeCorpus("abcdefghijklmnopqrsuvwxyz ABCDEFGHIJKLMOP")).toThrow(
      /and \d+ more/,
    );
    const open = openTokenizer(trainTokenizer(["abc"], { unknown: true }));
    const { unknown } = open.special;
    expect([...open.encodeCorpus("aéb🙂")]).toEqual([0, unknown, 1, unknown]);
    expect(open.encode("aéb🙂")).toEqual([0, unknown, 1, unknown]);
    expect(open.decode([0, unknown])).toBe(`a${specialNames.unknown}`);
  });

  it("refuse what makes no sense", () => {
    expect(() => trainTokenizer(["a"], { vocabulary: 300 })).toThrow(
      /only the tokenizers bpe and words/,
    );
    expect(() => trainTokenizer(["a"], { kind: "bpe", vocabulary: 261 })).toThrow(/at least 262/);
    expect(() => trainTokenizer(["a"], { kind: "bytes", unknown: true })).toThrow(
      /no character is/,
    );
    expect(() => made.bytes.decode([262])).toThrow("there is no token 262: ids are 0 to 261");
    const broken = { ...made.bytes.file, added_tokens: [] };
    expect(() => openTokenizer(broken, "run/tokenizer.json")).toThrow(
      /^run\/tokenizer.json is not/,
    );
    const hole = { ...made.bytes.file.model, vocab: { ...made.bytes.file.model.vocab, a: 999 } };
    expect(() => openTokenizer({ ...made.bytes.file, model: hole })).toThrow(/not a tokenizer of/);
    expect(() => openTokenizer({} as TokenizerFile)).toThrow(/not a tokenizer of/);
  });
});

describe("the tokenizer of words", () => {
  const text = "The river ran, the River’s bridge ran on; a bridge. Don't! 1850";
  const file = trainTokenizer([text, text], { kind: "words", vocabulary: 14 });
  const tokenizer = openTokenizer(JSON.parse(JSON.stringify(file)) as TokenizerFile);
  const words = (given: string): string => tokenizer.decode(tokenizer.encodeCorpus(given));

  it("knows the most frequent words, in lower case, and writes them with spaces between", () => {
    // By count: bridge, ran, the; then by the alphabet.
    expect(tokenizer.vocabulary).toBe(14);
    expect(words("THE ran bridge")).toBe("the ran bridge");
    expect(words("bridges (a rivers) don’t... on!")).toBe("[UNK] a [UNK] don't on");
    expect(tokenizer.decode([tokenizer.special.end])).toBe("<|endoftext|>");
  });

  it("encodes prompts, by the library of Hugging Face, as it encodes a corpus", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...text.split(/(?=[ ,;.])/), "’", "ß", "İ", "9")),
        (parts) => {
          const given = parts.join("");
          expect(tokenizer.encode(given)).toEqual([...tokenizer.encodeCorpus(given)]);
        },
      ),
    );
    expect(tokenizer.encode("ran [MASK] ran")).toEqual([
      ...tokenizer.encode("ran"),
      tokenizer.special.mask,
      ...tokenizer.encode("ran"),
    ]);
  });

  it("refuses a vocabulary without a word", () => {
    expect(() => trainTokenizer([text], { kind: "words", vocabulary: 6 })).toThrow(/at least 7/);
  });
});
