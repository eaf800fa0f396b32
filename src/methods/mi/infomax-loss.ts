// The information terms of Deep InfoMax: scores of true pairs (a latent with the features of its own image) and of
// independent ones, and what is minimised of them.
import type { ConvolutionParams, LinearParams } from "../../nn/index.ts";
import {
  argSort,
  broadcastTo,
  concat,
  equal,
  expandDims,
  flatten,
  gather,
  log,
  logSumExp,
  matmul,
  maximum,
  mean,
  not,
  range,
  reshape,
  sizeValue,
  slice,
  softplus,
  stack,
  sum,
  transpose,
  where,
} from "../../ops/index.ts";
import { type Key, type Operand, uniform, type Value } from "../../trace/index.ts";
import { type DotCritic, denseLayers, localScore } from "./infomax-network.ts";

/** Scores at P places (1 for the whole image). */
export interface Scores {
  /** [B, P] */
  readonly positive: Value;
  /** [B, K, P] */
  readonly negative: Value;
  /** Which of the K are negatives, [B, K, 1]; all where absent. */
  readonly kept?: Value;
}

export const objectives = ["jsd", "infonce", "dv"] as const;
export type Objective = (typeof objectives)[number];

export const negativeKinds = ["derangement", "shuffle"] as const;

export interface Negatives {
  readonly kind: (typeof negativeKinds)[number];
  /** For each image. */
  readonly count: number;
  readonly key: Key;
}

/** Rows of other images: a derangement moves every row, a shuffle leaves about one of a batch in its place. */
function moved(x: Value, { kind, key }: Negatives, index: number): Value {
  if (kind === "shuffle") {
    const order = argSort(uniform(key.at(index), [x.size(0)]));
    return gather(x, order);
  }
  // Batches are in random order, so that a rotation is as good as any derangement.
  const by = index + 1;
  return concat([slice(x, 0, by), slice(x, 0, 0, by)], 0);
}

const moves = (x: Value, negatives: Negatives): Value[] =>
  Array.from({ length: negatives.count }, (_, i) => moved(x, negatives, i));

/** T₁(z, z) against T₁(z, z of another image). */
export function globalScores(
  layers: readonly LinearParams[],
  z: Value,
  negatives: Negatives,
): Scores {
  const score = (other: Value): Value => denseLayers(layers, concat([z, other], 1)); // (B, 1)
  return { positive: score(z), negative: stack(moves(z, negatives).map(score), 1) };
}

/** T₂(z, C_ij) against T₂(z, C_ij of another image), at every place of the map C [B, z, h, w]. */
export function localScores(
  layers: readonly ConvolutionParams[],
  z: Value,
  map: Value,
  negatives: Negatives,
): Scores {
  const everywhere = broadcastTo(reshape(z, [-1, z.size(1), 1, 1]), map.shape);
  const score = (other: Value): Value =>
    flatten(localScore(layers, concat([everywhere, other], 1))); // (B, h·w)
  return { positive: score(map), negative: stack(moves(map, negatives).map(score), 1) };
}

/** Products of all latents with the features of all images, [B, B, P]; those of other images are negatives. */
export function dotScores(critic: DotCritic, z: Value, features: Value): Scores {
  const places = features.rank === 2 ? expandDims(features, 1) : placesOf(features); // (B, P, z)
  const [batch, count, size] = places.shape as [Value["shape"][0], number, number];
  const left = denseLayers(critic.latent, z); // (B, z)
  const right = denseLayers(critic.feature, reshape(places, [-1, size])); // (B·P, z)
  const products = matmul(left, right, { transposeB: true });
  const all = reshape(products, [batch, batch, count]);
  const rows = range(batch);
  const own = expandDims(equal(expandDims(rows, 1), expandDims(rows, 0)), 2); // (B, B, 1)
  return { positive: sum(where(own, all, 0), 1), negative: all, kept: not(own) };
}

/** A map [B, z, h, w] as [B, h·w, z]. */
function placesOf(map: Value): Value {
  const [b, z, h, w] = map.shape as [Value["shape"][0], number, number, number];
  return transpose(reshape(map, [b, z, h * w]), [0, 2, 1]);
}

/** The number of negatives of all rows and places, at least 1. */
function countOf({ negative, kept }: Scores): Operand {
  const [batch, k, places] = negative.shape as [Value["shape"][0], Value["shape"][0], number];
  const rows = sizeValue(batch, negative);
  const others = sizeValue(k, negative);
  const product = (a: Operand, b: Operand): Operand =>
    typeof a === "number" ? (typeof b === "number" ? a * b : b.mul(a)) : a.mul(b);
  const less = (a: Operand): Operand => (typeof a === "number" ? a - 1 : a.sub(1));
  const count = product(product(rows, kept === undefined ? others : less(others)), places);
  return typeof count === "number" ? Math.max(1, count) : maximum(count, 1);
}

/** What is minimised, for each row [B]; its mean over rows is the term of the loss. */
export function informationTerm(objective: Objective, scores: Scores): Value {
  const { positive, negative, kept } = scores;
  const reward = mean(positive, 1);
  const only = (x: Value, other: number): Value => (kept === undefined ? x : where(kept, x, other));
  if (objective === "jsd") {
    // −E₊[log σ(T)] − E₋[log(1 − σ(T))]
    const rows = sizeValue(negative.size(0), negative);
    const total = sum(only(softplus(negative), 0), [1, 2]);
    return mean(softplus(positive.neg()), 1).add(total.div(countOf(scores)).mul(rows));
  }
  if (objective === "dv") {
    const sums = logSumExp(only(negative, -1e30));
    const count = countOf(scores);
    const logCount = typeof count === "number" ? Math.log(count) : log(count);
    return sums.sub(logCount).sub(reward);
  }
  // −log of the share of the true pair among it and its negatives; at least −log(K + 1) below 0.
  const among = kept === undefined ? concat([expandDims(positive, 1), negative], 1) : negative;
  return mean(logSumExp(among, 1).sub(positive), 1);
}
