// The information terms of Deep InfoMax: scores of true pairs (a latent with the features of its own image) and of
// independent ones, and what is minimised of them.
import type { ConvolutionParams, LinearParams } from "../../nn/index.ts";
import {
  argSort,
  broadcastTo,
  cast,
  concat,
  diagonal,
  equal,
  expandDims,
  flatten,
  floor,
  gather,
  log,
  logSoftmax,
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

/** A latent [B, z] at every place of a map [B, C, h, w]. */
export const everywhere = (z: Value, map: Value): Value =>
  broadcastTo(reshape(z, [-1, z.size(1), 1, 1]), [z.size(0), z.size(1), ...map.shape.slice(2)]);

/**
 * T₂(here, C_ij) against T₂(here, C_ij of another image), at every place of the map C [B, C, h, w]; `here` is a
 * map as well, of the latent or of other local features.
 */
export function localScores(
  layers: readonly ConvolutionParams[],
  here: Value,
  map: Value,
  negatives: Negatives,
): Scores {
  const score = (other: Value): Value => flatten(localScore(layers, concat([here, other], 1))); // (B, h·w)
  return { positive: score(map), negative: stack(moves(map, negatives).map(score), 1) };
}

/** Products of all latents with the features of all images, [B, B, P]; those of other images are negatives. */
export function dotScores(critic: DotCritic, z: Value, features: Value): Scores {
  const right = placesOf(features); // (P, B, C)
  const left = placesOf(z); // (P, B, z), of a latent P = 1
  const products = matmul(denseLayers(critic.latent, left), denseLayers(critic.feature, right), {
    transposeB: true,
  }); // (P, B, B)
  const all = transpose(products, [1, 2, 0]);
  const rows = range(z.size(0));
  const own = expandDims(equal(expandDims(rows, 1), expandDims(rows, 0)), 2); // (B, B, 1)
  return { positive: sum(where(own, all, 0), 1), negative: all, kept: not(own) };
}

/** A map [B, C, h, w] as [h·w, B, C], a vector [B, C] as [1, B, C]. */
function placesOf(x: Value): Value {
  if (x.rank === 2) return expandDims(x, 0);
  const [b, c, h, w] = x.shape as [Value["shape"][0], number, number, number];
  return transpose(reshape(x, [b, c, h * w]), [2, 0, 1]);
}

/** Every place of a map [B, C, h, w] with the features of another place, all moved on by one uniform number [1]. */
export function otherPlaces(map: Value, drawn: Value): Value {
  const [b, c, h, w] = map.shape as [Value["shape"][0], number, number, number];
  const places = h * w;
  const by = floor(drawn.mul(places - 1)).add(1);
  const at = cast(range(places), "float32").add(by);
  const order = at.sub(floor(at.div(places)).mul(places));
  return reshape(gather(reshape(map, [b, c, places]), cast(order, "int32"), 2), [b, c, h, w]);
}

/** −log p(i, j | z, C_ij), a mean over places [B], by logits of all places at every place [B, h·w, h, w]. */
export function coordinateTerm(logits: Value): Value {
  const [b, places] = logits.shape as [Value["shape"][0], number];
  return mean(diagonal(logSoftmax(reshape(logits, [b, places, places]), 1)), 1).neg();
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
