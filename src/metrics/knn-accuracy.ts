import { ReparamError, type Tensor } from "../tensor/index.ts";
import { type NeighboursOptions, vectorIndex } from "./nearest-neighbours.ts";

/** Vectors [N, D] with the class of each row. */
export interface Labelled {
  readonly vectors: Tensor;
  readonly labels: ArrayLike<number>;
}

/** Throws unless there is a label for each vector. */
export function checkLabelled(what: string, { vectors, labels }: Labelled): void {
  if (vectors.shape[0] === labels.length) return;
  throw new ReparamError(
    `${what}: there are ${vectors.shape[0]} vectors and ${labels.length} labels. Give one for each.`,
  );
}

/**
 * Share of test vectors whose class is the commonest one of their nearest training vectors (Cover, Hart, "Nearest
 * neighbor pattern classification", 1967); among equally common ones, that of the nearest.
 */
export async function knnAccuracy(
  train: Labelled,
  test: Labelled,
  options: NeighboursOptions = {},
): Promise<number> {
  checkLabelled("knnAccuracy", train);
  checkLabelled("knnAccuracy", test);
  const index = await vectorIndex(train.vectors, options);
  const { indices } = await index.search(test.vectors);
  await index.release();
  const kept = indices.length / test.labels.length;
  let right = 0;
  for (let row = 0; row < test.labels.length; row++) {
    const near = Array.from(indices.subarray(row * kept, (row + 1) * kept), (i) => train.labels[i]);
    const votes = new Map<number | undefined, number>();
    for (const label of near) votes.set(label, (votes.get(label) ?? 0) + 1);
    const most = Math.max(...votes.values());
    right += Number(near.find((label) => votes.get(label) === most) === test.labels[row]);
  }
  return right / test.labels.length;
}
