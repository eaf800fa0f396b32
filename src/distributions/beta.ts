import {
  betaVariateSlopes,
  broadcastShapes,
  broadcastTo,
  clip,
  customGradient,
  digamma,
  incompleteBeta,
  log,
  log1p,
  logBeta,
  sigmoid,
  stopGradient,
} from "../ops/index.ts";
import type { Shape } from "../tensor/index.ts";
import type { Key, Operand, Value } from "../trace/index.ts";
import { type Distribution, defineDistribution, reparameterized } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { logGammaVariate } from "./gamma-variate.ts";
import { asValue, dtypeOf, shapeOf } from "./operand.ts";

/**
 * The beta distribution of numbers between 0 and 1, event shape []:
 *   log p(x) = (alpha − 1) log x + (beta − 1) log(1 − x) − log B(alpha, beta).
 */
export interface Beta extends Distribution {
  readonly name: "Beta";
  readonly parameters: { readonly alpha: Value; readonly beta: Value };
}

export interface BetaOptions {
  readonly alpha: Operand;
  readonly beta: Operand;
}

/** Numbers strictly inside of (0, 1), the ends as their neighbours. */
const insideUnit = (x: Value): Value =>
  x.dtype === "float64" ? clip(x, 2 ** -1022, 1 - 2 ** -53) : clip(x, 2 ** -126, 1 - 2 ** -24);

/** log a/(a + b) − log b/(a + b) of two gamma variates, with the implicit gradients of its own cdf. */
function logitVariate(key: Key, shape: Shape, alpha: Value, beta: Value): Value {
  const [a, b] = [broadcastTo(alpha, shape), broadcastTo(beta, shape)];
  const first = logGammaVariate(key.at("alpha"), shape, a);
  const second = logGammaVariate(key.at("beta"), shape, b);
  const y: Value = customGradient(stopGradient(first.sub(second)), [a, b], (dy) =>
    betaVariateSlopes(a, b, y).map((slope) => dy.mul(slope)),
  );
  return y;
}

/**
 * Pathwise gradients are implicit ones (`betaVariateSlopes`); values of 0 and 1 count as their neighbours.
 * @throws ShapeError for known parameters ≤ 0.
 */
export function Beta({ alpha, beta }: BetaOptions): Beta {
  checkParameter("Beta", "alpha", alpha, "positive");
  checkParameter("Beta", "beta", beta, "positive");
  const batchShape = broadcastShapes("Beta", shapeOf(alpha), shapeOf(beta));
  const dtype = dtypeOf(alpha, beta);
  const [a, b] = [asValue(alpha, dtype), asValue(beta, dtype)];
  const total = a.add(b);
  return defineDistribution<Beta>({
    name: "Beta",
    batchShape,
    eventShape: [],
    support: "unitInterval",
    parameters: { alpha: a, beta: b },
    ...reparameterized(batchShape, (key, shape) =>
      insideUnit(sigmoid(logitVariate(key, shape, a, b))),
    ),
    logProb: (value) => {
      const x = insideUnit(value);
      const shaped = a
        .sub(1)
        .mul(log(x))
        .add(b.sub(1).mul(log1p(x.neg())));
      return shaped.sub(logBeta(a, b));
    },
    cdf: (value) => incompleteBeta(a, b, clip(value, 0, 1)),
    entropy: () => {
      const own = a
        .sub(1)
        .mul(digamma(a))
        .add(b.sub(1).mul(digamma(b)));
      return logBeta(a, b)
        .sub(own)
        .add(total.sub(2).mul(digamma(total)));
    },
    mean: () => a.div(total),
    variance: () => a.mul(b).div(total.square().mul(total.add(1))),
  });
}

/** log B_q/Bₚ + (aₚ − a_q) ψ(aₚ) + (bₚ − b_q) ψ(bₚ) + (a_q − aₚ + b_q − bₚ) ψ(aₚ + bₚ). */
export function klBeta(p: Beta, q: Beta): Value {
  const { alpha: a, beta: b } = p.parameters;
  const { alpha: c, beta: d } = q.parameters;
  const shapes = a
    .sub(c)
    .mul(digamma(a))
    .add(b.sub(d).mul(digamma(b)));
  const total = a
    .sub(c)
    .add(b.sub(d))
    .mul(digamma(a.add(b)));
  return logBeta(c, d).sub(logBeta(a, b)).add(shapes).sub(total);
}
