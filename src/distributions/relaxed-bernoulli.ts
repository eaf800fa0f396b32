import { clip, log, sigmoid, softplus } from "../ops/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import { type BernoulliOptions, logitsOf } from "./bernoulli.ts";
import {
  checkTemperature,
  type Distribution,
  defineDistribution,
  exactlyOne,
  reparameterized,
} from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { logistic } from "./noise.ts";
import { logOf, minus, reciprocalOf, stretched, times } from "./operand.ts";

// Maddison, Mnih, Teh, "The Concrete Distribution: A Continuous Relaxation of Discrete Random Variables"
// (2017), appendix B: the binary case.

/** Temperature above 0, a number or a scalar value, and log-odds or probabilities of 1. */
export type RelaxedBernoulliOptions = BernoulliOptions & { readonly temperature: Operand };

/**
 * A relaxed coin in every element, sigmoid((logits + logistic noise)/temperature), event shape []. It lies
 * above ½ with probability sigmoid(logits) at every temperature.
 */
export interface RelaxedBernoulli extends Distribution {
  readonly name: "RelaxedBernoulli";
}

/** Its log-odds, a logistic variable: x = sigmoid(y), event shape []. */
export interface LogitRelaxedBernoulli extends Distribution {
  readonly name: "LogitRelaxedBernoulli";
}

function logitsGiven(name: string, { logits, probs }: BernoulliOptions): Value {
  const [given, x] = exactlyOne(name, { logits, probs });
  checkParameter(name, given, x, given === "logits" ? "real" : "unitInterval");
  return given === "logits" ? x : logitsOf(x);
}

/**
 * The log-odds of a RelaxedBernoulli variable. Use it where densities of samples are needed: at low
 * temperatures the variable itself rounds to 0 and 1, its log-odds stay exact.
 * @throws ReparamError for a temperature that is not positive, or both or none of logits and probs.
 */
export function LogitRelaxedBernoulli(options: RelaxedBernoulliOptions): LogitRelaxedBernoulli {
  const name = "LogitRelaxedBernoulli";
  const { temperature } = options;
  checkTemperature(name, temperature);
  const logits = logitsGiven(name, options);
  const { shape: batchShape, dtype } = logits;
  return defineDistribution<LogitRelaxedBernoulli>({
    name,
    batchShape,
    eventShape: [],
    support: "real",
    ...reparameterized(batchShape, (key, shape) =>
      logistic(key, shape, dtype).add(logits).div(temperature),
    ),
    // log τ + z − 2 log(1 + eᶻ) with z = τ y − logits; the density is even in z
    logProb: (value) => {
      const z = value.mul(temperature).sub(logits);
      return z.sub(softplus(z).mul(2)).add(logOf(temperature));
    },
    // those of a logistic distribution at logits/τ of scale 1/τ
    entropy: () => stretched(minus(2, logOf(temperature)), batchShape, dtype),
    mean: () => logits.div(temperature),
    variance: () => {
      const scale = reciprocalOf(temperature);
      return stretched(times(times(scale, scale), Math.PI ** 2 / 3), batchShape, dtype);
    },
  });
}

/** @throws ReparamError for a temperature that is not positive, or both or none of logits and probs. */
export function RelaxedBernoulli(options: RelaxedBernoulliOptions): RelaxedBernoulli {
  const name = "RelaxedBernoulli";
  const { temperature } = options;
  checkTemperature(name, temperature);
  const logits = logitsGiven(name, options);
  const { shape: batchShape, dtype } = logits;
  const [smallest, gap] = dtype === "float64" ? [2 ** -1022, 2 ** -53] : [2 ** -126, 2 ** -24];
  return defineDistribution<RelaxedBernoulli>({
    name,
    batchShape,
    eventShape: [],
    support: "unitInterval",
    ...reparameterized(batchShape, (key, shape) =>
      sigmoid(logistic(key, shape, dtype).add(logits).div(temperature)),
    ),
    // the density of the log-odds over the Jacobian x(1 − x); a value that was rounded to 0 or 1 counts
    // as its neighbour inside, where the density is finite
    logProb: (value) => {
      const x = clip(value, smallest, 1 - gap);
      const [logX, logNotX] = [log(x), log(x.neg().add(1))];
      const relaxed = LogitRelaxedBernoulli({ logits, temperature });
      return relaxed.logProb(logX.sub(logNotX)).sub(logX).sub(logNotX);
    },
  });
}
