// What a classifier says of generated samples.
import {
  formatShape,
  permutation,
  ReparamError,
  ShapeError,
  type Tensor,
} from "../tensor/index.ts";
import type { Labelled } from "./knn-accuracy.ts";
import { linearProbe, type ProbeOptions } from "./linear-probe.ts";

export interface ClassScore {
  /** Mean over the parts: between 1 and the number of classes. */
  readonly score: number;
  /** Standard deviation over the parts; undefined for one. */
  readonly deviation: number | undefined;
  readonly parts: number;
}

function logitRows(who: string, { shape, data }: Tensor): Float64Array[] {
  const [rows = 0, classes = 0] = shape;
  if (shape.length !== 2 || rows < 1 || classes < 2) {
    throw new ShapeError(who, `wants logits [N, classes], got ${formatShape(shape)}.`);
  }
  const all = Float64Array.from(data as ArrayLike<number>, Number);
  return Array.from({ length: rows }, (_, i) => all.subarray(i * classes, (i + 1) * classes));
}

/** log p(class | x) of a row of logits. */
function logProbabilities(row: Float64Array): Float64Array {
  const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const log = most + Math.log(row.reduce((total, v) => total + Math.exp(v - most), 0));
  return row.map((v) => v - log);
}

/** exp E[KL(p(y | x) ‖ p(y))] of rows of log-probabilities. */
function scoreOf(rows: readonly Float64Array[]): number {
  const classes = (rows[0] as Float64Array).length;
  const marginal = new Float64Array(classes);
  let negativeEntropy = 0;
  for (const row of rows) {
    for (let c = 0; c < classes; c++) {
      const log = row[c] as number;
      marginal[c] = (marginal[c] as number) + Math.exp(log) / rows.length;
      if (log > -700) negativeEntropy += (Math.exp(log) * log) / rows.length;
    }
  }
  const entropy = marginal.reduce((total, p) => total - (p > 0 ? p * Math.log(p) : 0), 0);
  return Math.exp(negativeEntropy + entropy);
}

/**
 * The Inception score with any classifier's logits [N, classes]: exp E[KL(p(y | x) ‖ p(y))], over `parts` random parts
 * (Salimans, Goodfellow, Zaremba, Cheung, Radford, Chen, "Improved techniques for training GANs", 2016, section 4). High
 * where every sample is surely of some class and all classes occur; it knows nothing of variety within a class.
 */
export function classScore(
  logits: Tensor,
  { parts = 10, seed = 0 }: { readonly parts?: number; readonly seed?: number } = {},
): ClassScore {
  const rows = logitRows("classScore", logits).map(logProbabilities);
  if (!Number.isInteger(parts) || parts < 1 || parts > rows.length) {
    throw new ReparamError(
      `classScore: ${rows.length} samples in ${parts} parts. Use 1 to ${rows.length}.`,
    );
  }
  const order = permutation(rows.length, { seed, step: 0, path: "classScore" });
  const scores = Array.from({ length: parts }, (_, part) => {
    const [from, to] = [part, part + 1].map((i) => Math.floor((i * rows.length) / parts));
    return scoreOf(Array.from(order.subarray(from, to), (i) => rows[i] as Float64Array));
  });
  const score = scores.reduce((total, v) => total + v, 0) / parts;
  const squares = scores.reduce((total, v) => total + (v - score) ** 2, 0);
  return { score, deviation: parts > 1 ? Math.sqrt(squares / (parts - 1)) : undefined, parts };
}

/** How many samples a classifier puts into each class, by logits [N, classes]. */
export function classCounts(logits: Tensor): number[] {
  const rows = logitRows("classCounts", logits);
  const counts = Array.from(rows[0] as Float64Array, () => 0);
  for (const row of rows) {
    const found = row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity));
    counts[found] = (counts[found] as number) + 1;
  }
  return counts;
}

/**
 * Accuracy on real samples of a classifier that was trained on generated ones and their classes: Ravuri, Vinyals,
 * "Classification accuracy score for conditional generative models" (2019). The classifier is a linear one of the
 * features, so that the figure is quick; compare it with that of a training on real samples.
 */
export async function classifierAccuracyScore(
  fake: Labelled,
  real: Labelled,
  options: ProbeOptions = {},
): Promise<number> {
  const probe = await linearProbe(fake, options);
  return probe.accuracy(real);
}
