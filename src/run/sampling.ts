import { ReparamError } from "../tensor/index.ts";

/** How the next token is chosen from its logits. */
export interface SamplingOptions {
  /** Logits are divided by it: below 1 the likely become likelier; 0 takes the likeliest always. Default 1. */
  readonly temperature?: number;
  /** Only this many of the likeliest tokens (Fan, Lewis, Dauphin, 2018). Default: all. */
  readonly topK?: number;
  /** Only the fewest of the likeliest that together have this probability (Holtzman et al., 2020). Default 1. */
  readonly topP?: number;
  /**
   * Logits of tokens that are there already are divided by it where positive and multiplied where negative
   * (Keskar et al., "CTRL", 2019, section 4.1). Default 1: nothing is changed.
   */
  readonly repetitionPenalty?: number;
}

/** Throws for options outside of their range. */
export function checkSampling({
  temperature = 1,
  topK = 1,
  topP = 1,
  repetitionPenalty = 1,
}: SamplingOptions): void {
  const wrong = (name: string, wanted: string, got: number): never => {
    throw new ReparamError(`${name} must be ${wanted}, got ${got}.`);
  };
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY)) {
    wrong("temperature", "a number of at least 0", temperature);
  }
  if (!Number.isInteger(topK) || topK < 1) wrong("topK", "an integer of at least 1", topK);
  if (!(topP > 0 && topP <= 1)) wrong("topP", "above 0 and at most 1", topP);
  if (!(repetitionPenalty > 0 && repetitionPenalty < Number.POSITIVE_INFINITY)) {
    wrong("repetitionPenalty", "a positive number", repetitionPenalty);
  }
}

/**
 * A token from its logits [V]: penalty, temperature, topK and topP in this order; then the token at `uniform`,
 * a number of [0, 1), in the cumulated probabilities of those left, in the order of their ids. Of equal ones
 * those of the smaller ids are left. `before` are the tokens that count as there already.
 */
export function sampleToken(
  logits: Float32Array,
  uniform: number,
  options: SamplingOptions = {},
  before: Iterable<number> = [],
): number {
  const { temperature = 1, topK = logits.length, topP = 1, repetitionPenalty = 1 } = options;
  const scores = Float64Array.from(logits);
  if (repetitionPenalty !== 1) {
    for (const id of new Set(before)) {
      const score = scores[id] as number;
      scores[id] = score > 0 ? score / repetitionPenalty : score * repetitionPenalty;
    }
  }
  if (scores.some(Number.isNaN)) throw new ReparamError("the model gives NaN for the next token.");
  const likeliest = largest(scores);
  if (temperature === 0 || topK === 1) return likeliest;
  const best = scores[likeliest] as number;
  const weights = scores.map((score) => Math.exp((score - best) / temperature));
  if (topK < weights.length || topP < 1) keepLikeliest(weights, topK, topP);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let passed = 0;
  for (const [id, weight] of weights.entries()) {
    passed += weight;
    if (passed > uniform * total) return id;
  }
  return likeliest;
}

function largest(scores: Float64Array): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) {
    if ((scores[id] as number) > (scores[best] as number)) best = id;
  }
  return best;
}

/** Sets all weights to 0 but the `topK` largest, and of these the fewest that have the share `topP`. */
function keepLikeliest(weights: Float64Array, topK: number, topP: number): void {
  const sorted = weights.toSorted().reverse().subarray(0, topK);
  const share = topP * sorted.reduce((sum, weight) => sum + weight, 0);
  let count = 0;
  for (let reached = 0; count < sorted.length && (count === 0 || reached < share); count++) {
    reached += sorted[count] as number;
  }
  const least = sorted[count - 1] as number;
  // Of those as small as the last one kept, the first ones have a place.
  let places = sorted.subarray(0, count).filter((weight) => weight === least).length;
  for (const [id, weight] of weights.entries()) {
    if (weight < least || (weight === least && places-- <= 0)) weights[id] = 0;
  }
}
