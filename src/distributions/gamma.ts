import {
  broadcastShapes,
  broadcastTo,
  clip,
  digamma,
  exp,
  less,
  log,
  logGamma,
  logGammaKernel,
  lowerIncompleteGamma,
  where,
} from "../ops/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import {
  type Distribution,
  defineDistribution,
  exactlyOne,
  reparameterized,
} from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { logGammaVariate } from "./gamma-variate.ts";
import { asValue, dtypeOf, reciprocalOf, shapeOf } from "./operand.ts";

/**
 * The gamma distribution of positive numbers, event shape []:
 *   log p(x) = a log rate + (a − 1) log x − rate·x − log Γ(a),  a the concentration (its shape parameter).
 */
export interface Gamma extends Distribution {
  readonly name: "Gamma";
  readonly parameters: GammaParameters;
}

export interface GammaParameters {
  readonly concentration: Value;
  readonly rate: Value;
}

/** The concentration and one of rate and scale = 1/rate, above 0: numbers or values that broadcast. */
export type GammaOptions = { readonly concentration: Operand } & (
  | { readonly rate: Operand; readonly scale?: never }
  | { readonly scale: Operand; readonly rate?: never }
);

/** Positive numbers, so that logarithms stay finite: 0 counts as the smallest normal number. */
export const positivePart = (x: Value): Value =>
  clip(x, x.dtype === "float64" ? 2 ** -1022 : 2 ** -126, Number.POSITIVE_INFINITY);

/** A log-density where values are positive, −∞ where they are negative; a value of 0 is moved inside. */
export function onPositive(x: Value, logDensity: (x: Value) => Value): Value {
  const outside = less(x, 0);
  const inside = logDensity(positivePart(where(outside, 1, x)));
  return where(outside, Number.NEGATIVE_INFINITY, inside);
}

/**
 * Pathwise gradients are implicit ones, and samples come of 8 proposals in the graph (`logGammaVariate`).
 * @throws ShapeError unless exactly one of rate and scale is given, or for known parameters ≤ 0.
 */
export function Gamma({ concentration, rate, scale }: GammaOptions): Gamma {
  const [given, x] = exactlyOne("Gamma", { rate, scale });
  checkParameter("Gamma", "concentration", concentration, "positive");
  checkParameter("Gamma", given, x, "positive");
  const batchShape = broadcastShapes("Gamma", shapeOf(concentration), shapeOf(x));
  const dtype = dtypeOf(concentration, x);
  const a = asValue(concentration, dtype);
  const r = asValue(given === "rate" ? x : reciprocalOf(x), dtype);
  const whole = (y: Value): Value => broadcastTo(y, batchShape);
  return defineDistribution<Gamma>({
    name: "Gamma",
    batchShape,
    eventShape: [],
    support: "positive",
    parameters: { concentration: a, rate: r },
    ...reparameterized(batchShape, (key, shape) =>
      positivePart(exp(logGammaVariate(key, shape, a)).div(r)),
    ),
    logProb: (value) => onPositive(value, (y) => logGammaKernel(a, y.mul(r)).sub(log(y))),
    cdf: (value) => lowerIncompleteGamma(a, clip(value, 0, Number.POSITIVE_INFINITY).mul(r)),
    entropy: () => whole(entropyOfShape(a).sub(log(r))),
    mean: () => whole(a.div(r)),
    variance: () => whole(a.div(r.square())),
  });
}

/** The entropy at rate 1: a + log Γ(a) + (1 − a) ψ(a). */
const entropyOfShape = (a: Value): Value => a.add(logGamma(a)).add(a.neg().add(1).mul(digamma(a)));

/** (aₚ − a_q) ψ(aₚ) − log Γ(aₚ) + log Γ(a_q) + a_q log rₚ/r_q + aₚ (r_q/rₚ − 1). */
export function klGammaParameters(p: GammaParameters, q: GammaParameters): Value {
  const [a, b] = [p.concentration, q.concentration];
  const shapes = a.sub(b).mul(digamma(a)).sub(logGamma(a)).add(logGamma(b));
  const ratio = q.rate.div(p.rate);
  return shapes.sub(b.mul(log(ratio))).add(a.mul(ratio.sub(1)));
}

export const klGamma = (p: Gamma, q: Gamma): Value => klGammaParameters(p.parameters, q.parameters);
