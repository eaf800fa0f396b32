/** Maximum likelihood of families of vectors and of categories, from weighted rows. */
import { Dirichlet, MultivariateNormal } from "../../distributions/index.ts";
import { sum } from "../../ops/index.ts";
import { item, ReparamError, type Tensor, type Tree, tensor } from "../../tensor/index.ts";
import { evaluate, trace, type Value } from "../../trace/index.ts";
import { dirichletConcentrations } from "./concentrations.ts";
import { numbersOf } from "./gaussian-host.ts";
import { choleskyFactor } from "./linear-algebra.ts";

export const rowFamilies = ["multivariate-normal", "dirichlet", "categorical"] as const;
export type RowFamily = (typeof rowFamilies)[number];

export interface RowsMaximumLikelihood {
  /** As the constructor of the distribution takes them. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** Σ wₙ log p(xₙ) at the parameters, in nats. */
  readonly logLikelihood: number;
}

interface Rows {
  readonly values: Float64Array;
  readonly size: number;
  readonly weights: Float64Array;
  readonly total: number;
}

type Named = Readonly<Record<string, Tensor>>;

const refuse = (family: RowFamily, why: string): never => {
  throw new ReparamError(`fitRowsMaximumLikelihood: ${family} ${why}.`);
};

/**
 * The likeliest parameters of rows [N, D] of a multivariate normal ({ mean [D], covariance [D, D] }) or of a
 * Dirichlet distribution ({ concentration [D] }), or of one-hot rows ({ probs [D] } of a categorical one).
 * `weights` count rows several times, or in part; 1 each by default.
 * @throws ReparamError for rows outside of the support, and where the likelihood has no maximum.
 */
export function fitRowsMaximumLikelihood(
  family: RowFamily,
  { data, shape }: Tensor,
  weights?: ArrayLike<number>,
): RowsMaximumLikelihood {
  const [count, size] = shape;
  if (shape.length !== 2 || count === undefined || size === undefined) {
    return refuse(family, `wants rows [N, D], got [${shape.join(", ")}]`);
  }
  const values = Float64Array.from(data as Float64Array);
  if (!values.every(Number.isFinite)) refuse(family, "wants finite numbers");
  const given = Float64Array.from(weights ?? new Float64Array(count).fill(1));
  if (given.length !== count || !given.every((w) => w >= 0 && Number.isFinite(w))) {
    refuse(family, `wants ${count} weights of at least 0`);
  }
  const total = given.reduce((a, b) => a + b, 0);
  if (!(total > 0)) refuse(family, "wants a row with a weight above 0");
  const rows = { values, size, weights: given, total };
  const parameters = fits[family](rows);
  return { parameters, logLikelihood: logLikelihoods[family](rows, parameters) };
}

const fits: Readonly<Record<RowFamily, (rows: Rows) => Named>> = {
  "multivariate-normal": normalOf,
  dirichlet: dirichletOf,
  categorical: categoricalOf,
};

/** Σ wₙ f(n) / Σ wₙ. */
function meanOf({ weights, total }: Rows, f: (row: number) => number): number {
  return weights.reduce((sum, w, n) => (w === 0 ? sum : sum + w * f(n)), 0) / total;
}

const means = (rows: Rows, f: (x: number) => number): number[] =>
  Array.from({ length: rows.size }, (_, j) =>
    meanOf(rows, (n) => f(rows.values[n * rows.size + j] as number)),
  );

function normalOf(rows: Rows): Named {
  const { size, values } = rows;
  const mean = means(rows, (x) => x);
  const at = (n: number, j: number): number =>
    (values[n * size + j] as number) - (mean[j] as number);
  const covariance = Float64Array.from({ length: size * size }, (_, i) =>
    meanOf(rows, (n) => at(n, Math.floor(i / size)) * at(n, i % size)),
  );
  if (choleskyFactor(covariance, size) === undefined) {
    refuse(
      "multivariate-normal",
      "has no maximum here: the rows do not spread in every direction. Give more, or drop columns",
    );
  }
  return {
    mean: tensor(Float64Array.from(mean), [size]),
    covariance: tensor(covariance, [size, size]),
  };
}

function dirichletOf(rows: Rows): Named {
  const { size, values } = rows;
  for (let n = 0; n < values.length; n += size) {
    const row = values.subarray(n, n + size);
    const total = row.reduce((a, b) => a + b, 0);
    if (row.every((x) => x > 0) && Math.abs(total - 1) < 1e-6) continue;
    refuse("dirichlet", `wants rows of positive numbers that sum to 1, row ${n / size} does not`);
  }
  const square = meanOf(rows, (n) => (values[n * size] as number) ** 2);
  const found = dirichletConcentrations(
    means(rows, Math.log),
    means(rows, (x) => x),
    square,
  );
  if (!found.every(Number.isFinite)) {
    refuse("dirichlet", "has no maximum here: the rows do not vary enough. Give others");
  }
  return { concentration: tensor(Float64Array.from(found), [size]) };
}

function categoricalOf(rows: Rows): Named {
  const { size, values } = rows;
  for (let n = 0; n < values.length; n += size) {
    const row = values.subarray(n, n + size);
    const ones = row.filter((x) => x === 1).length;
    if (ones === 1 && row.filter((x) => x === 0).length === size - 1) continue;
    refuse("categorical", `wants one-hot rows, row ${n / size} is not`);
  }
  return { probs: tensor(Float64Array.from(means(rows, (x) => x)), [size]) };
}

const logLikelihoods: Readonly<Record<RowFamily, (rows: Rows, found: Named) => number>> = {
  "multivariate-normal": (rows, found) =>
    traced(rows, found, ({ mean, covariance }, x) =>
      MultivariateNormal({ mean: mean as Value, covariance: covariance as Value }).logProb(x),
    ),
  dirichlet: (rows, found) =>
    traced(rows, found, ({ concentration }, x) =>
      Dirichlet({ concentration: concentration as Value }).logProb(x),
    ),
  // Categories that do not occur have the probability 0, whose logarithm counts no row.
  categorical: ({ total }, { probs }) =>
    numbersOf(probs).reduce((sum, p) => (p === 0 ? sum : sum + total * p * Math.log(p)), 0),
};

function traced(
  { values, size, weights }: Rows,
  found: Named,
  logProb: (parameters: Readonly<Record<string, Value>>, x: Value) => Value,
): number {
  const inputs = {
    x: tensor(Float64Array.from(values), [weights.length, size]),
    weights: tensor(Float64Array.from(weights), [weights.length]),
    parameters: found,
  };
  const program = trace((given) => {
    const {
      x,
      weights: w,
      parameters,
    } = given as unknown as {
      x: Value;
      weights: Value;
      parameters: Record<string, Value>;
    };
    return { logLikelihood: sum(logProb(parameters, x).mul(w)) };
  }, inputs);
  return item(evaluate(program, inputs as unknown as Tree<Tensor>).logLikelihood as Tensor);
}
