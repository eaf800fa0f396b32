// Word vectors by noise contrast beside the factors of pointwise mutual information, and what is near a speech by
// document vectors.
// npx tsx experiments/contrastive-words.ts [--quick|--full] [--json] [--markdown] [--seeds 0,1,2] [--threads N]
// Cells that are done are read from runs/experiments/contrastive-words; the picture is written there. --full has 8000
// words, 128 features and 20 epochs, and the objective nce.
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileFunction, type Dataset, loadDataset, train } from "reparam";
import { vectorIndex } from "reparam/metrics";
import { barPlot, svgToPng } from "reparam/report";
import { mapSplit, rowsOf } from "reparam/run";
import type { Tensor, Tree } from "reparam/tensor";
import { corpusDataset } from "../src/data/corpus.ts";
import {
  byChance,
  countsOf,
  nearestOthers,
  type Retrieval,
  retrieval,
  titlesOf,
  weighted,
} from "./contrastive-words/documents.ts";
import {
  correlation,
  countPairs,
  information,
  informationVectors,
  type Pairs,
} from "./contrastive-words/information.ts";
import { kept } from "./figures/cells.ts";
import { full, printJson, quick, rootOf, seeds, table, threads } from "./figures/command-line.ts";
import { meanOf, spreadOfSeveral as spread } from "./figures/spread.ts";

const root = rootOf("contrastive-words");
const vocabulary = quick ? 150 : full ? 8000 : 4000;
const [features, epochs] = quick ? [8, 2] : full ? [128, 20] : [64, 5];
const settings = { window: 5, subsample: 1e-3, noiseExponent: 0.75 };
const negatives = 5;
/** Words whose neighbours are compared: the most frequent ones but for the first, which say little. */
const asked = quick ? [5, 40] : [50, 1050];
/** Pairs of less weight say too little of their information. */
const leastWeight = 5;
const shown = quick
  ? ["image"]
  : ["war", "freedom", "tax", "railroads", "slavery", "soviet", "children", "energy"];

const pages = fileURLToPath(new URL("../docs/methods", import.meta.url));
const text = quick ? pages : "state-of-the-union";
const dataset = await loadDataset(text, {
  tokenizer: "words",
  vocabulary,
  context: quick ? 16 : 32,
});
const tokenizer = dataset.tokenizer as NonNullable<Dataset["tokenizer"]>;
const words = tokenizer.special.end;
const wordOf = (id: number): string => tokenizer.decode([id]);

/** The result of `work`, or what it was before. */
const cached = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  kept(`${root}/${name}.json`, work);

let counted: Pairs | undefined;
const pairs = (): Pairs => {
  counted ??= countPairs(
    rowsOf(dataset.train, 0, dataset.train.length).tokens as Tensor,
    words,
    settings,
  );
  return counted;
};

/** The ten nearest words of each word that is asked for, and of each that is shown. */
async function neighboursOf(vectors: Tensor): Promise<{ near: number[][]; shown: string[][] }> {
  const index = await vectorIndex(vectors, { neighbours: 11, threads });
  const size = vectors.shape[1] as number;
  const nearest = async (ids: readonly number[]): Promise<number[][]> => {
    const data = Float32Array.from(
      ids.flatMap((id) =>
        Array.from((vectors.data as Float32Array).subarray(id * size, (id + 1) * size)),
      ),
    );
    const { indices } = await index.search({ dtype: "float32", shape: [ids.length, size], data });
    const each = indices.length / ids.length;
    return ids.map((id, row) =>
      Array.from(indices.subarray(row * each, (row + 1) * each)).filter((other) => other !== id),
    );
  };
  const [from = 0, to = 0] = asked;
  const near = await nearest(
    Array.from({ length: Math.min(to, words) - from }, (_, i) => from + i),
  );
  const known = shown
    .flatMap((word) => tokenizer.encode(word).slice(0, 1))
    .filter((id) => id < words);
  const ofShown = await nearest(known);
  await index.release();
  return { near, shown: ofShown.map((ids) => ids.slice(0, 8).map(wordOf)) };
}

