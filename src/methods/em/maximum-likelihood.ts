/**
 * Maximum likelihood of exponential families, from weighted observations: the moments of the sufficient
 * statistics are those of the data (Casella, Berger, "Statistical inference", 2002, section 7.2.2). Where this
 * has no closed form, as for gamma and beta distributions, Newton's method solves it (`concentrations.ts`).
 *
 * The names of the parameters are those that the constructors in `distributions/` take.
 */
import {
  Bernoulli,
  Beta,
  type Distribution,
  Exponential,
  Gamma,
  Geometric,
  HalfNormal,
  InverseGamma,
  Laplace,
  LogNormal,
  Normal,
  Poisson,
} from "../../distributions/index.ts";
import { sum } from "../../ops/index.ts";
import { item, ReparamError, type Tensor, type Tree, tensor } from "../../tensor/index.ts";
import { evaluate, trace, type Value } from "../../trace/index.ts";
import { dirichletConcentrations, gammaConcentration } from "./concentrations.ts";

export const families = [
  "normal",
  "log-normal",
  "half-normal",
  "exponential",
  "laplace",
  "poisson",
  "bernoulli",
  "geometric",
  "gamma",
  "inverse-gamma",
  "beta",
] as const;
export type Family = (typeof families)[number];

export interface MaximumLikelihood {
  /** As the constructor of the distribution takes them. */
  readonly parameters: Readonly<Record<string, number>>;
  /** Σ wₙ log p(xₙ) at the parameters, in nats. */
  readonly logLikelihood: number;
}

/** Observations of a positive weight. */
interface Sample {
  readonly x: Float64Array<ArrayBuffer>;
  readonly weights: Float64Array<ArrayBuffer>;
  /** Weighted mean of a function of the observations. */
  readonly mean: (f: (x: number) => number) => number;
}

interface Fit {
  /** What observations may be. */
  readonly support: (x: number) => boolean;
  readonly wants: string;
  readonly parameters: (sample: Sample) => Readonly<Record<string, number>>;
  readonly distribution: (parameters: Readonly<Record<string, Value>>) => Distribution;
  /** Whether these parameters make the observations certain: the edge of the family, where log p(x) = 0. */
  readonly certain?: (parameters: Readonly<Record<string, number>>) => boolean;
}

const real = { support: Number.isFinite, wants: "finite numbers" };
const positive = {
  support: (x: number) => x > 0 && Number.isFinite(x),
  wants: "numbers above 0",
};
const atLeastZero = {
  support: (x: number) => x >= 0 && Number.isFinite(x),
  wants: "numbers of at least 0",
};
const identity = (x: number): number => x;

/** A distribution by its constructor; the types of the options are those that the fit gives. */
const made =
  <Options>(make: (options: Options) => Distribution): Fit["distribution"] =>
  (parameters) =>
    make(parameters as Options);

function meanAndDeviation({ mean }: Sample, f: (x: number) => number): [number, number] {
  const centre = mean(f);
  return [centre, Math.sqrt(mean((x) => (f(x) - centre) ** 2))];
}

/** The concentration a of a gamma distribution of f(x), and its rate. */
function gammaOf({ mean }: Sample, f: (x: number) => number): [number, number] {
  const centre = mean(f);
  const concentration = gammaConcentration(Math.log(centre) - mean((x) => Math.log(f(x))));
  return [concentration, concentration / centre];
}

const fits: Readonly<Record<Family, Fit>> = {
  normal: {
    ...real,
    parameters: (sample) => {
      const [mean, std] = meanAndDeviation(sample, identity);
      return { mean, std };
    },
    distribution: made(Normal),
  },
  "log-normal": {
    ...positive,
    parameters: (sample) => {
      const [location, scale] = meanAndDeviation(sample, Math.log);
      return { location, scale };
    },
    distribution: made(LogNormal),
  },
  "half-normal": {
    ...atLeastZero,
    parameters: ({ mean }) => ({ scale: Math.sqrt(mean((x) => x * x)) }),
    distribution: made(HalfNormal),
  },
  exponential: {
    ...atLeastZero,
    parameters: ({ mean }) => ({ rate: 1 / mean(identity) }),
    distribution: made(Exponential),
  },
  laplace: {
    ...real,
    parameters: (sample) => {
      const location = weightedMedian(sample);
      return { location, scale: sample.mean((x) => Math.abs(x - location)) };
    },
    distribution: made(Laplace),
  },
  poisson: {
    support: (x) => Number.isInteger(x) && x >= 0,
    wants: "counts 0, 1, 2, …",
    parameters: ({ mean }) => ({ rate: mean(identity) }),
    distribution: made(Poisson),
    certain: ({ rate }) => rate === 0,
  },
  bernoulli: {
    support: (x) => x === 0 || x === 1,
    wants: "0 or 1",
    parameters: ({ mean }) => ({ probs: mean(identity) }),
    distribution: made(Bernoulli),
    certain: ({ probs }) => probs === 0 || probs === 1,
  },
  geometric: {
    support: (x) => Number.isInteger(x) && x >= 0,
    wants: "counts of failures 0, 1, 2, …",
    parameters: ({ mean }) => ({ probs: 1 / (1 + mean(identity)) }),
    distribution: made(Geometric),
    certain: ({ probs }) => probs === 1,
  },
  gamma: {
    ...positive,
    parameters: (sample) => {
      const [concentration, rate] = gammaOf(sample, identity);
      return { concentration, rate };
    },
    distribution: made(Gamma),
  },
  "inverse-gamma": {
    ...positive,
    parameters: (sample) => {
      const [concentration, scale] = gammaOf(sample, (x) => 1 / x);
      return { concentration, scale };
    },
    distribution: made(InverseGamma),
  },
  beta: {
    support: (x) => x > 0 && x < 1,
    wants: "numbers between 0 and 1",
    parameters: ({ mean }) => {
      const logs = [mean(Math.log), mean((x) => Math.log1p(-x))];
      const [first, square] = [mean(identity), mean((x) => x * x)];
      const [alpha, beta] = dirichletConcentrations(logs, [first, 1 - first], square);
      return { alpha: alpha as number, beta: beta as number };
    },
    distribution: made(Beta),
  },
};

