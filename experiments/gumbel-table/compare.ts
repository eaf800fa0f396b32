// Figures over seeds, and how an ordering of estimators compares with the paper's.
import { deviationOf, meanOf } from "../figures/spread.ts";
import type { Estimator } from "./setting.ts";

export interface Row {
  readonly estimator: Estimator;
  /** Learning rate, chosen on validation images. */
  readonly rate: number;
  /** Of each seed, nats an image on test images: bound by one sample, and by many. */
  readonly single: readonly number[];
  readonly bound: readonly number[];
  readonly seconds: readonly number[];
  /** On validation images over the epochs, of each seed. */
  readonly epochs: readonly number[];
  readonly curves: readonly (readonly number[])[];
  /** Of each learning rate that was tried, on validation images, seed 0. */
  readonly search: Readonly<Record<string, number>>;
  /** By one sample, of the first seed, after a longer training; not of every model. */
  readonly longer: number | undefined;
  readonly paper: number | undefined;
}

/** Estimators from the best to the worst by a figure. */
export const ranking = (rows: readonly Row[], figure: (row: Row) => number): Estimator[] =>
  [...rows].sort((a, b) => figure(a) - figure(b)).map(({ estimator }) => estimator);

export interface Pairs {
  readonly kept: number;
  /** "A over B" as we find it, the other way round in the paper. */
  readonly reversed: readonly string[];
  /** Nearer to each other than the root of their summed variances over seeds. */
  readonly close: readonly string[];
}

/** Estimators that a figure is known of, from the best to the worst. */
export const known = (
  rows: readonly Row[],
  figure: (row: Row) => number | undefined,
): Estimator[] =>
  ranking(
    rows.filter((row) => figure(row) !== undefined),
    (row) => figure(row) as number,
  );

/** Every two estimators that the paper tells apart: whether ours are in its order. */
export function comparePairs(rows: readonly Row[], by: "single" | "bound"): Pairs {
  let kept = 0;
  const [reversed, close]: [string[], string[]] = [[], []];
  for (const [i, a] of rows.entries()) {
    for (const b of rows.slice(i + 1)) {
      if (a.paper === undefined || b.paper === undefined || a.paper === b.paper) continue;
      const [better, worse] = meanOf(a[by]) < meanOf(b[by]) ? [a, b] : [b, a];
      const apart = meanOf(worse[by]) - meanOf(better[by]);
      const noise = Math.hypot(deviationOf(a[by]), deviationOf(b[by]));
      const pair = `${better.estimator} over ${worse.estimator} (by ${apart.toFixed(2)})`;
      if (apart < noise) close.push(pair);
      else if ((better.paper as number) < (worse.paper as number)) kept += 1;
      else reversed.push(pair);
    }
  }
  return { kept, reversed, close };
}
