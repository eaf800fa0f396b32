/**
 * What BERT is shown, made of windows of text while training: pairs of segments, and tokens to be found.
 *
 * Devlin, Chang, Lee, Toutanova, "BERT: pre-training of deep bidirectional transformers for language
 * understanding" (2019), section 3.1 and appendix A.1; sentence order: Lan et al., "ALBERT" (2020), section 3.1.
 */
import {
  and,
  cast,
  concat,
  floor,
  full,
  greaterOrEqual,
  less,
  slice,
  takeAlongAxis,
  topK,
  where,
} from "../../ops/index.ts";
import { ReparamError, type Size } from "../../tensor/index.ts";
import { type Key, mask, uniform, type Value } from "../../trace/index.ts";
import type { TextData } from "./text-data.ts";

/** Which task stands beside finding masked tokens: none, or whether two segments are in order, or neighbours. */
export type PairTask = "none" | "sentence-order" | "next-sentence";

/** Tokens that are no text, by id. */
export interface Markers {
  readonly class: number;
  readonly separator: number;
  readonly mask: number;
  /** Ids below this are text. */
  readonly text: number;
  /** Rows that the table of embeddings needs. */
  readonly vocabulary: number;
}

/** The tokenizer's markers; of one that has none, ids after its vocabulary. */
export function markersOf({ vocabulary, special }: TextData): Markers {
  if (special === undefined) {
    const [first, second, third] = [vocabulary, vocabulary + 1, vocabulary + 2];
    const ids = { class: first, separator: second, mask: third };
    return { ...ids, text: vocabulary, vocabulary: vocabulary + 3 };
  }
  const { class: first, separator, mask: masked } = special;
  const text = vocabulary - Object.keys(special).length;
  return { class: first, separator, mask: masked, text, vocabulary };
}

/** How a sequence is put together: [CLS] A [SEP] B [SEP], or [CLS] A [SEP]. */
export interface Layout {
  /** Tokens of A, and of B where there is one. */
  readonly segment: number;
  readonly pairs: boolean;
  /** Tokens of the sequence, markers included: the context at most. */
  readonly length: number;
}

export function layoutOf(context: number, pairs: boolean): Layout {
  const segment = pairs ? Math.floor((context - 3) / 2) : context - 2;
  return { segment, pairs, length: pairs ? 2 * segment + 3 : segment + 2 };
}

const column = (rows: Size, id: number): Value => full([rows, 1], id, "int32");

/** The markers put between segments [B, segment]: ids of a sequence, int32 [B, length]. */
export function sequence(segments: readonly Value[], markers: Markers): Value {
  const rows = (segments[0] as Value).size(0);
  const parts = [column(rows, markers.class)];
  for (const segment of segments) parts.push(segment, column(rows, markers.separator));
  return concat(parts, 1);
}

/** 0 for [CLS] A [SEP] and 1 for B [SEP], int32 [1, length]. */
export function segmentIds({ segment, pairs }: Layout): Value {
  const first = full([1, segment + 2], 0, "int32");
  return pairs ? concat([first, full([1, segment + 1], 1, "int32")], 1) : first;
}

export interface Segments {
  /** A and B [B, segment], as they are shown. */
  readonly segments: readonly Value[];
  /** Of pairs: whether B does not follow A, bool [B, 1]. */
  readonly broken?: Value;
}

/**
 * The first tokens of windows [B, context + 1] as segments. Half of the pairs are broken: A and B exchanged
 * (sentence order), or B taken from the row before (next sentence), which begins somewhere else in the text.
 */
export function segmentsOf(
  windows: Value,
  { segment }: Layout,
  task: PairTask,
  key: Key,
): Segments {
  const first = slice(windows, 1, 0, segment);
  if (task === "none") return { segments: [first] };
  const second = slice(windows, 1, segment, 2 * segment);
  const broken = cast(mask(key.at("pairs"), [windows.size(0), 1], 0.5), "bool");
  const swap = (other: Value, own: Value): Value => where(broken, other, own);
  if (task === "sentence-order") {
    return { segments: [swap(second, first), swap(first, second)], broken };
  }
  const before = concat([slice(second, 0, -1), slice(second, 0, 0, -1)], 0);
  return { segments: [first, swap(before, second)], broken };
}

export interface Corrupted {
  /** The text [B, n] with some tokens replaced. */
  readonly text: Value;
  /** Where a token is to be found, int64 [B, k], and which it was, int32 [B, k]. */
  readonly at: Value;
  readonly target: Value;
}

/**
 * Chooses round(rate·n) tokens of every row of text [B, n] to be found: of these 80 % become [MASK], 10 % any
 * token of text, and 10 % stay as they are, so that the model cannot know which ones it is asked for.
 */
export function corrupt(text: Value, markers: Markers, rate: number, key: Key): Corrupted {
  const n = text.size(1) as number;
  const count = Math.max(1, Math.round(rate * n));
  if (count > n) {
    throw new ReparamError(`bert: ${count} of ${n} tokens cannot be masked. Lower maskRate.`);
  }
  const draw = (name: string): Value => uniform(key.at(name), text.shape);
  const order = draw("chosen");
  const [largest, at] = topK(order, count);
  const chosen = greaterOrEqual(order, slice(largest, 1, -1));
  const kind = draw("kind");
  const random = cast(floor(draw("random").mul(markers.text)), "int32");
  const isMasked = and(chosen, less(kind, 0.8));
  const isRandom = and(chosen, greaterOrEqual(kind, 0.9));
  const replaced = where(isMasked, markers.mask, where(isRandom, random, text));
  return { text: replaced, at, target: takeAlongAxis(text, at, 1) };
}

/** Places of a sequence from places of the text in it: [CLS] is before all, [SEP] before B. */
export function placesIn(at: Value, { segment, pairs }: Layout): Value {
  const shifted = at.add(1);
  return pairs ? shifted.add(cast(greaterOrEqual(at, segment), at.dtype)) : shifted;
}
