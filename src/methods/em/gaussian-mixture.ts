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
import { cast, exp, expandDims, log, max, reciprocal, reshape, sum } from "../../ops/index.ts";
import { type BatchSpec, type DataShape, defineMethod, type Method } from "../../step/index.ts";
import {
  elementCount,
  ReparamError,
  spec,
  type Tensor,
  type Tree,
  tensor,
} from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { clusterNoise, findClusters } from "./centres.ts";
import { emPhases, emWeights } from "./driver.ts";
import {
  type CovarianceKind,
  covarianceKinds,
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
import { clusterGaussians, completeGaussians } from "./gaussian-host.ts";
import { checkShares, givenParameters } from "./given.ts";
import { conditionalSpecs, conditionalSums, missingParts } from "./missing.ts";
import type { Expectation, ExpectationModel, Named } from "./model.ts";
import { B, emFields, startField, weightColumn } from "./options.ts";
import { ellipses, emNotes, parametersOf } from "./portrait.ts";
import { isWellConditioned, quadraticJoint, quadraticSums } from "./quadratic.ts";
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
    .describe(
      'start at these, as JSON (@FILE reads a file): {"weights": [K], "means": [K, D], "covariances": …}',
    ),
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

/** Joint log-densities to log-likelihood [N] and responsibilities [K, N], with one exponential of each. */
function posterior(joint: Value): { logLikelihood: Value; responsibilities: Value } {
  const largest = max(joint, 0, { keepDims: true });
  const shares = exp(joint.sub(largest));
  const total = sum(shares, 0, { keepDims: true });
  const logLikelihood = reshape(log(total).add(largest), [-1]);
  return { logLikelihood, responsibilities: shares.mul(reciprocal(total)) };
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
          const given = parameters as Record<"weights" | "means" | "whitening", Value>;
          const { joint, ...quadratic } = quadraticJoint(shape, given, x);
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
      if (o.parameters !== "") return givenMixture(shape, o.parameters);
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

/** The parameters of a mixture from JSON, with room for the whitening. Throws where they do not fit. */
function givenMixture(shape: GaussianShape, text: string): Named<Tensor> {
  const { whitening, ...wanted } = gaussianParameters(shape);
  const weights = spec("float64", [shape.components]);
  const given = givenParameters(name, text, { weights, ...wanted });
  checkShares(name, "weights", given.weights as Tensor);
  const sizes = (whitening as { shape: readonly number[] }).shape;
  return { ...given, whitening: tensor(new Float64Array(elementCount(sizes)), sizes) };
}

/** What a mixture is made of; covariances in the shape of their kind, as `covarianceShape` says. */
export interface KnownMixture {
  /** π [K], at least 0 with the sum 1. */
  readonly weights: readonly number[];
  /** μ [K][D]. */
  readonly means: readonly (readonly number[])[];
  /** Σ: full [K][D][D], tied [D][D], diagonal [K][D], spherical [K]. */
  readonly covariances: readonly unknown[];
}

/**
 * A mixture of known parameters, without a training: its method and the weights that the method's functions
 * take, to sample, score and export it. Rows are float64. Throws where the parameters do not fit, or a
 * covariance is not positive definite.
 */
export function gaussianMixtureOf(
  known: KnownMixture,
  covariance: CovarianceKind = "full",
): { readonly method: Method; readonly weights: Tree<Tensor> } {
  const [components, size] = [known.means.length, known.means[0]?.length ?? 0];
  const o = options.parse({ components, covariance });
  const columns = { x: { dtype: "float64", shape: [B, size] } } as const;
  const method = create(o, { columns, trainSize: 0, batchSize: 1, classes: undefined });
  const shape: GaussianShape = { kind: covariance, components, size };
  const given = givenMixture(shape, JSON.stringify(known));
  return { method, weights: completeGaussians(name, shape, given) as Tree<Tensor> };
}

function create(o: GaussianMixtureOptions, data: DataShape): Method {
  const { x } = data.columns;
  if (
    x === undefined ||
    !/^float/.test(x.dtype) ||
    x.shape.length !== 2 ||
    typeof x.shape[1] !== "number"
  ) {
    throw new ReparamError(
      `${name} wants rows of numbers: a data set with a column x of float64 or float32 [D], such as a CSV file.`,
    );
  }
  const shape: GaussianShape = {
    kind: o.covariance,
    components: o.components,
    size: x.shape[1],
  };
  if (o.parameters !== "") givenMixture(shape, o.parameters);
  const batch = { x: { dtype: x.dtype, shape: [B, shape.size] }, ...weightColumn(data) };
  return {
    name,
    phases: emPhases(gaussianMixtureModel(shape, o, batch), o),
    weights: emWeights,
    functions: mixtureFunctions(shape, x.dtype, o.missing),
    preprocessing: "x: [batch, features], as in the training data, not scaled",
    portrait: (tree, history) => {
      const { weights, means, covariances } = parametersOf(tree) as Record<string, Tensor>;
      const parameters = { weights, means, covariances } as Record<string, Tensor>;
      return {
        parameters,
        drawings: ellipses(shape, parameters, data),
        notes: emNotes(history, o, "regCovar above 0"),
        rows: "responsibilities",
      };
    },
  };
}

export const gaussianMixture = defineMethod({
  name,
  summary: "Mixture of Gaussians by expectation-maximisation",
  paper:
    "Dempster, Laird, Rubin, Maximum likelihood from incomplete data via the EM algorithm (1977), section 4.3",
  options,
  training: { batchSize: 8192, epochs: 200, data: "two-moons", logEvery: 1 },
  create,
});
