// What a Gaussian mixture can do after training: densities, responsibilities, samples.
import {
  cast,
  cholesky,
  cumulativeSum,
  diagonal,
  diagonalMatrix,
  equal,
  exp,
  expandDims,
  full,
  less,
  log,
  logSumExp,
  matmul,
  solveTriangular,
  sum,
  transpose,
  where,
} from "../../ops/index.ts";
import type { FunctionInput, Method } from "../../step/index.ts";
import type { DType, Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { drawGaussians } from "./emission.ts";
import {
  differences,
  type GaussianShape,
  isMatrix,
  logDensities,
  logNormalizer,
} from "./gaussian.ts";
import type { Named } from "./model.ts";
import { B } from "./options.ts";

/** Up to this many features, NaN are marginalised in functions without being asked: it costs D³ a row. */
const cheapSize = 8;
/** Largest Cholesky factor that is part of a graph. */
const largestSize = 32;

const parametersOf = (weights: Tree<Value>): Record<string, Value> =>
  weights as unknown as Record<string, Value>;

/** log π_k + log N(x; μ_k, Σ_k), [K, B]. */
export function logJoint(shape: GaussianShape, parameters: Named<Value>, x: Value): Value {
  const { weights, means, whitening } = parameters as Record<string, Value>;
  const logScale = logNormalizer(shape, whitening as Value);
  const densities = logDensities(
    shape,
    differences(x, means as Value),
    whitening as Value,
    logScale,
  );
  return densities.add(expandDims(log(weights as Value), -1));
}

/**
 * The same of the marginals where features are NaN, [K, B]. Of a matrix, rows and columns that are missing
 * become those of the identity, so that its factor is that of Σ_OO, and 1 elsewhere.
 */
export function logJointMissing(shape: GaussianShape, parameters: Named<Value>, x: Value): Value {
  const { weights, means, covariances, whitening } = parameters as Record<string, Value>;
  const there = cast(equal(x, x), "float64"); // NaN is what is not equal to itself
  const seen = where(equal(x, x), x, full(x.shape, 0, "float64"));
  const observed = expandDims(transpose(there, [1, 0]), 0); // (1, D, B)
  const difference = differences(seen, means as Value).mul(observed);
  const scale = sum(observed, 1).mul(-0.5 * Math.log(2 * Math.PI)); // (1, B)
  const logWeights = expandDims(log(weights as Value), -1);
  if (!isMatrix(shape.kind)) {
    const inverse = expandDims(whitening as Value, -1); // (K, D or 1, 1)
    const squares = sum(inverse.mul(difference).square(), 1);
    const logs = sum(log(inverse).mul(observed), 1);
    return logs.sub(squares.mul(0.5)).add(scale).add(logWeights);
  }
  const pairs = expandDims(there, 2).mul(expandDims(there, 1)); // (B, D, D)
  const masked = expandDims(covariances as Value, 0).mul(expandDims(pairs, 1)); // (B, K, D, D)
  const factor = cholesky(masked.add(expandDims(diagonalMatrix(there.neg().add(1)), 1)));
  const white = solveTriangular(factor, expandDims(transpose(difference, [2, 0, 1]), -1));
  const joint = sum(white.square(), [2, 3])
    .mul(-0.5)
    .sub(sum(log(diagonal(factor)), -1)); // (B, K)
  return transpose(joint, [1, 0]).add(scale).add(logWeights);
}

/** Sample, encode, decode and evaluate of a mixture over columns x of that type. */
export function mixtureFunctions(
  shape: GaussianShape,
  dtype: DType,
  missing: "auto" | "always" | "error",
): Method["functions"] {
  const { components, size, kind } = shape;
  const most = missing === "always" ? largestSize : cheapSize;
  const marginal = missing !== "error" && (!isMatrix(kind) || size <= most);
  const joint = (weights: Tree<Value>, x: Value | undefined): Value => {
    const given = cast(x as Value, "float64");
    return (marginal ? logJointMissing : logJoint)(shape, parametersOf(weights), given);
  };
  const x: FunctionInput = { dtype, shape: [B, size], description: "rows of the data" };
  return {
    sample: {
      summary: "rows from the mixture",
      inputs: {
        noise: { dtype, shape: [B, size], noise: "normal", description: "N(0, 1)" },
        choice: { dtype, shape: [B], noise: "uniform", description: "which component, by weight" },
      },
      exported: true,
      build: (weights, { noise, choice }) => ({
        x: cast(drawRows(shape, parametersOf(weights), noise as Value, choice as Value), dtype),
      }),
    },
    encode: {
      summary: "rows to responsibilities (latent), and their log-density in nats",
      inputs: { x },
      exported: true,
      build: (weights, inputs) => {
        const all = joint(weights, inputs.x);
        const logDensity = logSumExp(all, 0);
        return { latent: transpose(exp(all.sub(logDensity)), [1, 0]), logDensity };
      },
    },
    decode: {
      summary: "responsibilities to the mean of the components",
      inputs: { latent: { dtype: "float64", shape: [B, components] } },
      exported: true,
      build: (weights, { latent }) => ({
        x: cast(matmul(latent as Value, parametersOf(weights).means as Value), dtype),
      }),
    },
    evaluate: {
      summary: "negative log-likelihood of each row, in nats",
      inputs: { x },
      exported: false,
      build: (weights, inputs) => ({
        negativeLogLikelihood: logSumExp(joint(weights, inputs.x), 0).neg(),
      }),
    },
  };
}

/** One-hot choices [B, K] of uniform numbers [B] by weights [K]. */
export const chooseComponents = (weights: Value, choice: Value): Value =>
  choose(expandDims(weights, 0), choice);

/** One-hot choices [B, K] by the rows of a matrix [K, K] that one-hot rows [B, K] name. */
export const chooseRows = (rows: Value, matrix: Value, choice: Value): Value =>
  choose(matmul(rows, matrix), choice);

function choose(weights: Value, choice: Value): Value {
  // The last bound is 1 up to rounding: what lies above it belongs to the last choice.
  const lower = cumulativeSum(weights, 1, { exclusive: true });
  const count = sum(cast(less(lower, expandDims(cast(choice, "float64"), -1)), "float64"), 1, {
    keepDims: true,
  }); // 1 … K
  const order = cumulativeSum(full([1, weights.size(1)], 1, "float64"), 1);
  return cast(equal(order, count), "float64");
}

function drawRows(
  shape: GaussianShape,
  parameters: Record<string, Value>,
  noise: Value,
  choice: Value,
): Value {
  const chosen = chooseComponents(parameters.weights as Value, choice); // (B, K)
  return drawGaussians(shape, parameters, chosen, cast(noise, "float64"));
}
