// What is near a document: speeches of the same president, and years.
import type { Dataset } from "reparam";
import { vectorIndex } from "reparam/metrics";
import type { Tensor } from "reparam/tensor";

/** Documents by name and vector. */
export interface Speeches {
  readonly titles: readonly string[];
  /** [N, D] */
  readonly vectors: Tensor;
}

export interface Retrieval {
  /** Share of documents whose nearest other one is by the same president. */
  readonly samePresident: number;
  /** Median distance in years to the nearest other one. */
  readonly years: number;
}

const splits = ["train", "validation", "test"] as const;

/** Titles of all documents, split by split. */
export const titlesOf = (dataset: Dataset): string[] =>
  splits.flatMap((name) => {
    const places = (dataset[name].columns.document?.data ?? []) as ArrayLike<number>;
    return Array.from(places, (place) => dataset.names?.document?.[place] ?? String(place));
  });

/** Counts of all documents, float64 [N, V]. */
export function countsOf(dataset: Dataset): Tensor {
  const parts = splits.map((name) => dataset[name].columns.counts?.data as Float64Array);
  const terms = dataset.names?.counts?.length ?? 1;
  const data = Float64Array.from(parts.flatMap((part) => Array.from(part)));
  return { dtype: "float64", shape: [data.length / terms, terms], data };
}

/** Term frequency by inverse document frequency, log(N/n_w). */
export function weighted({ shape, data }: Tensor): Tensor {
  const [rows, terms] = shape as [number, number];
  const documents = new Float64Array(terms);
  for (const [at, count] of (data as Float64Array).entries()) {
    if (count > 0) documents[at % terms] = (documents[at % terms] as number) + 1;
  }
  const out = Float32Array.from(
    data as Float64Array,
    (count, at) =>
      Math.log1p(count) * Math.log(rows / Math.max(1, documents[at % terms] as number)),
  );
  return { dtype: "float32", shape, data: out };
}

const yearOf = (title: string): number => Number.parseInt(title, 10) || 0;
const presidentOf = (title: string): string => title.replace(/^\d+\s*/, "");

/** The nearest other document of each, by cosine. */
export async function nearestOthers({ vectors }: Speeches): Promise<number[]> {
  const index = await vectorIndex(vectors, { neighbours: 2, threads: 1 });
  const { indices } = await index.search(vectors);
  await index.release();
  return Array.from({ length: indices.length / 2 }, (_, row) => {
    const [first, second] = indices.subarray(2 * row, 2 * row + 2);
    return (first === row ? second : first) as number;
  });
}

export async function retrieval(speeches: Speeches): Promise<Retrieval> {
  const { titles } = speeches;
  const found = (await nearestOthers(speeches)).map((other, row) => [
    titles[row] as string,
    titles[other] as string,
  ]) as [string, string][];
  const same = found.filter(([a, b]) => presidentOf(a) === presidentOf(b)).length;
  const years = found.map(([a, b]) => Math.abs(yearOf(a) - yearOf(b))).sort((a, b) => a - b);
  return {
    samePresident: same / found.length,
    years: years[Math.floor(years.length / 2)] as number,
  };
}

/** The same of a random other document, exactly. */
export function byChance(titles: readonly string[]): Retrieval {
  let [same, pairs] = [0, 0];
  const years: number[] = [];
  for (const [i, a] of titles.entries()) {
    for (const [j, b] of titles.entries()) {
      if (i === j) continue;
      pairs += 1;
      same += Number(presidentOf(a) === presidentOf(b));
      years.push(Math.abs(yearOf(a) - yearOf(b)));
    }
  }
  years.sort((a, b) => a - b);
  return { samePresident: same / pairs, years: years[Math.floor(years.length / 2)] as number };
}
