import {
  broadcastShapes,
  broadcastTo,
  cholesky,
  choleskyLogDeterminant,
  concat,
  diagonalMatrix,
  expandDims,
  log,
  lowerTriangular,
  matmul,
  solveTriangular,
  sqrt,
  sum,
  transpose,
  triangularInverse,
} from "../ops/index.ts";
import { type Shape, ShapeError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { exactlyOne } from "./distribution.ts";
import { type Constraint, checkParameter } from "./domain.ts";

/** What a multivariate normal distribution wants of its covariance Σ, whatever form it was given in. */
export interface Covariance {
  /** n. */
  readonly size: number;
  readonly batchShape: Shape;
  /** Some A [..., n, m] with Σ = A·Aᵀ. */
  readonly root: () => Value;
  /** vᵀΣ⁻¹v for the columns v of [..., n, c], as [..., c]. */
  readonly distance: (columns: Value) => Value;
  /** log |Σ|, [...]. */
  readonly logDeterminant: () => Value;
  /** The diagonal of Σ, [..., n]. */
  readonly variance: () => Value;
}

/** W [..., n, k] and d [..., n] of Σ = W·Wᵀ + diag d. */
export interface LowRankCovariance {
  readonly factor: Value;
  readonly diagonal: Value;
}

/** The forms of a covariance; exactly one is given. */
interface CovarianceForms {
  /** Lower triangular L of Σ = L·Lᵀ with a positive diagonal, [..., n, n]; the rest is not read. */
  readonly scaleTril: Value;
  /** Symmetric positive definite Σ, [..., n, n], n ≤ 32. */
  readonly covariance: Value;
  /** Symmetric positive definite Σ⁻¹, [..., n, n], n ≤ 32. */
  readonly precision: Value;
  /** The diagonal of a diagonal Σ, [..., n]. */
  readonly variance: Value;
  /** Factors of few columns (at most 32) and a diagonal, for large n. */
  readonly lowRank: LowRankCovariance;
}

type Only<Name extends keyof CovarianceForms> = {
  readonly [N in Name]: CovarianceForms[N];
} & { readonly [N in Exclude<keyof CovarianceForms, Name>]?: never };

export type CovarianceOptions =
  | Only<"scaleTril">
  | Only<"covariance">
  | Only<"precision">
  | Only<"variance">
  | Only<"lowRank">;

const squares = (x: Value): Value => sum(x.square(), -2);

function fromFactor(l: Value): Covariance {
  return {
    size: l.size(-1) as number,
    batchShape: l.shape.slice(0, -2),
    root: () => l,
    distance: (v) => squares(solveTriangular(l, v)),
    logDeterminant: () => choleskyLogDeterminant(l),
    variance: () => sum(l.square(), -1),
  };
}

/** Σ⁻¹ = C·Cᵀ, so that C⁻ᵀ is a root of Σ. */
function fromPrecision(precision: Value): Covariance {
  const c = cholesky(precision);
  const inverse = (): Value => triangularInverse(c);
  return {
    size: c.size(-1) as number,
    batchShape: c.shape.slice(0, -2),
    root: () => transpose(inverse()),
    distance: (v) => squares(matmul(c, v, { transposeA: true })),
    logDeterminant: () => choleskyLogDeterminant(c).neg(),
    variance: () => sum(inverse().square(), -2),
  };
}

function fromVariance(variance: Value): Covariance {
  return {
    size: variance.size(-1) as number,
    batchShape: variance.shape.slice(0, -1),
    root: () => diagonalMatrix(sqrt(variance)),
    distance: (v) => sum(v.square().div(expandDims(variance, -1)), -2),
    logDeterminant: () => sum(log(variance), -1),
    variance: () => variance,
  };
}

/**
 * By the lemmas of Woodbury and of the matrix determinant: with the capacitance C = I + WᵀD⁻¹W = L·Lᵀ,
 * Σ⁻¹ = D⁻¹ − D⁻¹W·C⁻¹·WᵀD⁻¹ and |Σ| = |C|·|D|.
 */
function fromLowRank({ factor, diagonal: d }: LowRankCovariance): Covariance {
  const n = d.size(-1) as number;
  const batchShape = broadcastShapes(
    "MultivariateNormal",
    factor.shape.slice(0, -2),
    d.shape.slice(0, -1),
  );
  const rank = factor.size(-1) as number;
  const w = broadcastTo(factor, [...batchShape, n, rank]);
  const column = expandDims(broadcastTo(d, [...batchShape, n]), -1); // (..., n, 1)
  const scaled = w.div(column); // D⁻¹W
  const ones = (): Value => diagonalMatrix(sum(w, -2).mul(0).add(1));
  const capacitance = (): Value => cholesky(matmul(w, scaled, { transposeA: true }).add(ones()));
  return {
    size: n,
    batchShape,
    root: () => concat([w, diagonalMatrix(sqrt(broadcastTo(d, [...batchShape, n])))], -1),
    distance: (v) => {
      const inside = matmul(scaled, v, { transposeA: true });
      const explained = squares(solveTriangular(capacitance(), inside));
      return sum(v.square().div(column), -2).sub(explained);
    },
    logDeterminant: () => choleskyLogDeterminant(capacitance()).add(sum(log(d), -1)),
    variance: () => sum(w.square(), -1).add(d),
  };
}

function checkMatrix(name: string, x: Value, constraint: Constraint): void {
  const n = x.shape.at(-1);
  if (x.rank < 2 || typeof n !== "number" || x.shape.at(-2) !== n) {
    throw new ShapeError(
      "MultivariateNormal",
      `${name} must be square matrices [..., n, n] with a fixed n, got ${x}.`,
    );
  }
  checkParameter("MultivariateNormal", name, x, constraint);
}

function checkVector(name: string, x: Value): void {
  if (typeof x.shape.at(-1) !== "number") {
    throw new ShapeError(
      "MultivariateNormal",
      `${name} must be vectors [..., n] with a fixed n, got ${x}.`,
    );
  }
  checkParameter("MultivariateNormal", name, x, "positive");
}

/** @throws ShapeError unless exactly one form is given, or for shapes and known numbers that do not fit. */
export function covarianceOf(options: CovarianceOptions): Covariance {
  const { scaleTril, covariance, precision, variance, lowRank } = options;
  const forms = { scaleTril, covariance, precision, variance, lowRank };
  exactlyOne<Value | LowRankCovariance, keyof typeof forms>("MultivariateNormal", forms);
  if (scaleTril !== undefined) {
    checkMatrix("scaleTril", scaleTril, "positiveDiagonal");
    return fromFactor(lowerTriangular(scaleTril));
  }
  if (covariance !== undefined) {
    checkMatrix("covariance", covariance, "positiveDefinite");
    return fromFactor(cholesky(covariance));
  }
  if (precision !== undefined) {
    checkMatrix("precision", precision, "positiveDefinite");
    return fromPrecision(precision);
  }
  if (variance !== undefined) {
    checkVector("variance", variance);
    return fromVariance(variance);
  }
  const { factor, diagonal: d } = lowRank as LowRankCovariance;
  checkVector("lowRank.diagonal", d);
  if (
    factor.rank < 2 ||
    factor.shape.at(-2) !== d.shape.at(-1) ||
    typeof factor.shape.at(-1) !== "number"
  ) {
    throw new ShapeError(
      "MultivariateNormal",
      `lowRank.factor must be [..., ${d.shape.at(-1)}, k] with a fixed k for a diagonal ${d}, got ${factor}.`,
    );
  }
  return fromLowRank({ factor, diagonal: d });
}
