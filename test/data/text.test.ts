import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createLoader,
  type Dataset,
  loadDataset,
  readRows,
  takeSamples,
} from "../../src/data/index.ts";
import { stateOfTheUnion } from "../../src/data/state-of-the-union.ts";
import { textDataset } from "../../src/data/text.ts";
import { openTokenizer } from "../../src/text/index.ts";

const about = { name: "texts", card: { title: "", license: "", source: "", citation: "" } };
const words = ["river", "mill", "bridge", "flood", "town", "wood"];
/** Text without repetition: numbers spelled by six words. */
const story = Array.from({ length: 900 }, (_, i) =>
  [...i.toString(6)].map((digit) => words[Number(digit)]).join("-"),
).join(" ");
/** Text in which no character stands twice. */
const strange = Array.from({ length: 900 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join("");

function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "reparam-text-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const windowsOf = ({ tokenizer, ...data }: Dataset, part: "train" | "validation" | "test") => {
  const { tokens } = data[part].columns;
  const { data: ids, shape } = readRows(tokens!, 0, data[part].length);
  const size = shape[1] as number;
  return Array.from({ length: data[part].length }, (_, i) =>
    tokenizer!.decode((ids as Int32Array).subarray(i * size, (i + 1) * size)),
  );
};

describe("a text", () => {
  it("is divided where it stands, and read in windows that share a token with the next", async () => {
    const file = join(folderWith({ "story.txt": story }), "story.txt");
    const data = await loadDataset(file, { context: 20 });
    expect(data.train.columns.tokens).toMatchObject({ dtype: "int32", shape: [21] });
    expect(data.tokenizer!.kind).toBe("characters");
    const texts = (["train", "validation", "test"] as const).map((part) =>
      windowsOf(data, part)
        .map((window, i) => (i === 0 ? window : window.slice(1)))
        .join(""),
    );
    let at = 0;
    for (const [i, text] of texts.entries()) {
      const share = [0.9, 0.05, 0.05][i]! * story.length;
      expect(story.indexOf(text, at)).toBeGreaterThanOrEqual(at);
      at = story.indexOf(text, at) + text.length;
      // Cuts move to the next word, and less than a window (for training two) is left at the end.
      expect(Math.abs(text.length - share)).toBeLessThan(60);
    }
    expect(story.indexOf(texts[0]!)).toBe(0);
    expect(data.test.charactersPerToken).toBe(1);
  });

  it("begins its training windows elsewhere in each epoch, and comes back to the same", async () => {
    const data = await textDataset({ train: [strange] }, about, { context: 16 });
    const options = { batchSize: 32, seed: 3 };
    const { batchesPerEpoch, batch, length } = createLoader(data.train, options);
    const epochs = [0, 1].map((epoch) => {
      const seen = Array.from({ length: batchesPerEpoch }, (_, i) => {
        const { data: ids, shape } = batch(epoch * batchesPerEpoch + i).tokens!;
        return Array.from({ length: shape[0]! }, (_, row) =>
          data.tokenizer!.decode((ids as Int32Array).subarray(row * 17, row * 17 + 17)),
        );
      }).flat();
      const starts = seen.map((window) => strange.indexOf(window)).sort((a, b) => a - b);
      expect(starts).toHaveLength(length);
      // All different, one context apart: every token is seen once.
      expect(starts.every((start, i) => start === starts[0]! + 16 * i)).toBe(true);
      expect(seen.map((window) => strange.indexOf(window))).not.toEqual(starts);
      return starts[0];
    });
    expect(epochs[0]).not.toBe(epochs[1]);
    const again = createLoader(data.train, options);
    expect(again.batch(batchesPerEpoch + 1)).toEqual(batch(batchesPerEpoch + 1));
    const offsets = Array.from({ length: 400 }, (_, epoch) => {
      const { data: ids } = createLoader(data.train, { batchSize: length, seed: 1 }).batch(epoch)
        .tokens!;
      return Math.min(
        ...Array.from({ length }, (_, row) =>
          strange.indexOf(
            data.tokenizer!.decode((ids as Int32Array).subarray(row * 17, row * 17 + 17)),
          ),
        ),
      );
    });
    expect(new Set(offsets).size).toBe(16);
  });

  it("that has room for one window moves it as far as it goes", async () => {
    const data = await textDataset({ train: [strange.slice(0, 24)] }, about, {
      context: 20,
      validation: 0,
    });
    expect(data.train.length).toBe(1);
    const loader = createLoader(data.train, { batchSize: 4 });
    const starts = Array.from({ length: 60 }, (_, epoch) =>
      data.tokenizer!.decode(loader.batch(epoch).tokens!.data as Int32Array),
    ).map((window) => strange.indexOf(window));
    // 24 characters, of which the last is the test: a window of 21 fits at 0, 1 and 2.
    expect([...new Set(starts)].sort()).toEqual([0, 1, 2]);
  });

  it("can be limited and chosen from like other data", async () => {
    const data = await textDataset({ train: [story] }, about, { context: 16, limit: 5 });
    expect([data.train, data.validation, data.test].map(({ length }) => length)).toEqual([5, 5, 5]);
    const some = takeSamples(data.test, Uint32Array.of(3, 1));
    const [, second, , fourth] = windowsOf(data, "test");
    expect(windowsOf({ ...data, test: some }, "test")).toEqual([fourth, second]);
    expect(some.charactersPerToken).toBe(1);
    const all = await textDataset({ train: [story] }, about, { context: 16, whole: true });
    expect([all.train.length, all.validation.length]).toEqual([0, 0]);
    expect(windowsOf(all, "test")[0]).toBe(story.slice(0, 17));
  });

  it("may have several parts, which an end divides", async () => {
    const data = await textDataset({ train: ["ab", "c", "dé🙂"], test: ["abc"] }, about, {
      ...{ context: 2, validation: 0, tokenizer: "bytes" },
    });
    const { end } = data.tokenizer!.special;
    const stream = [97, 98, end, 99, end, 100, 0xc3, 0xa9, 0xf0, 0x9f, 0x99, 0x82];
    const { tokens } = data.train.columns;
    expect([...readRows(tokens!, 0, 4).data]).toEqual(
      [0, 2, 4, 6].flatMap((at) => stream.slice(at, at + 3)),
    );
    expect(data.train.charactersPerToken).toBe(6 / 12);
  });
});

describe("texts in folders", () => {
  it("are found below it, or in train, validation and test", async () => {
    const loose = folderWith({
      ...{ "b/two.md": "22222222", "a.txt": "11111111", "notes.csv": "x", ".hidden/c.txt": "9" },
    });
    const data = await loadDataset(loose, { context: 3, validation: 0 });
    expect(windowsOf(data, "train").join("|")).toMatch(/^1111\|1111\|11<\|endoftext\|>2/);
    const parts = folderWith({ "train/a.txt": "abcabc", "val/b.txt": "cab", "test/c.txt": "bca" });
    const divided = await loadDataset(parts, { context: 2 });
    expect([windowsOf(divided, "validation"), windowsOf(divided, "test")]).toEqual([
      ["cab"],
      ["bca"],
    ]);
  });

  it("are told from images by what is in them, and by what is asked for", async () => {
    const none = folderWith({ "readme.rst": "x" });
    await expect(loadDataset(none)).rejects.toThrow(/neither IDX files nor PNG/);
    await expect(loadDataset(none, { tokenizer: "bytes" })).rejects.toThrow(/no file ends in .txt/);
    const source = join(folderWith({ "main.c": "int main(void) { return 0; }" }), "main.c");
    await expect(loadDataset(source)).rejects.toThrow(/none of .csv/);
    expect((await loadDataset(source, { context: 4 })).tokenizer!.vocabulary).toBeGreaterThan(6);
    await expect(loadDataset("two-moons", { tokenizer: "bpe" })).rejects.toThrow(
      /two-moons has points, not text. Leave out tokenizer, or give text/,
    );
    await expect(loadDataset(source, { context: 4, imageSize: 8 })).rejects.toThrow(
      /has text, not/,
    );
  });
});

describe("tokenizers of data", () => {
  it("learn from the training text alone, and their tokens are kept", async () => {
    const cache = mkdtempSync(join(tmpdir(), "reparam-text-cache-"));
    const options = { tokenizer: "bpe", vocabulary: 280, context: 8, cache } as const;
    const load = (test: string) => textDataset({ train: [story], test: [test] }, about, options);
    const first = await load("zebra zebra zebra zebra");
    const other = await load("quagga quagga quagga quagga");
    expect(first.tokenizer!.file).toEqual(other.tokenizer!.file);
    expect(first.tokenizer!.vocabulary).toBe(280);
    expect(first.train.charactersPerToken).toBeGreaterThan(2);
    const [folder] = readdirSync(join(cache, "texts"));
    expect(readdirSync(join(cache, "texts"))).toHaveLength(2);
    const again = await load("zebra zebra zebra zebra");
    expect(again.tokenizer!.file).toEqual(first.tokenizer!.file);
    expect(windowsOf(again, "train")).toEqual(windowsOf(first, "train"));
    expect(windowsOf(again, "test")).toEqual(windowsOf(first, "test"));
    // What is damaged is made again.
    writeFileSync(join(cache, "texts", folder!, "train.tokens"), new Uint8Array(3));
    expect(windowsOf(await load("zebra zebra zebra zebra"), "train")).toEqual(
      windowsOf(first, "train"),
    );
    rmSync(cache, { recursive: true });
  });

  it("can be those of another run", async () => {
    const bytes = await textDataset({ train: [story] }, about, { tokenizer: "bytes", context: 4 });
    const file = join(
      folderWith({ "tokenizer.json": JSON.stringify(bytes.tokenizer!.file) }),
      "tokenizer.json",
    );
    const data = await textDataset({ train: ["日本語の川 and more than that"] }, about, {
      ...{ tokenizer: file, context: 2, validation: 0 },
    });
    expect(data.tokenizer!.vocabulary).toBe(262);
    await expect(
      textDataset({ train: [story] }, about, { tokenizer: file, vocabulary: 300 }),
    ).rejects.toThrow(/has its vocabulary/);
    await expect(
      textDataset({ train: [story] }, about, { tokenizer: "none.json" }),
    ).rejects.toThrow(/none.json cannot be read \(ENOENT\)/);
    await expect(
      textDataset({ train: [story] }, about, { tokenizer: "syllables" }),
    ).rejects.toThrow(/no tokenizer "syllables".*characters, bytes, bpe/);
  });

  it("know the characters of all parts, or have one token for those that training lacks", async () => {
    const texts = { train: ["abcabcabc"], test: ["abcé"] };
    const all = await textDataset(texts, about, { context: 2, validation: 0 });
    expect(windowsOf(all, "test")).toEqual(["abc"]);
    expect(all.tokenizer!.vocabulary).toBe(4 + 6);
    const open = await textDataset(texts, about, { context: 3, validation: 0, unknownToken: true });
    expect(windowsOf(open, "test")).toEqual(["abc[UNK]"]);
    expect(open.tokenizer!.vocabulary).toBe(3 + 6);
  });
});

describe("texts that cannot be used", () => {
  it("are refused with the reason", async () => {
    const folder = folderWith({
      ...{
        "empty.txt": "",
        "short.txt": "too short",
        "latin.txt": Uint8Array.of(0x61, 0xe9, 0x62),
      },
    });
    const load = (name: string, options = {}) => loadDataset(join(folder, name), options);
    await expect(load("empty.txt")).rejects.toThrow(
      /empty.txt has no text to train on: it is empty/,
    );
    await expect(load("short.txt")).rejects.toThrow(
      /short.txt: the training text has 9 tokens, a window of context 128 needs 129. Give more text, or a smaller context/,
    );
    await expect(load("latin.txt", { context: 1 })).rejects.toThrow(/not text in UTF-8/);
    await expect(load("short.txt", { context: 0 })).rejects.toThrow(/context must be an integer/);
    await expect(load("short.txt", { context: 2, validation: 7 })).rejects.toThrow(
      /use 0 for none/,
    );
    await expect(
      textDataset({ train: [story], test: ["ab"] }, about, { context: 8 }),
    ).rejects.toThrow(/the text for test has 2 tokens/);
  });
});

it("speeches are documents, or text where a tokenizer is wanted", async () => {
  const lines = Array.from({ length: 3 }, (_, i) =>
    JSON.stringify({ year: 1790 + i, name: "A", text: `Speech ${i} of the river.` }),
  );
  const folder = folderWith({ "speeches.jsonl": `${lines.join("\n")}\n` });
  const texts = await stateOfTheUnion.texts!(folder);
  expect(texts).toEqual([0, 1, 2].map((i) => `Speech ${i} of the river.`));
  const data = await textDataset({ train: texts }, about, { context: 4 });
  expect(openTokenizer(data.tokenizer!.file).vocabulary).toBe(data.tokenizer!.vocabulary);
});
