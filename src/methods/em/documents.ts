// What pLSA reads, documents as counts of terms, and what it shows, topics as their terms.
import { cast, max } from "../../ops/index.ts";
import type { BatchSpec, DataShape, Drawing } from "../../step/index.ts";
import { ReparamError, type Tensor, tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { rowColumn } from "./columns.ts";
import { B } from "./options.ts";
import { componentImages } from "./portrait.ts";

/** What documents are: a column `counts` [V], a table `x` [V] of counts, or images, whose pixels are the terms. */
export interface Documents {
  readonly column: "counts" | "x" | "image";
  readonly spec: BatchSpec[string];
  readonly terms: number;
  readonly read: (columns: Readonly<Record<string, Value>>) => Value;
  /** Distributions over terms [B, V] as an output of a function. */
  readonly write: (probabilities: Value) => Readonly<Record<string, Value>>;
}

/** Throws, with what the method wants, if the data has none of these. */
export function documentsOf(name: string, data: DataShape): Documents {
  const { counts, x, image } = data.columns;
  const given = counts ?? x;
  const terms = given?.shape[1];
  if (
    given !== undefined &&
    /^float/.test(given.dtype) &&
    given.shape.length === 2 &&
    typeof terms === "number"
  ) {
    const column = counts === undefined ? "x" : "counts";
    return {
      ...{ column, terms, spec: { dtype: given.dtype, shape: [B, terms] } },
      read: (columns) => cast(columns[column] as Value, "float64"),
      write: (probabilities) => ({ probabilities }),
    };
  }
  if (image === undefined) {
    throw new ReparamError(
      `${name} wants counts of terms: a data set with a column counts or x of float64 [V], such as --data state-of-the-union or a table with a column a term, or of images.`,
    );
  }
  const images = rowColumn(name, data);
  return {
    ...{ column: "image", terms: images.size, spec: images.spec },
    read: images.read,
    write: (p) => ({ image: images.write(p.div(max(p, 1, { keepDims: true }))) }),
  };
}

/** Topics as their likeliest terms, or, where terms are pixels, as images. */
export function topicsDrawing(
  topics: Tensor,
  { column, spec: { shape }, terms }: Documents,
  { names }: DataShape,
): Drawing {
  if (column === "image") {
    const values = topics.data as Float64Array<ArrayBuffer>;
    const scaled = values.map((p, i) => p / largestOf(values, i - (i % terms), terms));
    const rows = tensor(scaled, topics.shape);
    return componentImages(rows, shape.slice(1) as number[], "p(w|z), each topic to its maximum.");
  }
  const named = names?.[column] ?? Array.from({ length: terms }, (_, i) => String(i));
  return {
    kind: "bars",
    title: "Topics",
    caption: "The likeliest terms of every topic.",
    label: "p(w|z)",
    groups: topicTerms(topics, named, 8).map((row, topic) => ({
      name: `topic ${topic}`,
      bars: row.map(({ term, probability }) => ({ name: term, value: probability })),
    })),
  };
}

const largestOf = (values: Float64Array, from: number, length: number): number =>
  values.subarray(from, from + length).reduce((most, value) => Math.max(most, value), 0);

/** The likeliest terms of every topic p(w|z) [Z, V]. */
export function topicTerms(
  topics: Tensor,
  terms: readonly string[],
  count = 10,
): { readonly term: string; readonly probability: number }[][] {
  const size = terms.length;
  return Array.from({ length: topics.shape[0] as number }, (_, topic) => {
    const row = [...(topics.data as Float64Array).subarray(topic * size, (topic + 1) * size)];
    return row
      .map((probability, i) => ({ term: terms[i] as string, probability }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, count);
  });
}