interface WordCell {
  readonly testLoss: number;
  /** Of scores with shifted PMI, over pairs that occur often enough. */
  readonly agreement: number;
  readonly pairs: number;
  readonly near: number[][];
  readonly shown: string[][];
  readonly seconds: number;
}

const wordCell = (objective: string, seed: number): Promise<WordCell> =>
  cached(`${objective}-seed${seed}`, async () => {
    const start = performance.now();
    const options = { ...settings, features, negatives, objective };
    const model = await train("skip-gram", { data: dataset, options, epochs, seed, threads });
    const seconds = (performance.now() - start) / 1000;
    const { word, near, bias } = paramsOf(model.weights);
    const first = (x: Tensor): Tensor => ({
      ...{ dtype: "float32", shape: [words, features] },
      data: (x.data as Float32Array).slice(0, words * features),
    });
    const [u, v] = [first(word), first(near)];
    const scores: number[] = [];
    const truths: number[] = [];
    const { weight } = pairs();
    for (const [at, w] of weight.entries()) {
      if (w < leastWeight) continue;
      const [a, b] = [Math.floor(at / words), at % words];
      let score = Number(bias?.data[b] ?? 0);
      for (let d = 0; d < features; d++) {
        score += Number(u.data[a * features + d]) * Number(v.data[b * features + d]);
      }
      scores.push(score);
      truths.push(target(objective, a, b));
    }
    const testLoss = (await model.evaluate("test")).metrics.loss as number;
    const found = await neighboursOf(u);
    return {
      ...{ testLoss, agreement: correlation(scores, truths), pairs: scores.length },
      ...{ ...found, seconds },
    };
  });

/** What u·v is at the minimum: PMI − log k, or log p(b | a). */
function target(objective: string, a: number, b: number): number {
  const pmi = information(pairs(), a, b);
  if (objective === "nce") return pmi + Math.log(pairs().noise[b] as number);
  return pmi - Math.log(negatives);
}

interface Vectors {
  readonly word: Tensor;
  readonly near: Tensor;
  readonly bias: Tensor | undefined;
}

const paramsOf = (weights: Tree<Tensor>): Vectors => {
  const { params } = weights as unknown as {
    params: Record<"word" | "near", { weight: Tensor }> & { bias?: Tensor };
  };
  return { word: params.word.weight, near: params.near.weight, bias: params.bias };
};

const overlap = (a: readonly number[][], b: readonly number[][]): number =>
  meanOf(a.map((ids, i) => ids.filter((id) => b[i]?.includes(id)).length / ids.length));

const byFactors = await cached("factors", () =>
  neighboursOf(informationVectors(pairs(), features, negatives)),
);
const cells: Record<string, object[]> = {};
const wordRows: string[][] = [];
const shownRows: string[][] = [];
for (const objective of quick || full ? ["negative-sampling", "nce"] : ["negative-sampling"]) {
  const found: WordCell[] = [];
  for (const seed of seeds) found.push(await wordCell(objective, seed));
  const other = (i: number): WordCell => found[(i + 1) % found.length] as WordCell;
  const figures = found.map((cell, i) => ({
    ...{ testLoss: cell.testLoss, agreement: cell.agreement },
    factors: overlap(cell.near, byFactors.near),
    otherSeed: overlap(cell.near, other(i).near),
  }));
  cells[objective] = figures;
  const column = (field: keyof (typeof figures)[number]): string =>
    spread(
      figures.map((f) => f[field]),
      3,
    );
  const minutes = (meanOf(found.map(({ seconds }) => seconds)) / 60).toFixed(1);
  wordRows.push([
    objective,
    column("testLoss"),
    column("agreement"),
    column("factors"),
    found.length > 1 ? column("otherSeed") : "–",
    minutes,
  ]);
  for (const [i, word] of shown.entries()) {
    shownRows.push([word, objective, found[0]?.shown[i]?.join(", ") ?? ""]);
  }
}
for (const [i, word] of shown.entries()) {
  shownRows.push([word, "factors of PMI", byFactors.shown[i]?.join(", ") ?? ""]);
}
shownRows.sort(([a = ""], [b = ""]) => shown.indexOf(a) - shown.indexOf(b));

