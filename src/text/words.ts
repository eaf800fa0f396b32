/** A word: a run of letters, with apostrophes inside of it. */
export const wordSource = "\\p{L}+(?:'\\p{L}+)*";

/** Characters of a word at most; longer ones are unknown. */
export const longestWord = 100;

/** The words of a text in their order, in lower case; what is no word is left out. */
export function* plainWords(text: string): Generator<string> {
  const plain = text.replaceAll("’", "'").toLowerCase();
  for (const [word] of plain.matchAll(new RegExp(wordSource, "gu"))) yield word;
}

/** What occurs once says little of how words are used. */
const fewest = 2;

/** The most frequent words first, at most so many; of equally frequent ones the first by the alphabet. */
export function frequentWords(texts: Iterable<string>, most: number): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of plainWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .filter(([word, count]) => count >= fewest && word.length <= longestWord)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([word]) => word);
}
