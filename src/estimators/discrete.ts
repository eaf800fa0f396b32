import type { Bernoulli, Distribution, OneHotCategorical } from "../distributions/index.ts";
import { argMax, cast, greater, oneHot, sigmoid, softmax } from "../ops/index.ts";
import type { Operand, Value } from "../trace/index.ts";

// Bernoulli and one-hot variables as thresholds of perturbed logits: b = harden(z), relaxed soften(z, τ).

/** A Bernoulli or OneHotCategorical distribution, without the Independent around it. */
export type Discrete = Bernoulli | OneHotCategorical;

/** What an Independent distribution is made of, however deep; else the distribution itself. */
export function baseOf(q: Distribution): Distribution {
  return "base" in q ? baseOf(q.base as Distribution) : q;
}

export function discreteOf(q: Distribution): Discrete | undefined {
  const base = baseOf(q);
  const known = base.name === "Bernoulli" || base.name === "OneHotCategorical";
  return known ? (base as Discrete) : undefined;
}

export const needsDiscrete = (q: Distribution): string | undefined =>
  discreteOf(q) === undefined
    ? "it needs the logits of a Bernoulli or OneHotCategorical (or Independent ones)"
    : undefined;

export const isCoin = (q: Discrete): q is Bernoulli => q.name === "Bernoulli";

/** The outcome that perturbed logits, or their relaxation, stand for: 0 and 1, or one-hot vectors. */
export const harden = (q: Discrete, z: Value, threshold = 0): Value =>
  isCoin(q)
    ? cast(greater(z, threshold), z.dtype)
    : oneHot(argMax(z), z.size(-1) as number, z.dtype);

/** The relaxed outcome of perturbed logits at a temperature. */
export const soften = (q: Discrete, z: Value, temperature: Operand): Value => {
  const scaled = z.div(temperature);
  return isCoin(q) ? sigmoid(scaled) : softmax(scaled);
};
