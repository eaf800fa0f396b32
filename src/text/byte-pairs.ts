import { byteCharacters, bytesByCharacter, utf8Bytes, wordPattern } from "./byte-alphabet.ts";
import { type CountedPair, pairQueue } from "./pair-queue.ts";

/** What was learned: tokens by id, the 256 bytes first, and pairs of tokens in the order to merge them. */
export interface BytePairs {
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [left: string, right: string])[];
}

/** A word as ids of tokens, and how often it occurs. */
interface Word {
  symbols: number[];
  readonly count: number;
}

/** Of two neighbouring ids: how often they occur, and the words that have or had them. */
interface PairEntry {
  count: number;
  readonly words: Set<number>;
}

/** How often each word of the texts occurs. */
export function countWords(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of text.matchAll(wordPattern())) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

/** A pair that occurs only once is not worth a token. */
const fewest = 2;

/** Ids are below this, so that two of them make one exact number. */
const idLimit = 2 ** 26;
const keyOf = (left: number, right: number): number => left * idLimit + right;
const pairOf = (key: number): [left: number, right: number] => [
  Math.floor(key / idLimit),
  key % idLimit,
];

/**
 * Learns a vocabulary of at most `size` tokens: beginning with the bytes, again and again the most frequent
 * pair of neighbours inside of words becomes a token; of equally frequent ones that of the smallest ids
 * (Sennrich, Haddow, Birch, "Neural machine translation of rare words with subword units", 2016, algorithm 1,
 * on bytes). It is smaller where no pair is left that occurs twice. Counts are kept up to date in the words
 * that a merge changes, so that it costs what it touches.
 */
export function learnBytePairs(wordCounts: ReadonlyMap<string, number>, size: number): BytePairs {
  const tokens = bytesByCharacter.map((byte) => byteCharacters[byte] as string);
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const words = wordsOf(wordCounts);
  const pairs = new Map<number, PairEntry>();
  for (const [at, word] of words.entries()) changeCounts(pairs, word, at, 1);
  const queue = pairQueue();
  for (const [key, { count }] of pairs) {
    const [left, right] = pairOf(key);
    queue.push({ left, right, count });
  }
  const merges = new Map<number, readonly [string, string]>();
  for (let best = queue.pop(); best !== undefined && tokens.length < size; best = queue.pop()) {
    const { left, right, count } = best;
    const entry = pairs.get(keyOf(left, right));
    if (entry === undefined || entry.count < fewest) continue;
    if (entry.count !== count) {
      // Counted when it was more frequent.
      queue.push({ left, right, count: entry.count });
      continue;
    }
    const parts = [tokens[left] as string, tokens[right] as string] as const;
    merges.set(keyOf(left, right), parts);
    // Two ways to the same text are one token.
    const token = parts.join("");
    const symbol = idOf.get(token) ?? tokens.push(token) - 1;
    idOf.set(token, symbol);
    pairs.delete(keyOf(left, right));
    for (const risen of mergeWords(words, pairs, entry.words, [left, right, symbol])) {
      queue.push(risen);
    }
  }
  return { tokens, merges: [...merges.values()] };
}

function wordsOf(wordCounts: ReadonlyMap<string, number>): Word[] {
  const idOfByte = new Uint16Array(256);
  for (const [id, byte] of bytesByCharacter.entries()) idOfByte[byte] = id;
  return Array.from(wordCounts, ([text, count]) => ({
    symbols: Array.from(utf8Bytes(text), (byte) => idOfByte[byte] as number),
    count,
  }));
}

/** Merges a pair in these words; the pairs that became more frequent by it, which all have the new symbol. */
function mergeWords(
  words: readonly Word[],
  pairs: Map<number, PairEntry>,
  affected: ReadonlySet<number>,
  [left, right, symbol]: readonly [number, number, number],
): CountedPair[] {
  const risen = new Set<number>();
  for (const at of affected) {
    const word = words[at] as Word;
    const merged = mergedSymbols(word.symbols, left, right, symbol);
    if (merged.length === word.symbols.length) continue;
    changeCounts(pairs, word, at, -1);
    word.symbols = merged;
    changeCounts(pairs, word, at, 1);
    for (const [i, found] of merged.entries()) {
      if (found !== symbol) continue;
      if (i > 0) risen.add(keyOf(merged[i - 1] as number, symbol));
      if (i + 1 < merged.length) risen.add(keyOf(symbol, merged[i + 1] as number));
    }
  }
  return Array.from(risen, (key) => {
    const [a, b] = pairOf(key);
    return { left: a, right: b, count: pairs.get(key)?.count ?? 0 };
  });
}

/** Adds the pairs of a word to the counts, or takes them out again. */
function changeCounts(
  pairs: Map<number, PairEntry>,
  { symbols, count }: Word,
  at: number,
  sign: 1 | -1,
): void {
  for (let i = 1; i < symbols.length; i++) {
    const key = keyOf(symbols[i - 1] as number, symbols[i] as number);
    const entry = pairs.get(key);
    if (entry !== undefined) {
      entry.count += sign * count;
      if (sign === 1) entry.words.add(at);
    } else if (sign === 1) {
      pairs.set(key, { count, words: new Set([at]) });
    }
  }
}

/** The symbols with every (left, right), from the left on, replaced by one symbol. */
function mergedSymbols(
  symbols: readonly number[],
  left: number,
  right: number,
  symbol: number,
): number[] {
  const merged: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const found = symbols[i] === left && symbols[i + 1] === right;
    merged.push(found ? symbol : (symbols[i] as number));
    if (found) i++;
  }
  return merged;
}
