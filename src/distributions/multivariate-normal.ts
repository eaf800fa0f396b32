import { broadcastShapes, broadcastTo, expandDims, matmul, squeeze, sum } from "../ops/index.ts";
import { ShapeError } from "../tensor/index.ts";
import { normal, type Operand, type Value } from "../trace/index.ts";
import { type Covariance, type CovarianceOptions, covarianceOf } from "./covariance.ts";
import { type Distribution, defineDistribution, reparameterized } from "./distribution.ts";
import { checkParameter } from "./domain.ts";
import { shapeOf, stretched } from "./operand.ts";

const LOG_2PI = Math.log(2 * Math.PI);

/**
 * The normal distribution of vectors, event shape [n]:
 *   log p(x) = −½ (x − mean)ᵀΣ⁻¹(x − mean) − ½ log |Σ| − ½ n log 2π.
 */
export interface MultivariateNormal extends Distribution {
  readonly name: "MultivariateNormal";
  readonly parameters: { readonly mean: Value; readonly covariance: Covariance };
}

/** The mean [..., n], or one number, and one form of the covariance Σ; batches broadcast. */
export type MultivariateNormalOptions = { readonly mean: Operand } & CovarianceOptions;

/** @throws ShapeError unless exactly one form of Σ is given, or for shapes and known numbers that do not fit. */
export function MultivariateNormal(options: MultivariateNormalOptions): MultivariateNormal {
  const covariance = covarianceOf(options);
  const { size, root, distance, logDeterminant, variance } = covariance;
  checkParameter("MultivariateNormal", "mean", options.mean, "real");
  const given = shapeOf(options.mean);
  if (given.length > 0 && given.at(-1) !== size) {
    throw new ShapeError(
      "MultivariateNormal",
      `the mean must be [..., ${size}] as the covariance is, got ${options.mean}.`,
    );
  }
  const batchShape = broadcastShapes(
    "MultivariateNormal",
    given.slice(0, -1),
    covariance.batchShape,
  );
  const { dtype } = variance();
  const shape = [...batchShape, size];
  const mean = stretched(options.mean, shape, dtype);
  return defineDistribution<MultivariateNormal>({
    name: "MultivariateNormal",
    batchShape,
    eventShape: [size],
    support: "real",
    parameters: { mean, covariance },
    ...reparameterized(batchShape, (key, lead) => {
      const a = root();
      const noise = normal(key, [...lead, a.size(-1), 1], dtype);
      return squeeze(matmul(a, noise), -1).add(mean);
    }),
    logProb: (value) => {
      const squared = squeeze(distance(expandDims(value.sub(mean), -1)), -1);
      return squared.add(logDeterminant().add(size * LOG_2PI)).mul(-0.5);
    },
    entropy: () =>
      broadcastTo(
        logDeterminant()
          .add(size * (1 + LOG_2PI))
          .mul(0.5),
        batchShape,
      ),
    mean: () => mean,
    variance: () => broadcastTo(variance(), shape),
  });
}

/** ½ (tr Σ_q⁻¹Σₚ + (μₚ − μ_q)ᵀΣ_q⁻¹(μₚ − μ_q) − n + log |Σ_q|/|Σₚ|). */
export function klMultivariateNormal(p: MultivariateNormal, q: MultivariateNormal): Value {
  const [a, b] = [p.parameters, q.parameters];
  const { size } = a.covariance;
  if (size !== b.covariance.size) {
    throw new ShapeError(
      "kl",
      `MultivariateNormal of ${size} and of ${b.covariance.size} dimensions have no divergence.`,
    );
  }
  const trace = sum(b.covariance.distance(a.covariance.root()), -1);
  const offset = expandDims(a.mean.sub(b.mean), -1);
  const squared = squeeze(b.covariance.distance(offset), -1);
  const logRatio = b.covariance.logDeterminant().sub(a.covariance.logDeterminant());
  return trace.add(squared).add(logRatio).sub(size).mul(0.5);
}
