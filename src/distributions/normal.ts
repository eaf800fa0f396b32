import { broadcastShapes } from "../ops/index.ts";
import { normalCdf, normalQuantile } from "../ops/special/index.ts";
import { normal, type Operand, type Value } from "../trace/index.ts";
import {
  type Distribution,
  defineDistribution,
  exactlyOne,
  reparameterized,
} from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { withInfiniteEnds } from "./location-scale.ts";
import {
  dtypeOf,
  expOf,
  logOf,
  minus,
  plus,
  reciprocalOf,
  shapeOf,
  stretched,
  times,
} from "./operand.ts";

const LOG_2PI = Math.log(2 * Math.PI);

/**
 * The normal distribution of real numbers, event shape []:
 *   log p(x) = −½ ((x − mean)/std)² − log std − ½ log 2π.
 * Elements are independent of each other; wrap it in Independent for vectors.
 */
export interface Normal extends Distribution {
  readonly name: "Normal";
  readonly parameters: NormalParameters;
}

/** Forms of the scale are made on demand, each from the one that was given. */
interface NormalParameters {
  readonly mean: Operand;
  /** Which form of the scale was given. */
  readonly given: "std" | "logVariance";
  readonly std: () => Operand;
  readonly inverseStd: () => Operand;
  readonly logStd: () => Operand;
  readonly logVariance: () => Operand;
  readonly variance: () => Operand;
}

export type NormalOptions = { readonly mean: Operand } & (
  | { readonly std: Operand; readonly logVariance?: never }
  | { readonly logVariance: Operand; readonly std?: never }
);

function parametersOf({ mean, std, logVariance }: NormalOptions): NormalParameters {
  const [given, x] = exactlyOne("Normal", { std, logVariance });
  checkParameter("Normal", "mean", mean, "real");
  checkParameter("Normal", given, x, given === "std" ? "positive" : "real");
  if (given === "logVariance") {
    return {
      mean,
      given,
      std: () => expOf(times(x, 0.5)),
      inverseStd: () => expOf(times(x, -0.5)),
      logStd: () => times(x, 0.5),
      logVariance: () => x,
      variance: () => expOf(x),
    };
  }
  return {
    mean,
    given,
    std: () => x,
    inverseStd: () => reciprocalOf(x),
    logStd: () => logOf(x),
    logVariance: () => times(logOf(x), 2),
    variance: () => times(x, x),
  };
}

/**
 * @param options mean, and either std > 0 or logVariance = 2 log std: numbers or values that broadcast.
 * @throws ShapeError unless exactly one form of the scale is given, or for a known std ≤ 0.
 */
export function Normal(options: NormalOptions): Normal {
  const parameters = parametersOf(options);
  const { mean, std, inverseStd, logStd, variance } = parameters;
  const spread = options.std ?? options.logVariance;
  const batchShape = broadcastShapes("Normal", shapeOf(mean), shapeOf(spread));
  const dtype = dtypeOf(mean, spread);
  return defineDistribution<Normal>({
    name: "Normal",
    batchShape,
    eventShape: [],
    support: "real",
    parameters,
    ...reparameterized(batchShape, (key, shape) => normal(key, shape, dtype).mul(std()).add(mean)),
    logProb: (value) => {
      const standardized = value.sub(mean).mul(inverseStd());
      return standardized
        .square()
        .mul(-0.5)
        .sub(plus(logStd(), LOG_2PI / 2));
    },
    cdf: (value) => normalCdf(value.sub(mean).mul(inverseStd())),
    icdf: (probability) => withInfiniteEnds(normalQuantile, probability).mul(std()).add(mean),
    entropy: () => stretched(plus(logStd(), (1 + LOG_2PI) / 2), batchShape, dtype),
    mean: () => stretched(mean, batchShape, dtype),
    variance: () => stretched(variance(), batchShape, dtype),
  });
}

/**
 * KL(p ‖ q) = ½ (σp²/σq² + ((μp − μq)/σq)² − 1 − log σp²/σq²). From a logVariance to a standard normal
 * this is −½ (1 + log σ² − μ² − σ²), Kingma, Welling, "Auto-Encoding Variational Bayes" (2014),
 * appendix B, at the same cost.
 */
export function klNormal(p: Normal, q: Normal): Value {
  const [a, b] = [p.parameters, q.parameters];
  const logRatio = minus(a.logVariance(), b.logVariance());
  const stdRatio = times(a.std(), b.inverseStd());
  const ratio = a.given === "logVariance" ? expOf(logRatio) : times(stdRatio, stdRatio);
  const offset = times(minus(a.mean, b.mean), b.inverseStd());
  const twice = minus(minus(plus(ratio, times(offset, offset)), logRatio), 1);
  const dtype = dtypeOf(twice);
  return stretched(times(twice, 0.5), broadcastShapes("kl", p.batchShape, q.batchShape), dtype);
}
