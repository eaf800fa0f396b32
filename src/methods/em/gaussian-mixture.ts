/**
 * Gaussian mixtures by expectation-maximisation: Dempster, Laird, Rubin, "Maximum likelihood from incomplete
 * data via the EM algorithm" (1977), section 4.3; Bishop, "Pattern recognition and machine learning" (2006),
 * equations 9.23 to 9.27.
 *
 *   p(x) = Σ_k π_k N(x; μ_k, Σ_k)
 *   E-step   r_nk = π_k N(xₙ; μ_k, Σ_k) / p(xₙ)
 *   M-step   π_k = N_k / N and those of `gaussian.ts`, Σ_k + regCovar·I
 *
 * x [B, D]; log-likelihoods in nats a row. All in float64.
 */
import { z } from "zod";
import { cast, exp, expandDims, log, logSumExp, sum } from "../../ops/index.ts";
import { type BatchSpec, type DataShape, defineMethod, type Method } from "../../step/index.ts";
import { ReparamError, spec, type Tensor, tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { clusterNoise, findClusters } from "./centres.ts";
import { emPhases, emWeights } from "./driver.ts";
import {
  covarianceKinds,
  covarianceShape,
  differences,
  type GaussianShape,
  gaussianFreeParameters,
  gaussianParameters,
  gaussianStatistics,
  gaussianSums,
  leastCount,
  logDensities,
  logNormalizer,
  maximizeGaussians,
  rebaseSums,
} from "./gaussian.ts";
import { mixtureFunctions } from "./gaussian-functions.ts";
import { clusterGaussians, completeGaussians, givenNumbers } from "./gaussian-host.ts";
import { conditionalSpecs, conditionalSums, missingParts } from "./missing.ts";
import type { Expectation, ExpectationModel, Named } from "./model.ts";
import { B, columnOf, emFields, startField, weightColumn } from "./options.ts";
import { isWellConditioned, quadraticDensities, quadraticSums } from "./quadratic.ts";
import { filledRows, rowsOf } from "./rows.ts";

const partNames = ["weights", "means", "covariances"] as const;

const options = z.object({
  components: z.int().min(1).default(3).describe("Gaussians in the mixture"),
  covariance: z
    .enum(covarianceKinds)
    .default("full")
    .describe("a matrix each, one for all, a variance a feature, or one variance each"),
  regCovar: z
    .number()
    .min(0)
    .default(1e-6)
    .describe("added to every variance, in squared units of the data"),
  start: startField("k-means"),
  parameters: z
    .string()
    .default("")
    .describe('start at these, as JSON: {"weights": [K], "means": [K, D], "covariances": …}'),
  fixed: z
    .string()
    .default("")
    .describe("parameters that are known and stay: weights, means, covariances, by commas"),
  missing: z
    .enum(["auto", "always", "error"])
    .default("auto")
    .describe(
      "NaN in functions: auto marginalises up to 8 features; training always does, but for error",
    ),
  ...emFields,
});

export type GaussianMixtureOptions = z.infer<typeof options>;

const name = "gaussian-mixture";

/** Joint log-densities to log-likelihood [N] and responsibilities [K, N]. */
function posterior(joint: Value): { logLikelihood: Value; responsibilities: Value } {
  const logLikelihood = logSumExp(joint, 0);
  return { logLikelihood, responsibilities: exp(joint.sub(logLikelihood)) };
}

const weighted = (responsibilities: Value, weight: Value | undefined): Value =>
  weight === undefined ? responsibilities : responsibilities.mul(weight);

/** The model of a mixture of these Gaussians over rows of that type. */
export function gaussianMixtureModel(
  shape: GaussianShape,
  o: GaussianMixtureOptions,
  batch: BatchSpec,
): ExpectationModel {
  const { components } = shape;
  const fixed = fixedOf(o.fixed);
  const logJoint = (parameters: Named<Value>, logDensity: Value): Value =>
    logDensity.add(expandDims(log(parameters.weights as Value), -1));
  return {
    name,
    batch,
    parameters: { weights: spec("float64", [components]), ...gaussianParameters(shape) },
    statistics: gaussianStatistics(shape),
    freeParameters: components - 1 + gaussianFreeParameters(shape),
    expectations: {
      accumulate: {
        inputs: {},
        expect: (parameters, columns): Expectation => {
          const x = cast(columns.x as Value, "float64");
          const given = parameters as Record<"means" | "whitening", Value>;
          const quadratic = quadraticDensities(shape, given, x);
          const joint = logJoint(parameters, quadratic.densities);
          const { logLikelihood, responsibilities: r } = posterior(joint);
          const responsibilities = weighted(r, columns.weight);
          return { logLikelihood, statistics: quadraticSums(shape, quadratic, responsibilities) };
        },
      },
      accumulateExactly: {
        inputs: {},
        expect: (parameters, columns): Expectation => {
          const { means, whitening } = parameters as Record<string, Value>;
          const x = cast(columns.x as Value, "float64");
          const difference = differences(x, means as Value);
          const logScale = logNormalizer(shape, whitening as Value);
          const densities = logDensities(shape, difference, whitening as Value, logScale);
          const { logLikelihood, responsibilities: r } = posterior(logJoint(parameters, densities));
          const responsibilities = weighted(r, columns.weight);
          const given = { x, means: means as Value, difference, responsibilities };
          return { logLikelihood, statistics: gaussianSums(shape, given) };
        },
      },
      accumulateMissing: {
        inputs: conditionalSpecs(shape),
        expect: (parameters, columns, extra): Expectation => {
          const { mask, whitening, logScale } = extra as Record<string, Value>;
          const x = cast(columns.x as Value, "float64");
          const means = parameters.means as Value;
          const difference = differences(x, means).mul(expandDims(mask as Value, -1));
          const densities = logDensities(shape, difference, whitening as Value, logScale as Value);
          const { logLikelihood, responsibilities: r } = posterior(logJoint(parameters, densities));
          const responsibilities = weighted(r, columns.weight);
          const given = { x, means, difference, responsibilities, mask: mask as Value };
          return { logLikelihood, statistics: conditionalSums(shape, given, extra) };
        },
      },
    },
    missing: o.missing !== "error",
    parts: (rows, parameters) => {
      const complete = isWellConditioned(shape, parameters) ? "accumulate" : "accumulateExactly";
      return missingParts(name, shape, rows, parameters, complete);
    },
    maximize: (statistics, parameters) => {
      const counts = (statistics.count as Value).add(leastCount);
      return {
        weights: fixed.has("weights") ? (parameters.weights as Value) : counts.div(sum(counts)),
        ...maximizeGaussians(shape, statistics, parameters, {
          regularization: o.regCovar,
          fixedMeans: fixed.has("means"),
          fixedCovariances: fixed.has("covariances"),
        }),
      };
    },
    complete: (parameters) => completeGaussians(name, shape, parameters),
    startNoise: clusterNoise(components),
    start: (rows, uniforms) => {
      if (o.parameters !== "") return givenParameters(shape, o.parameters);
      const filled = filledRows(rowsOf(rows.x as Tensor));
      const clusters = findClusters(filled, components, o.start, uniforms);
      return clusterGaussians(shape, filled, clusters, o.regCovar);
    },
    rebase: (statistics, before, after) =>
      rebaseSums(shape, statistics, before.means as Value, after.means as Value),
    regularized: o.regCovar > 0 && !fixed.has("covariances"),
  };
}

function fixedOf(text: string): ReadonlySet<string> {
  const names = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const unknown = names.find((part) => !partNames.some((known) => known === part));
  if (unknown !== undefined) {
    throw new ReparamError(`fixed: there is no "${unknown}". There are: ${partNames.join(", ")}.`);
  }
  return new Set(names);
}

/** Parameters from JSON. Throws where one is missing or does not fit. */
export function givenParameters(shape: GaussianShape, text: string): Named<Tensor> {
  const { components, size } = shape;
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new ReparamError(`${name}: parameters is not JSON: ${(error as Error).message}`);
  }
  const weights = givenNumbers(name, "weights", [components], parsed.weights);
  const total = (weights.data as Float64Array).reduce((sum, weight) => sum + weight, 0);
  if (Math.abs(total - 1) > 1e-6 || (weights.data as Float64Array).some((weight) => weight < 0)) {
    throw new ReparamError(
      `${name}: given weights must be at least 0 and sum to 1, got a sum of ${total}.`,
    );
  }
  const wanted = covarianceShape(shape);
  const covariances = givenNumbers(name, "covariances", wanted, parsed.covariances);
  return {
    weights,
    means: givenNumbers(name, "means", [components, size], parsed.means),
    covariances,
    whitening: tensor(new Float64Array(covariances.data.length), wanted),
  };
}

function create(o: GaussianMixtureOptions, data: DataShape): Method {
  const x = columnOf(
    data,
    "x",
    (dtype, shape) => /^float/.test(dtype) && shape.length === 2 && typeof shape[1] === "number",
    `${name} wants rows of numbers: a data set with a column x of float64 or float32 [D], such as a CSV file.`,
  );
  const shape: GaussianShape = {
    kind: o.covariance,
    components: o.components,
    size: x.shape[1] as number,
  };
  if (o.parameters !== "") givenParameters(shape, o.parameters);
  const batch = { x: { dtype: x.dtype, shape: [B, shape.size] }, ...weightColumn(data) };
  return {
    name,
    phases: emPhases(gaussianMixtureModel(shape, o, batch), o),
    weights: emWeights,
    functions: mixtureFunctions(shape, x.dtype, o.missing),
    preprocessing: "x: [batch, features], as in the training data, not scaled",
  };
}

export const gaussianMixture = defineMethod({
  name,
  summary: "Mixture of Gaussians by expectation-maximisation",
  paper:
    "Dempster, Laird, Rubin, Maximum likelihood from incomplete data via the EM algorithm (1977), section 4.3",
  options,
  training: { batchSize: 8192, epochs: 200, data: "two-moons" },
  create,
});
