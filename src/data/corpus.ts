import { ReparamError } from "../tensor/index.ts";
import type { Description } from "./idx-folder.ts";
import { checkCount, makeSplit, planSplits } from "./split.ts";
import { stopWords } from "./stop-words.ts";
import { numbersOf } from "./table.ts";
import type {
  CorpusOptions,
  Dataset,
  Split,
  SplitName,
  SplitOptions,
  TableOptions,
} from "./types.ts";

/** A text with the name that reports give it. */
export interface Document {
  readonly title: string;
  readonly text: string;
}

/** Of the training documents: terms in more are no topic's own, terms in fewer belong to one text. */
const [largestShare, fewestDocuments] = [0.8, 2];

/**
 * The words of a text in lower case: runs of letters, with apostrophes inside of them, of at least three
 * letters. Possessive endings are cut off and stop words left out.
 */
export function tokenize(text: string): string[] {
  const words =
    text
      .toLowerCase()
      .replaceAll("’", "'")
      .match(/\p{L}+(?:'\p{L}+)*/gu) ?? [];
  return words
    .filter((word) => !stopWords.has(word))
    .map((word) => word.replace(/'s$/, ""))
    .filter((word) => word.length > 2 && !stopWords.has(word));
}

/** How often each term occurs. */
function countTerms(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of tokenize(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/**
 * The `size` terms that are in the most documents, in alphabetical order; terms of a single document, or of
 * more than 80 % of them, are left out. Of terms in equally many documents the first by the alphabet come in.
 */
export function chooseVocabulary(
  documents: readonly ReadonlyMap<string, number>[],
  size: number,
): string[] {
  const frequency = new Map<string, number>();
  for (const counts of documents) {
    for (const term of counts.keys()) frequency.set(term, (frequency.get(term) ?? 0) + 1);
  }
  const most = largestShare * documents.length;
  return [...frequency]
    .filter(([, count]) => count >= fewestDocuments && count <= most)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, size)
    .map(([term]) => term)
    .sort();
}

/**
 * A document-term matrix: `counts` [V] of each document, float64, and `document` [], its place
 * among all documents, by which `names.document` has its title. The split is random by `seed`, and the vocabulary is that of the training documents.
 * Throws if a document has no term of the vocabulary.
 */
export function corpusDataset(
  documents: readonly Document[],
  about: Description,
  options: SplitOptions & CorpusOptions & Pick<TableOptions, "dtype"> = {},
): Dataset {
  const { terms: size = 2000, dtype } = options;
  checkCount("terms", options.terms, 1);
  const plan = planSplits({ train: documents.length }, options, false);
  const counted = documents.map(({ text }) => countTerms(text));
  const training = Array.from(plan.train.indices, (at) => counted[at] as Map<string, number>);
  const vocabulary = chooseVocabulary(training, size);
  if (vocabulary.length === 0) {
    throw new ReparamError(
      `${about.name}: no term is in two of the ${training.length} training documents. Give more documents.`,
    );
  }
  const make = (name: SplitName): Split => {
    const indices = plan[name].indices;
    const data = new Float64Array(indices.length * vocabulary.length);
    for (const [row, at] of indices.entries()) {
      const found = counted[at] as Map<string, number>;
      const counts = vocabulary.map((term) => found.get(term) ?? 0);
      if (counts.every((count) => count === 0)) {
        const title = documents[at]?.title;
        throw new ReparamError(
          `${about.name}: "${title}" has none of the ${vocabulary.length} terms. Ask for more terms.`,
        );
      }
      data.set(counts, row * vocabulary.length);
    }
    return makeSplit({
      counts: numbersOf(data, [vocabulary.length], dtype),
      document: { dtype: "int32", shape: [], data: Int32Array.from(indices) },
    });
  };
  return {
    ...about,
    names: { counts: vocabulary, document: documents.map(({ title }) => title) },
    train: make("train"),
    validation: make("validation"),
    test: make("test"),
  };
}
