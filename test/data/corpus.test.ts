import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { chooseVocabulary, corpusDataset, tokenize } from "../../src/data/corpus.ts";
import { iris } from "../../src/data/iris.ts";
import { penguins } from "../../src/data/penguins.ts";
import { npmLinesSource } from "../../src/data/sources.ts";
import { stateOfTheUnion } from "../../src/data/state-of-the-union.ts";

const about = { name: "texts", card: { title: "", license: "", source: "", citation: "" } };
const newFolder = () => mkdtempSync(join(tmpdir(), "reparam-corpus-"));

describe("documents", () => {
  it("are divided into lower-case words without stop words and possessives", () => {
    expect(
      tokenize("The Nation’s TREASURY didn't grow; the treasury's 1,234 ships, états-unis!"),
    ).toEqual(["nation", "treasury", "grow", "treasury", "ships", "états", "unis"]);
    expect(tokenize("It's what we've been of, at 1790.")).toEqual([]);
  });

  it("have the terms that are in the most of them, but not in all and not in one alone", () => {
    const of = (...terms: string[]) => new Map(terms.map((term) => [term, 3]));
    const texts = [
      of("all", "peace", "war"),
      of("all", "peace", "trade"),
      of("all", "peace", "war"),
      of("all", "peace", "trade", "rare"),
      of("all", "harbour", "war"),
    ];
    expect(chooseVocabulary(texts, 10)).toEqual(["peace", "trade", "war"]);
    expect(chooseVocabulary(texts, 2)).toEqual(["peace", "war"]);
  });

  const letter = (i: number): string => String.fromCharCode(97 + i);
  /** Document i says one of two words i + 1 times, one of three others once, and a word of its own. */
  const documents = Array.from({ length: 60 }, (_, i) => ({
    title: `text ${i}`,
    text: `${`${i % 2 === 0 ? "even" : "strange"} `.repeat(i + 1)} ${["river", "mountain", "ocean"][i % 3]} own${letter(i % 26)}${letter(Math.floor(i / 26))}`,
  }));

  it("become a matrix of counts by document and term, with their places among all documents", () => {
    const data = corpusDataset(documents, about, { seed: 1, terms: 4 });
    const vocabulary = data.names?.counts ?? [];
    expect(vocabulary).toHaveLength(4);
    expect([data.train, data.validation, data.test].map((s) => s.length)).toEqual([51, 4, 5]);
    const { counts, document } = data.train.columns;
    expect(counts).toMatchObject({ dtype: "float64", shape: [4] });
    const every = [data.train, data.validation, data.test].flatMap(({ columns }) => [
      ...(columns.document!.data as Int32Array),
    ]);
    expect(every.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    for (const [row, place] of (document!.data as Int32Array).entries()) {
      const title = data.names!.document![place] as string;
      const words = tokenize(documents[Number(title.slice(5))]!.text);
      const expected = vocabulary.map((term) => words.filter((word) => word === term).length);
      expect([...counts!.data.slice(4 * row, 4 * row + 4)]).toEqual(expected);
    }
    const single = corpusDataset(documents, about, {
      seed: 1,
      terms: 4,
      dtype: "float32",
      limit: 20,
    });
    expect(single.train.columns.counts!.dtype).toBe("float32");
    expect([single.train.length, single.test.length]).toEqual([20, 5]);
  });

  it("choose their vocabulary without looking at the test", () => {
    const plain = corpusDataset(documents, about, { seed: 1 });
    const held = new Set(plain.names?.document);
    const changed = documents.map((document) =>
      held.has(document.title) ? document : { ...document, text: `${document.text} comet comet` },
    );
    expect(corpusDataset(changed, about, { seed: 1 }).names).toEqual(plain.names);
  });

  it("without a term are refused by name", () => {
    const some = documents.map((document, i) =>
      i === 7 ? { title: "blank", text: "42" } : document,
    );
    expect(() => corpusDataset(some, about)).toThrow(/"blank" has none of the \d+ terms/);
    const alike = [1, 2, 3].map((i) => ({ title: `${i}`, text: "same" }));
    expect(() => corpusDataset(alike, about)).toThrow(/no term is in two/);
    expect(() => corpusDataset(documents, about, { terms: 0 })).toThrow(/terms must be/);
  });
});

describe("data sets of packages", () => {
  it("penguins have four measurements, missing ones, and their species as label", async () => {
    const bird = (species: string, mass: number | null) => ({
      ...{ Species: species, Island: "Dream", "Beak Length (mm)": 40, "Beak Depth (mm)": 18 },
      ...{ "Flipper Length (mm)": 195, "Body Mass (g)": mass, Sex: null },
    });
    const rows = [bird("Gentoo", 4000), bird("Adelie", null), bird("Gentoo", 4100)];
    const folder = newFolder();
    writeFileSync(join(folder, "penguins.json.gz"), gzipSync(JSON.stringify(rows)));
    const data = await penguins.load!(folder, { validation: 0 });
    expect(data.names?.x).toHaveLength(4);
    expect(data.classes).toEqual(["Adelie", "Gentoo"]);
    const all = [data.train, data.test].flatMap(({ columns: { x, label }, length }) =>
      Array.from({ length }, (_, i) => [label!.data[i], x!.data[4 * i + 3]].map(Number)),
    );
    expect(all.sort((a, b) => a[1]! - b[1]!)).toEqual(
      expect.arrayContaining([
        [0, Number.NaN],
        [1, 4000],
        [1, 4100],
      ]),
    );
    const picked = await penguins.load!(folder, {
      columns: ["Body Mass (g)"],
      labelColumn: "Island",
    });
    expect([picked.names?.x, picked.classes]).toEqual([["Body Mass (g)"], ["Dream"]]);
  });

  it("irises have rows without keys", async () => {
    const folder = newFolder();
    const rows = ["setosa", "virginica", "setosa"].map((kind, i) => [5 + i, 3, 1.4, 0.2, kind]);
    writeFileSync(join(folder, "iris.json"), JSON.stringify(rows));
    const data = await iris.load!(folder, {});
    expect(data.names?.x?.[2]).toBe("petal length (cm)");
    expect(data.classes).toEqual(["setosa", "virginica"]);
  });

  it("speeches are documents titled by year and name", async () => {
    const folder = newFolder();
    const texts = ["war peace", "peace sea", "sea war"];
    const lines = Array.from({ length: 9 }, (_, i) =>
      JSON.stringify({ year: 1790 + i, name: "A B", party: "none", text: texts[i % 3] }),
    );
    writeFileSync(join(folder, "speeches.jsonl"), `${lines.join("\n")}\n`);
    const data = await stateOfTheUnion.load!(folder, { validation: 0, seed: 2 });
    expect(data.names?.counts).toEqual(["peace", "sea", "war"]);
    for (const [row, place] of (data.train.columns.document!.data as Int32Array).entries()) {
      const title = data.names!.document![place] as string;
      const text = texts[(Number(title.slice(0, 4)) - 1790) % 3] as string;
      const counts = [...data.train.columns.counts!.data.slice(3 * row, 3 * row + 3)];
      expect(counts).toEqual(["peace", "sea", "war"].map((term) => Number(text.includes(term))));
      expect(title.slice(4)).toBe(" A B");
    }
  });

  it("come as lines of one file where a package has many", async () => {
    const folder = newFolder();
    const files = {
      "package.json": '{"name":"local-texts","version":"1.0.0"}',
      "data/b.json": '{"n":2}\n',
      "data/a.json": '{"n":1}',
      "data/a.txt": "no",
    };
    mkdirSync(join(folder, "data"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    // npm packs a folder of this machine without asking anybody.
    const source = npmLinesSource(folder, "data", ".json", "all.jsonl");
    const found = await source.get(["all.jsonl"], newFolder());
    expect(new TextDecoder().decode(found.get("all.jsonl"))).toBe('{"n":1}\n{"n":2}\n');
    await expect(source.get(["other"], newFolder())).rejects.toThrow(/no file other/);
  }, 30_000);
});
