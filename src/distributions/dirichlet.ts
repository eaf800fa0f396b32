import {
  betaVariateSlopes,
  broadcastTo,
  clip,
  customGradient,
  digamma,
  exp,
  expandDims,
  log,
  logGamma,
  logOneMinusExp,
  logSoftmax,
  stopGradient,
  sum,
} from "../ops/index.ts";
import { type Shape, ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { type Distribution, defineDistribution, reparameterized } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { positivePart } from "./gamma.ts";
import { logGammaVariate } from "./gamma-variate.ts";

/**
 * The Dirichlet distribution of K positive numbers with the sum 1, event shape [K]:
 *   log p(x) = Σ (aₖ − 1) log xₖ + log Γ(Σ aₖ) − Σ log Γ(aₖ).
 */
export interface Dirichlet extends Distribution {
  readonly name: "Dirichlet";
  readonly parameters: { readonly concentration: Value };
}

export interface DirichletOptions {
  /** [...batchShape, K], above 0. */
  readonly concentration: Value;
}

/**
 * Gamma variates over their sum. Towards aₖ, xₖ moves as a beta variable of aₖ and the rest does, and the
 * others keep their proportions: Figurnov, Mohamed, Mnih, "Implicit Reparameterization Gradients" (2018),
 * for the marginals, as in Jankowiak, Obermeyer, "Pathwise Derivatives Beyond the Reparameterization
 * Trick" (2018), section 4.3.
 */
function simplexVariate(key: Key, shape: Shape, concentration: Value): Value {
  const a = broadcastTo(concentration, shape);
  const logX = logSoftmax(stopGradient(logGammaVariate(key, shape, a)));
  const rest = sum(a, -1, { keepDims: true }).sub(a);
  const x: Value = customGradient(exp(logX), [a], (dy) => {
    // log xₖ itself may be rounded to 0
    const inside = clip(log(positivePart(x)), Number.NEGATIVE_INFINITY, -(2 ** -60));
    const logits = inside.sub(logOneMinusExp(inside));
    const pull = dy.sub(sum(dy.mul(x), -1, { keepDims: true }));
    return [pull.mul(x).mul(betaVariateSlopes(a, rest, logits)[0])];
  });
  return x;
}

/** @throws ShapeError without a fixed K of at least 2, or for known concentrations ≤ 0. */
export function Dirichlet({ concentration: a }: DirichletOptions): Dirichlet {
  const count = a.shape.at(-1);
  if (typeof count !== "number" || count < 2) {
    throw new ShapeError(
      "Dirichlet",
      `the concentration must be [..., K] with a fixed K of at least 2, got ${a}.`,
    );
  }
  checkParameter("Dirichlet", "concentration", a, "positive");
  const batchShape = a.shape.slice(0, -1);
  const total = sum(a, -1);
  const mean = (): Value => a.div(expandDims(total, -1));
  return defineDistribution<Dirichlet>({
    name: "Dirichlet",
    batchShape,
    eventShape: [count],
    support: "simplex",
    parameters: { concentration: a },
    ...reparameterized(batchShape, (key, shape) => simplexVariate(key, [...shape, count], a)),
    logProb: (value) => sum(a.sub(1).mul(log(positivePart(value))), -1).sub(logNormalizer(a)),
    entropy: () =>
      logNormalizer(a)
        .add(total.sub(count).mul(digamma(total)))
        .sub(sum(a.sub(1).mul(digamma(a)), -1)),
    mean,
    variance: () => {
      const m = mean();
      return m.mul(m.neg().add(1)).div(expandDims(total.add(1), -1));
    },
  });
}

/** Σ log Γ(aₖ) − log Γ(Σ aₖ). */
const logNormalizer = (a: Value): Value => sum(logGamma(a), -1).sub(logGamma(sum(a, -1)));

/** log Bb/Ba + Σ (aₖ − bₖ) (ψ(aₖ) − ψ(Σ aₖ)). */
export function klDirichlet(p: Dirichlet, q: Dirichlet): Value {
  const [a, b] = [p.parameters.concentration, q.parameters.concentration];
  const expected = digamma(a).sub(digamma(sum(a, -1, { keepDims: true })));
  return logNormalizer(b)
    .sub(logNormalizer(a))
    .add(sum(a.sub(b).mul(expected), -1));
}
