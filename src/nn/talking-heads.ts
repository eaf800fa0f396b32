import { constant, matmul, reshape } from "../ops/index.ts";
import { ReparamError, type Size, tensorOf } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";

/** What is mixed over the heads: nothing, the logits, or the logits and after the softmax the weights. */
export type TalkingHeadsKind = "none" | "logits" | "logits+weights";

/** mix [h', h] goes from the heads of queries to those of the softmax, mixWeights [h, h'] back. */
export type TalkingHeadsParams = { readonly mix?: Value; readonly mixWeights?: Value };

export interface TalkingHeadsOptions {
  readonly talkingHeads?: TalkingHeadsKind;
  /** Heads between the two mixings, h'; as many as the others by default. */
  readonly softmaxHeads?: number;
}

/** Row i picks column i modulo the number of columns: the identity where the sizes are equal. */
const wrappedIdentity = (rows: number, columns: number): Value =>
  constant(
    tensorOf(
      Array.from({ length: rows * columns }, (_, at) =>
        Math.floor(at / columns) % columns === at % columns ? 1 : 0,
      ),
      [rows, columns],
    ),
  );

/**
 * Matrices that mix nothing at first: identities, so that attention starts as without them. With more heads for
 * the softmax than others the further ones start as copies that nothing reads; with fewer, heads share.
 * @throws ReparamError where softmaxHeads is given without a mixing back.
 */
export function initTalkingHeads(
  heads: number,
  { talkingHeads: kind = "none", softmaxHeads = heads }: TalkingHeadsOptions,
): TalkingHeadsParams {
  if (!Number.isInteger(softmaxHeads) || softmaxHeads < 1) {
    throw new ReparamError(`talking heads: softmaxHeads must be at least 1, got ${softmaxHeads}.`);
  }
  if (softmaxHeads !== heads && kind !== "logits+weights") {
    throw new ReparamError(
      `talking heads: ${softmaxHeads} softmax heads for ${heads} heads need a mixing back. Choose "logits+weights", or leave softmaxHeads out.`,
    );
  }
  if (kind === "none") return {};
  const mix = wrappedIdentity(softmaxHeads, heads);
  return kind === "logits" ? { mix } : { mix, mixWeights: wrappedIdentity(heads, softmaxHeads) };
}

/**
 * y[b, i] = Σ_j matrix[i, j]·x[b, j] over the heads of logits or weights [B, h, T, S], matrix [h', h] (Shazeer,
 * Lan, Cheng, Ding, Hou, "Talking-heads attention", 2020, section 3).
 */
export const talkingHeads =
  (matrix: Value) =>
  (x: Value): Value => {
    const [B, h, T, S] = x.shape as [Size, Size, Size, Size];
    const mixed = matmul(matrix, reshape(x, [B, h, -1]));
    return reshape(mixed, [B, matrix.size(0), T, S]);
  };
