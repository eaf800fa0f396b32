import {
  broadcastShapes,
  broadcastTo,
  digamma,
  exp,
  greater,
  log,
  logGamma,
  logGammaKernel,
  upperIncompleteGamma,
  where,
} from "../ops/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import { type Distribution, defineDistribution, reparameterized } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { type GammaParameters, klGammaParameters, onPositive, positivePart } from "./gamma.ts";
import { logGammaVariate } from "./gamma-variate.ts";
import { asValue, dtypeOf, shapeOf } from "./operand.ts";

/**
 * The distribution of scale/g for a gamma variable g of rate 1, event shape []:
 *   log p(x) = a log scale − (a + 1) log x − scale/x − log Γ(a).
 */
export interface InverseGamma extends Distribution {
  readonly name: "InverseGamma";
  /** Of 1/x: its rate is the scale of x. */
  readonly parameters: GammaParameters;
}

export interface InverseGammaOptions {
  readonly concentration: Operand;
  readonly scale: Operand;
}

/**
 * The mean is infinite up to a concentration of 1, the variance up to 2.
 * @throws ShapeError for known parameters ≤ 0.
 */
export function InverseGamma({ concentration, scale }: InverseGammaOptions): InverseGamma {
  checkParameter("InverseGamma", "concentration", concentration, "positive");
  checkParameter("InverseGamma", "scale", scale, "positive");
  const batchShape = broadcastShapes("InverseGamma", shapeOf(concentration), shapeOf(scale));
  const dtype = dtypeOf(concentration, scale);
  const [a, s] = [asValue(concentration, dtype), asValue(scale, dtype)];
  const whole = (y: Value): Value => broadcastTo(y, batchShape);
  /** A moment that exists above a concentration, with what it is there. */
  const above = (least: number, moment: (a: Value) => Value): Value => {
    const exists = greater(a, least);
    return whole(where(exists, moment(where(exists, a, least + 1)), Number.POSITIVE_INFINITY));
  };
  return defineDistribution<InverseGamma>({
    name: "InverseGamma",
    batchShape,
    eventShape: [],
    support: "positive",
    parameters: { concentration: a, rate: s },
    ...reparameterized(batchShape, (key, shape) =>
      positivePart(exp(log(s).sub(logGammaVariate(key, shape, a)))),
    ),
    logProb: (value) => onPositive(value, (y) => logGammaKernel(a, s.div(y)).sub(log(y))),
    cdf: (value) => upperIncompleteGamma(a, s.div(positivePart(value))),
    entropy: () =>
      whole(
        a
          .add(log(s))
          .add(logGamma(a))
          .sub(a.add(1).mul(digamma(a))),
      ),
    mean: () => above(1, (b) => s.div(b.sub(1))),
    variance: () => above(2, (b) => s.div(b.sub(1)).square().div(b.sub(2))),
  });
}

/** That of the gamma variables 1/x. */
export const klInverseGamma = (p: InverseGamma, q: InverseGamma): Value =>
  klGammaParameters(p.parameters, q.parameters);
