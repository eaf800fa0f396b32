import { permutation, ReparamError, type Tensor } from "../tensor/index.ts";
import { checkLabelled, type Labelled } from "./knn-accuracy.ts";
import { linearProbe, type ProbeOptions } from "./linear-probe.ts";

/** A point of the curve. */
export interface LabelEfficiency {
  /** Labelled rows of all classes together. */
  readonly labels: number;
  /** Of a linear probe that knows these. */
  readonly accuracy: number;
}

/**
 * Accuracy of linear probes by the count of labels that they learn from: how few are enough, with these features.
 * Each count has equally many of each class, and the rows of a smaller count are among those of a larger one.
 * @throws ReparamError for a count below the classes, or where a class has too few rows.
 */
export async function labelEfficiency(
  train: Labelled,
  test: Labelled,
  counts: readonly number[],
  { seed = 0, ...options }: ProbeOptions & { readonly seed?: number } = {},
): Promise<readonly LabelEfficiency[]> {
  checkLabelled("labelEfficiency", train);
  const byClass = rowsByClass(train.labels, seed);
  const curve: LabelEfficiency[] = [];
  for (const count of counts) {
    const each = Math.floor(count / byClass.length);
    const least = Math.min(...byClass.map(({ length }) => length));
    if (each < 1 || each > least) {
      throw new ReparamError(
        `labelEfficiency: ${count} labels are ${each} of each of ${byClass.length} classes, of which the smallest has ${least} rows. Use a count between.`,
      );
    }
    const rows = byClass.flatMap((own) => own.slice(0, each));
    const vectors = pickRows(train.vectors, rows);
    const labels = rows.map((row) => train.labels[row] as number);
    const probe = await linearProbe({ vectors, labels }, options);
    curve.push({ labels: rows.length, accuracy: probe.accuracy(test) });
  }
  return curve;
}

/** Rows of each class, in a random order. */
function rowsByClass(labels: ArrayLike<number>, seed: number): number[][] {
  const found: number[][] = [];
  for (const row of permutation(labels.length, { seed, step: 0, path: "labels" })) {
    const label = labels[row] as number;
    found[label] ??= [];
    found[label].push(row);
  }
  return Array.from(found, (rows) => rows ?? []);
}

function pickRows({ shape, data }: Tensor, rows: readonly number[]): Tensor {
  const size = shape[1] as number;
  const out = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) {
    out.set(data.subarray(row * size, (row + 1) * size) as Float32Array, i * size);
  }
  return { dtype: "float32", shape: [rows.length, size], data: out };
}
