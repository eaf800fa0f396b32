import { cast, clip, constant, gather, notEqual, sum, where } from "../ops/index.ts";
import { ShapeError, tensorOf } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import {
  type CategoryOptions,
  type CategoryParameters,
  categoryParameters,
  finite,
  klCategories,
  oneHotArgMax,
  perturbedLogits,
} from "./category.ts";
import { type Distribution, defineDistribution, notReparameterized } from "./distribution.ts";
import { type Events, mostEvents } from "./enumeration.ts";

/**
 * How often each of K categories comes up in `total` draws, event shape [K], as floating-point numbers:
 *   log p(x) = log total! − Σ log xₖ! + Σ xₖ log pₖ.
 */
export interface Multinomial extends Distribution {
  readonly name: "Multinomial";
  readonly parameters: CategoryParameters & { readonly total: number };
}

/** The number of draws, and exactly one of logits and probs, [...batchShape, K]. */
export type MultinomialOptions = CategoryOptions & { readonly total: number };

/** log 0!, log 1!, …, log n! */
function logFactorials(n: number): number[] {
  const found = [0];
  for (let k = 1; k <= n; k++) found.push((found[k - 1] as number) + Math.log(k));
  return found;
}

/** All vectors of `size` counts with the sum `total`, the first count falling. */
function compositions(total: number, size: number): number[][] {
  if (size === 1) return [[total]];
  return Array.from({ length: total + 1 }, (_, i) => total - i).flatMap((first) =>
    compositions(total - first, size - 1).map((rest) => [first, ...rest]),
  );
}

/** (total + K − 1 choose K − 1) events, if they are few. */
function eventsOf(total: number, { count, logits }: CategoryParameters): Events | undefined {
  let events = 1;
  for (let k = 1; k < count; k++) events = (events * (total + k)) / k;
  if (events > mostEvents) return undefined;
  const numbers = (): number[] => compositions(total, count).flat();
  return { count: Math.round(events), numbers, dtype: logits.dtype };
}

/**
 * Counts that do not add up to the total have the log-probability −∞.
 * @throws ShapeError unless the total is a whole number above 0 and exactly one of logits and probs is
 * given.
 */
export function Multinomial(options: MultinomialOptions): Multinomial {
  const { total } = options;
  if (!Number.isInteger(total) || total < 1) {
    throw new ShapeError("Multinomial", `total must be a whole number above 0, got ${total}.`);
  }
  const parameters = { ...categoryParameters("Multinomial", options), total };
  const { logits, count, batchShape, probs, logProbs } = parameters;
  const { dtype } = logits;
  return defineDistribution<Multinomial>({
    name: "Multinomial",
    batchShape,
    eventShape: [count],
    support: "counts",
    parameters,
    ...notReparameterized(
      "Multinomial",
      batchShape,
      (key, shape) => sum(oneHotArgMax(perturbedLogits(logits, key, [total, ...shape])), 0),
      "Use a score-function estimator.",
    ),
    // counts are few whole numbers, so that their factorials are looked up
    logProb: (value) => {
      const factorials = logFactorials(total);
      const table = constant(tensorOf(factorials, [total + 1], dtype));
      const counts = cast(clip(value, 0, total), "int32");
      const likelihood = sum(value.mul(finite(logProbs())), -1);
      const inside = likelihood
        .sub(sum(gather(table, counts), -1))
        .add(factorials[total] as number);
      return where(notEqual(sum(value, -1), total), Number.NEGATIVE_INFINITY, inside);
    },
    mean: () => probs().mul(total),
    variance: () => probs().mul(probs().neg().add(1)).mul(total),
    events: eventsOf(total, parameters),
  });
}

/** KL(p ‖ q) = total · Σ pₖ (log pₖ − log qₖ). */
export function klMultinomial(p: Multinomial, q: Multinomial): Value {
  const { total } = p.parameters;
  if (total !== q.parameters.total) {
    throw new ShapeError(
      "kl",
      `Multinomial of ${total} and of ${q.parameters.total} draws have no divergence.`,
    );
  }
  return klCategories("Multinomial", p.parameters, q.parameters).mul(total);
}
