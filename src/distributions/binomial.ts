import {
  cast,
  constant,
  cumulativeSum,
  exp,
  expandDims,
  floor,
  less,
  lessOrEqual,
  logBinomial,
  sigmoid,
  slice,
  softplus,
  stopGradient,
  sum,
} from "../ops/index.ts";
import { ShapeError, tensorOf } from "../tensor/index.ts";
import { uniform, type Value } from "../trace/index.ts";
import { type BernoulliOptions, logitsOf } from "./bernoulli.ts";
import {
  type Distribution,
  defineDistribution,
  exactlyOne,
  notReparameterized,
} from "./distribution.ts";
import { checkParameter } from "./domain.ts";

/** Sums over all counts are taken in the graph, so that there must not be too many. */
const largestTotal = 1024;

/**
 * Successes in `total` throws of a coin, event shape []: log p(k) = log (total choose k) + k log p +
 * (total − k) log(1 − p), k = 0 … total, as floating-point numbers.
 */
export interface Binomial extends Distribution {
  readonly name: "Binomial";
  readonly parameters: { readonly total: number; readonly logits: Value };
}

/** The number of throws, 1 … 1024, and the probability of success or its log-odds. */
export type BinomialOptions = { readonly total: number } & BernoulliOptions;

/**
 * Samples invert the cdf, a sum over all counts; of more than 1024 throws, a normal distribution is close.
 * @throws ShapeError unless the total is a whole number 1 … 1024 and exactly one of logits and probs is
 * given.
 */
export function Binomial(options: BinomialOptions): Binomial {
  const { total } = options;
  if (!Number.isInteger(total) || total < 1 || total > largestTotal) {
    throw new ShapeError(
      "Binomial",
      `total must be a whole number 1 … ${largestTotal}, got ${total}. Use Normal, or Poisson for rare events, beyond.`,
    );
  }
  const [given, x] = exactlyOne("Binomial", { logits: options.logits, probs: options.probs });
  checkParameter("Binomial", given, x, given === "logits" ? "real" : "unitInterval");
  const logits = given === "logits" ? x : logitsOf(x);
  const { shape: batchShape, dtype } = logits;
  const numbers = (): number[] => Array.from({ length: total + 1 }, (_, k) => k);
  const counts = (): Value => constant(tensorOf(numbers(), [total + 1], dtype));
  // log p = −softplus(−logits), log(1 − p) = −softplus(logits)
  const logMass = (k: Value, l: Value): Value =>
    logBinomial(k.mul(0).add(total), k).add(k.mul(l)).sub(softplus(l).mul(total));
  const logMasses = (): Value => logMass(counts(), expandDims(logits, -1)); // (..., total + 1)
  const probs = sigmoid(logits);
  return defineDistribution<Binomial>({
    name: "Binomial",
    batchShape,
    eventShape: [],
    support: { low: 0, high: total, integer: true },
    parameters: { total, logits },
    ...notReparameterized(
      "Binomial",
      batchShape,
      (key, shape) => {
        const cdf = slice(cumulativeSum(exp(logMasses())), -1, 0, total);
        const u = expandDims(uniform(key, shape, dtype), -1);
        return sum(cast(less(cdf, u), dtype), -1);
      },
      "Use a score-function estimator.",
    ),
    logProb: (value) => logMass(value, logits),
    cdf: (value) => {
      const reached = lessOrEqual(counts(), expandDims(floor(stopGradient(value)), -1));
      return sum(exp(logMasses()).mul(cast(reached, dtype)), -1);
    },
    entropy: () => sum(exp(logMasses()).mul(logMasses()), -1).neg(),
    mean: () => probs.mul(total),
    variance: () => probs.mul(sigmoid(logits.neg())).mul(total),
    events: { count: total + 1, numbers, dtype },
  });
}

/** total · (p log p/q + (1 − p) log (1 − p)/(1 − q)). */
export function klBinomial(p: Binomial, q: Binomial): Value {
  const { total, logits: a } = p.parameters;
  const b = q.parameters.logits;
  if (total !== q.parameters.total) {
    throw new ShapeError(
      "kl",
      `Binomial of ${total} and of ${q.parameters.total} throws have no divergence.`,
    );
  }
  const success = sigmoid(a).mul(softplus(b.neg()).sub(softplus(a.neg())));
  const failure = sigmoid(a.neg()).mul(softplus(b).sub(softplus(a)));
  return success.add(failure).mul(total);
}