/**
 * The parameters of a family under which the observations are likeliest. `weights` count observations
 * several times, or in part; 1 each by default.
 * @throws ReparamError for observations outside of the support, and where the likelihood has no maximum
 *   inside of the family, as for a normal distribution of observations that are all the same.
 */
export function fitMaximumLikelihood(
  family: Family,
  observations: ArrayLike<number>,
  weights: ArrayLike<number> = new Float64Array(observations.length).fill(1),
): MaximumLikelihood {
  const { support, wants, parameters, distribution, certain } = fits[family];
  const refuse = (why: string): never => {
    throw new ReparamError(`fitMaximumLikelihood: ${family} ${why}.`);
  };
  if (weights.length !== observations.length) {
    refuse(`has ${observations.length} observations, but ${weights.length} weights`);
  }
  for (let i = 0; i < observations.length; i++) {
    const [x, weight] = [observations[i] as number, weights[i] as number];
    if (!support(x)) refuse(`wants ${wants}, got ${x}`);
    if (!(weight >= 0 && Number.isFinite(weight))) {
      refuse(`wants a weight of at least 0 for every observation, got ${weight}`);
    }
  }
  const sample = sampleOf(observations, weights);
  if (sample.x.length === 0) refuse("wants an observation with a weight above 0");
  const found = parameters(sample);
  if (certain?.(found) === true) return { parameters: found, logLikelihood: 0 };
  const logLikelihood = Object.values(found).every(Number.isFinite)
    ? logLikelihoodOf(distribution, found, sample)
    : Number.NaN;
  if (!Number.isFinite(logLikelihood)) {
    refuse(
      "has no maximum here: the observations do not vary enough. Give others, or fix the scale",
    );
  }
  return { parameters: found, logLikelihood };
}

function sampleOf(observations: ArrayLike<number>, given: ArrayLike<number>): Sample {
  const kept = Array.from(given, (_, i) => i).filter((i) => (given[i] as number) > 0);
  const x = Float64Array.from(kept, (i) => observations[i] as number);
  const weights = Float64Array.from(kept, (i) => given[i] as number);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean: Sample["mean"] = (f) =>
    x.reduce((sum, value, i) => sum + (weights[i] as number) * f(value), 0) / total;
  return { x, weights, mean };
}

function logLikelihoodOf(
  distribution: Fit["distribution"],
  found: Readonly<Record<string, number>>,
  { x, weights }: Sample,
): number {
  // As inputs, so that a scale of 0 gives infinities rather than errors of the distribution.
  const parameters = Object.fromEntries(
    Object.entries(found).map(([name, value]) => [name, tensor(Float64Array.of(value), [])]),
  );
  const inputs = { x: tensor(x, [x.length]), weights: tensor(weights, [x.length]), parameters };
  const program = trace((given) => {
    const values = given as unknown as { x: Value; weights: Value; parameters: never };
    const logs = distribution(values.parameters).logProb(values.x);
    return { logLikelihood: sum(logs.mul(values.weights)) };
  }, inputs);
  return item(evaluate(program, inputs as Tree<Tensor>).logLikelihood as Tensor);
}

/** A value with at most half of the weight on either side. */
function weightedMedian({ x, weights }: Sample): number {
  const order = Array.from(x, (_, i) => i).sort((a, b) => (x[a] as number) - (x[b] as number));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let below = 0;
  const middle = order.find((i) => {
    below += weights[i] as number;
    return below >= total / 2;
  });
  return x[middle as number] as number;
}
