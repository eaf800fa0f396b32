import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesByCharacter, utf8Bytes } from "../../src/text/byte-alphabet.ts";
import { countWords, learnBytePairs } from "../../src/text/byte-pairs.ts";
import { openTokenizer, trainTokenizer } from "../../src/text/index.ts";

interface Golden {
  readonly text: string;
  readonly size: number;
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
  readonly encodings: readonly { readonly text: string; readonly ids: readonly number[] }[];
}
const golden = JSON.parse(
  readFileSync(new URL("../golden/byte-pairs.json", import.meta.url), "utf8"),
) as Golden;

describe("byte pairs", () => {
  it("are learned as the Python package tokenizers learns them", () => {
    const learned = learnBytePairs(countWords([golden.text]), golden.size);
    expect(learned.tokens).toEqual(golden.tokens);
    expect(learned.merges).toEqual(golden.merges);
  });

  it("encode other texts as the Python package does", () => {
    const tokenizer = openTokenizer(
      trainTokenizer([golden.text], { kind: "bpe", vocabulary: golden.size + 6 }),
    );
    for (const { text, ids } of golden.encodings) {
      expect([text, ...tokenizer.encodeCorpus(text)]).toEqual([text, ...ids]);
    }
  });

  it("are the most frequent ones, first of the smallest ids, counted anew after every merge", () => {
    const letter = fc.constantFrom("a", "b", "c", "ab", "aa", "é", " ");
    const texts = fc.array(letter, { maxLength: 60 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(texts, fc.integer({ min: 256, max: 275 }), (text, size) => {
        const { merges } = learnBytePairs(countWords([text]), size);
        expect(merges).toEqual(slowly(text, size));
      }),
      { numRuns: 200 },
    );
  });

  it("stop when no pair occurs twice", () => {
    expect(learnBytePairs(countWords(["abcdefg"]), 1000).merges).toEqual([]);
    expect(learnBytePairs(new Map(), 1000).tokens).toHaveLength(256);
  });
});

/** The algorithm as the paper writes it: all pairs are counted before every merge. */
function slowly(text: string, size: number): string[][] {
  const tokens = bytesByCharacter.map((byte) => String.fromCharCode(byte < 33 ? 256 + byte : byte));
  const words = [...countWords([text])].map(([word, count]) => ({
    count,
    ids: Array.from(utf8Bytes(word), (byte) => bytesByCharacter.indexOf(byte)),
  }));
  const merges = new Map<string, string[]>();
  while (tokens.length < size) {
    const counts = new Map<string, { pair: [number, number]; count: number }>();
    for (const { ids, count } of words) {
      for (let i = 1; i < ids.length; i++) {
        const pair: [number, number] = [ids[i - 1]!, ids[i]!];
        const found = counts.get(pair.join()) ?? { pair, count: 0 };
        counts.set(pair.join(), { pair, count: found.count + count });
      }
    }
    const [best] = [...counts.values()].sort(
      (x, y) => y.count - x.count || x.pair[0] - y.pair[0] || x.pair[1] - y.pair[1],
    );
    if (best === undefined || best.count < 2) break;
    const [left, right] = best.pair;
    const token = `${tokens[left]}${tokens[right]}`;
    const known = tokens.indexOf(token);
    const id = known < 0 ? tokens.push(token) - 1 : known;
    merges.set(best.pair.join(), [tokens[left]!, tokens[right]!]);
    for (const word of words) {
      const next: number[] = [];
      for (let i = 0; i < word.ids.length; i++) {
        const here = word.ids[i] === left && word.ids[i + 1] === right;
        next.push(here ? id : word.ids[i]!);
        if (here) i++;
      }
      word.ids = next;
    }
  }
  return [...merges.values()];
}
