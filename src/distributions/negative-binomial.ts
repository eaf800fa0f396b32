import {
  broadcastShapes,
  broadcastTo,
  clip,
  exp,
  floor,
  incompleteBeta,
  less,
  log,
  logBeta,
  sigmoid,
  softplus,
  stopGradient,
  where,
} from "../ops/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import { type BernoulliOptions, logitsOf } from "./bernoulli.ts";
import {
  type Distribution,
  defineDistribution,
  exactlyOne,
  notReparameterized,
} from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { logGammaVariate } from "./gamma-variate.ts";
import { asValue, shapeOf } from "./operand.ts";
import { poissonVariate } from "./poisson-variate.ts";

/**
 * Failures before `total` successes of a coin, event shape []: with p the probability of success,
 *   log p(k) = total log p + k log(1 − p) − log(k + total) − log B(total, k + 1),  k = 0, 1, …
 * as floating-point numbers. The total may be any number above 0; of 1 it is the geometric distribution.
 */
export interface NegativeBinomial extends Distribution {
  readonly name: "NegativeBinomial";
  readonly parameters: { readonly total: Operand; readonly logits: Value };
}

/** The total, above 0, and the probability of success or its log-odds. */
export type NegativeBinomialOptions = { readonly total: Operand } & BernoulliOptions;

/**
 * Samples are Poisson counts whose rate is a gamma variable.
 * @throws ShapeError unless exactly one of logits and probs is given, or for known parameters outside of
 * their range.
 */
export function NegativeBinomial(options: NegativeBinomialOptions): NegativeBinomial {
  const { total } = options;
  const name = "NegativeBinomial";
  const [given, x] = exactlyOne(name, { logits: options.logits, probs: options.probs });
  checkParameter(name, "total", total, "positive");
  checkParameter(name, given, x, given === "logits" ? "real" : "unitInterval");
  if (given === "probs") checkParameter(name, given, x, "positive");
  const logits = given === "logits" ? x : logitsOf(x);
  const { dtype } = logits;
  const batchShape = broadcastShapes(name, logits.shape, shapeOf(total));
  const r = asValue(total, dtype);
  // log p = −softplus(−logits), log(1 − p) = −softplus(logits), (1 − p)/p = exp(−logits)
  const mean = (): Value => broadcastTo(exp(logits.neg()).mul(r), batchShape);
  return defineDistribution<NegativeBinomial>({
    name,
    batchShape,
    eventShape: [],
    support: "nonNegativeInteger",
    parameters: { total, logits },
    ...notReparameterized(
      name,
      batchShape,
      (key, shape) => {
        const logRate = logGammaVariate(key.at("gamma"), shape, r).sub(logits);
        return poissonVariate(key.at("poisson"), shape, exp(logRate));
      },
      "Use a score-function estimator.",
    ),
    logProb: (value) => {
      const ways = log(value.add(r)).add(logBeta(r, value.add(1)));
      const coin = softplus(logits.neg()).mul(r).add(softplus(logits).mul(value));
      return ways.add(coin).neg();
    },
    cdf: (value) => {
      const count = floor(stopGradient(value));
      const inside = clip(count, 0, Number.POSITIVE_INFINITY).add(1);
      return where(less(count, 0), 0, incompleteBeta(r, inside, sigmoid(logits)));
    },
    mean,
    variance: () => mean().div(sigmoid(logits)),
  });
}

/**
 * total · (log p/q + (1 − p)/p · log (1 − p)/(1 − q)) for one total.
 * @throws ReparamError where the totals are not the same number or value: there is no closed form.
 */
export function klNegativeBinomial(p: NegativeBinomial, q: NegativeBinomial): Value {
  const { total, logits: a } = p.parameters;
  const b = q.parameters.logits;
  if (total !== q.parameters.total) {
    throw new ReparamError(
      "kl: NegativeBinomial from NegativeBinomial has a closed form for the same total only. " +
        "Average p.logProb(x) − q.logProb(x) over samples x of p, as monteCarloKl does.",
    );
  }
  const failures = exp(a.neg()).mul(softplus(b).sub(softplus(a)));
  return failures.add(softplus(b.neg())).sub(softplus(a.neg())).mul(total);
}