const documents = quick ? pagesAsDocuments() : await loadDataset("state-of-the-union");
const titles = titlesOf(documents);
const counts = countsOf(documents);

function pagesAsDocuments(): Dataset {
  const found = readdirSync(pages).map((title) => ({
    ...{ title: `1900 ${title}`, text: readFileSync(join(pages, title), "utf8") },
  }));
  const card = { title: "Pages", license: "–", source: "–", citation: "–" };
  return corpusDataset(found, { name: "pages", card }, { terms: 200 });
}

type DocumentCell = Retrieval & { readonly nearest: readonly number[] };

const documentCell = (seed: number): Promise<DocumentCell> =>
  cached(`documents-seed${seed}`, async () => {
    const options = { features: quick ? 8 : 32, foldIn: quick ? 10 : 30 };
    const length = { epochs: quick ? 10 : 300 };
    const model = await train("doc-vectors", {
      data: documents,
      options,
      ...length,
      seed,
      threads,
    });
    const encode = await compileFunction(model.method, "encode", model.weights, { threads });
    const parts: number[] = [];
    for (const name of ["train", "validation", "test"] as const) {
      parts.push(
        ...Array.from((await mapSplit(encode, documents[name])).latent?.data as Float32Array),
      );
    }
    await encode.release();
    const vectors: Tensor = {
      ...{ dtype: "float32", shape: [titles.length, parts.length / titles.length] },
      data: Float32Array.from(parts),
    };
    const nearest = await nearestOthers({ titles, vectors });
    return { ...(await retrieval({ titles, vectors })), nearest };
  });

const ofVectors: DocumentCell[] = [];
for (const seed of seeds) ofVectors.push(await documentCell(seed));
const plain: Tensor = {
  ...counts,
  dtype: "float32",
  data: Float32Array.from(counts.data as Float64Array),
};
const compared: [name: string, found: readonly Retrieval[]][] = [
  ["doc-vectors", ofVectors],
  ["log counts · idf", [await retrieval({ titles, vectors: weighted(counts) })]],
  ["counts", [await retrieval({ titles, vectors: plain })]],
  ["a random other", [byChance(titles)]],
];
for (const [name, found] of compared) {
  cells[name] = found.map(({ samePresident, years }) => ({ samePresident, years }));
}

console.log(
  table(
    [
      "objective",
      "test loss",
      "correlation with PMI",
      "with factors",
      "with another seed",
      "minutes",
    ],
    wordRows,
  ),
);
console.log(
  `${words} words, ${features} features, ${epochs} epochs; correlation over pairs of weight ${leastWeight} or more; shares of common ones among the 10 nearest of words ${asked.join(" to ")} by count; mean ± standard deviation over seeds ${seeds.join(", ")}`,
);
console.log(`\n${table(["word", "by", "nearest, seed 0"], shownRows)}`);
const percent = (values: readonly number[]): string =>
  spread(
    values.map((v) => 100 * v),
    1,
  );
console.log(
  `\n${table(
    ["documents by", "nearest is by the same president, %", "median years between"],
    compared.map(([name, found]) => [
      name,
      percent(found.map(({ samePresident }) => samePresident)),
      spread(
        found.map(({ years }) => years),
        1,
      ),
    ]),
  )}`,
);
const places = [0, 0.25, 0.5, 0.75].map((share) => Math.floor(share * titles.length));
console.log(
  `\n${places.map((row) => `${titles[row]}: ${titles[ofVectors[0]?.nearest[row] ?? 0]}`).join("\n")}`,
);
const picture = barPlot({
  title: "The nearest other address is by the same president",
  x: { label: "%" },
  bars: compared.map(([name, found]) => ({
    name,
    value: 100 * meanOf(found.map(({ samePresident }) => samePresident)),
  })),
});
await mkdir(root, { recursive: true });
await writeFile(`${root}/documents.png`, await svgToPng(picture));
printJson({ cells });
