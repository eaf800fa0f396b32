import { ReparamError, type Tensor } from "../tensor/index.ts";

/** How a set of tokens uses its codebook. */
export interface CodebookUse {
  /** Codes that occur. */
  readonly used: number;
  /** Their share of the codebook. */
  readonly use: number;
  /** exp of the entropy of the codes' shares: how many codes of equal share would be as diverse. */
  readonly perplexity: number;
}

/**
 * Use of a codebook of `codes` by tokens, integers of any shape: a whole epoch's or test set's, for those of a batch
 * leave codes out. Throws for a token outside of the codebook.
 */
export function codebookUse(tokens: Tensor, codes: number): CodebookUse {
  const counts = new Map<number, number>();
  for (const token of tokens.data) {
    const code = Number(token);
    if (!Number.isInteger(code) || code < 0 || code >= codes) {
      throw new ReparamError(
        `codebookUse: token ${code} is outside of a codebook of ${codes}. Tokens go from 0 to ${codes - 1}.`,
      );
    }
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const total = tokens.data.length;
  if (total === 0) throw new ReparamError("codebookUse: there are no tokens.");
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / total) * Math.log(count / total);
  return { used: counts.size, use: counts.size / codes, perplexity: Math.exp(entropy) };
}
