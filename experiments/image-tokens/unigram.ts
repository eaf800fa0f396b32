import type { Split } from "reparam";
import { fillUniform, type Tensor } from "reparam/tensor";

/** Tokens that do not depend on each other nor on their place. */
export interface Unigram {
  /** log₂ p of each code, by its count in the training set and one more. */
  readonly logProb: Float64Array;
}

const tokensOf = (split: Split): Int32Array => split.columns.tokens?.data as Int32Array;

export function fitUnigram(train: Split, codes: number): Unigram {
  const counts = new Float64Array(codes).fill(1);
  const tokens = tokensOf(train);
  for (const token of tokens) counts[token] = (counts[token] as number) + 1;
  return { logProb: counts.map((count) => Math.log2(count / (tokens.length + codes))) };
}

/** Bits a token of a split. */
export function unigramBits({ logProb }: Unigram, split: Split): number {
  const tokens = tokensOf(split);
  return -tokens.reduce((sum, token) => sum + (logProb[token] as number), 0) / tokens.length;
}

/** Images of tokens drawn one by one, int32 [count, h, w]. */
export function drawUnigram({ logProb }: Unigram, shape: readonly number[], seed: number): Tensor {
  const ends: number[] = [];
  for (const bits of logProb) ends.push((ends.at(-1) ?? 0) + 2 ** bits);
  const uniform = new Float64Array(shape.reduce((a, b) => a * b, 1));
  fillUniform(uniform, { seed, step: 0, path: "unigram" });
  const last = ends.length - 1;
  const code = (u: number): number => {
    const found = ends.findIndex((end) => end > u);
    return found < 0 ? last : found;
  };
  return { dtype: "int32", shape, data: Int32Array.from(uniform, code) };
}
