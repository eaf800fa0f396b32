import {
  clip,
  exp,
  floor,
  less,
  log,
  logGammaKernel,
  stopGradient,
  upperIncompleteGamma,
  where,
} from "../ops/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import {
  type Distribution,
  defineDistribution,
  exactlyOne,
  notReparameterized,
} from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { asValue, dtypeOf } from "./operand.ts";
import { poissonVariate } from "./poisson-variate.ts";

/**
 * Counts of independent events, event shape []: log p(k) = k log rate − rate − log k!, as floating-point
 * numbers.
 */
export interface Poisson extends Distribution {
  readonly name: "Poisson";
  readonly parameters: { readonly rate: Value; readonly logRate: Value };
}

/** Exactly one of the rate = mean, above 0, and its logarithm. */
export type PoissonOptions =
  | { readonly rate: Operand; readonly logRate?: never }
  | { readonly logRate: Operand; readonly rate?: never };

/**
 * Samples are exact in distribution up to the proposals of `poissonVariate`; in float32 counts above 2²⁴
 * are rounded.
 * @throws ShapeError unless exactly one of rate and logRate is given, or for a known rate ≤ 0.
 */
export function Poisson({ rate, logRate }: PoissonOptions): Poisson {
  const [given, x] = exactlyOne("Poisson", { rate, logRate });
  checkParameter("Poisson", given, x, given === "rate" ? "positive" : "real");
  const own = asValue(x, dtypeOf(x));
  const [r, l] = given === "rate" ? [own, log(own)] : [exp(own), own];
  const batchShape = own.shape;
  return defineDistribution<Poisson>({
    name: "Poisson",
    batchShape,
    eventShape: [],
    support: "nonNegativeInteger",
    parameters: { rate: r, logRate: l },
    ...notReparameterized(
      "Poisson",
      batchShape,
      (key, shape) => poissonVariate(key, shape, r),
      "Use a score-function estimator.",
    ),
    logProb: (value) => logGammaKernel(value.add(1), r).sub(l),
    cdf: (value) => {
      const count = floor(stopGradient(value));
      const up = upperIncompleteGamma(clip(count, 0, Number.POSITIVE_INFINITY).add(1), r);
      return where(less(count, 0), 0, up);
    },
    mean: () => r,
    variance: () => r,
  });
}

/** λₚ log λₚ/λ_q − λₚ + λ_q. */
export function klPoisson(p: Poisson, q: Poisson): Value {
  const [a, b] = [p.parameters, q.parameters];
  return a.rate.mul(a.logRate.sub(b.logRate)).sub(a.rate).add(b.rate);
}
