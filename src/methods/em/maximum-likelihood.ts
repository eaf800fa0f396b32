/**
 * Maximum likelihood of exponential families in closed form, from weighted observations: the moments of the
 * sufficient statistics are those of the data (Casella, Berger, "Statistical inference", 2002, section 7.2.2).
 * Of gamma and beta one equation is left, which Newton's method solves (Minka, "Estimating a gamma
 * distribution", 2002, equation 9).
 */
import { ReparamError } from "../../tensor/index.ts";

export const families = [
  "normal",
  "log-normal",
  "exponential",
  "laplace",
  "poisson",
  "bernoulli",
  "geometric",
  "gamma",
] as const;
export type Family = (typeof families)[number];

export interface MaximumLikelihood {
  readonly parameters: Readonly<Record<string, number>>;
  /** Σ wₙ log p(xₙ) at the parameters, in nats. */
  readonly logLikelihood: number;
}

type Numbers = ArrayLike<number>;

/** Weighted mean of a function of the observations. */
type Mean = (f: (x: number) => number) => number;

interface Fit {
  /** What observations may be. */
  readonly support: (x: number) => boolean;
  readonly wants: string;
  readonly parameters: (
    mean: Mean,
    x: Numbers,
    weights: Numbers,
  ) => Readonly<Record<string, number>>;
  /** log p(x) at these parameters. */
  readonly logDensity: (x: number, parameters: Readonly<Record<string, number>>) => number;
}

const whole = (x: number): boolean => Number.isInteger(x) && x >= 0;
const xlogy = (x: number, y: number): number => (x === 0 ? 0 : x * Math.log(y));
const logTwoPi = Math.log(2 * Math.PI);

function meanAndDeviation(mean: Mean, f: (x: number) => number): { mean: number; std: number } {
  const centre = mean(f);
  return { mean: centre, std: Math.sqrt(mean((x) => (f(x) - centre) ** 2)) };
}

const normalLogDensity = (x: number, { mean, std }: Readonly<Record<string, number>>): number => {
  const z = (x - (mean as number)) / (std as number);
  return -0.5 * z * z - Math.log(std as number) - 0.5 * logTwoPi;
};

const fits: Readonly<Record<Family, Fit>> = {
  normal: {
    support: Number.isFinite,
    wants: "finite numbers",
    parameters: (mean) => meanAndDeviation(mean, (x) => x),
    logDensity: normalLogDensity,
  },
  "log-normal": {
    support: (x) => x > 0 && Number.isFinite(x),
    wants: "numbers above 0",
    parameters: (mean) => meanAndDeviation(mean, Math.log),
    logDensity: (x, parameters) => normalLogDensity(Math.log(x), parameters) - Math.log(x),
  },
  exponential: {
    support: (x) => x >= 0 && Number.isFinite(x),
    wants: "numbers of at least 0",
    parameters: (mean) => ({ rate: 1 / mean((x) => x) }),
    logDensity: (x, { rate }) => Math.log(rate as number) - (rate as number) * x,
  },
  laplace: {
    support: Number.isFinite,
    wants: "finite numbers",
    parameters: (mean, x, weights) => {
      const median = weightedMedian(x, weights);
      return { location: median, scale: mean((v) => Math.abs(v - median)) };
    },
    logDensity: (x, { location, scale }) =>
      -Math.abs(x - (location as number)) / (scale as number) - Math.log(2 * (scale as number)),
  },
  poisson: {
    support: whole,
    wants: "counts 0, 1, 2, …",
    parameters: (mean) => ({ rate: mean((x) => x) }),
    logDensity: (x, { rate }) => xlogy(x, rate as number) - (rate as number) - logGamma(x + 1),
  },
  bernoulli: {
    support: (x) => x === 0 || x === 1,
    wants: "0 or 1",
    parameters: (mean) => ({ probability: mean((x) => x) }),
    logDensity: (x, { probability: p }) => xlogy(x, p as number) + xlogy(1 - x, 1 - (p as number)),
  },
  geometric: {
    support: whole,
    wants: "counts of failures 0, 1, 2, …",
    parameters: (mean) => ({ probability: 1 / (1 + mean((x) => x)) }),
    logDensity: (x, { probability: p }) => xlogy(x, 1 - (p as number)) + Math.log(p as number),
  },
  gamma: {
    support: (x) => x > 0 && Number.isFinite(x),
    wants: "numbers above 0",
    parameters: (mean) => {
      const centre = mean((x) => x);
      const shape = gammaShape(Math.log(centre) - mean(Math.log));
      return { shape, rate: shape / centre };
    },
    logDensity: (x, { shape, rate }) => {
      const [a, b] = [shape as number, rate as number];
      return a * Math.log(b) + (a - 1) * Math.log(x) - b * x - logGamma(a);
    },
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
  observations: Numbers,
  weights: Numbers = new Float64Array(observations.length).fill(1),
): MaximumLikelihood {
  const { support, wants, parameters, logDensity } = fits[family];
  const refuse = (why: string): never => {
    throw new ReparamError(`fitMaximumLikelihood: ${family} ${why}.`);
  };
  let total = 0;
  for (let i = 0; i < observations.length; i++) {
    const [x, weight] = [observations[i] as number, weights[i] as number];
    if (!support(x)) refuse(`wants ${wants}, got ${x}`);
    if (!(weight >= 0 && Number.isFinite(weight))) {
      refuse(`wants a weight of at least 0 for every observation, got ${weight}`);
    }
    total += weight;
  }
  if (!(total > 0)) refuse("wants an observation with a weight above 0");
  const sum: Mean = (f) => {
    let value = 0;
    for (let i = 0; i < observations.length; i++) {
      const weight = weights[i] as number;
      if (weight > 0) value += weight * f(observations[i] as number);
    }
    return value;
  };
  const found = parameters((f) => sum(f) / total, observations, weights);
  const logLikelihood = sum((x) => logDensity(x, found));
  if (![...Object.values(found), logLikelihood].every(Number.isFinite)) {
    refuse(
      "has no maximum here: the observations do not vary enough. Give others, or fix the scale",
    );
  }
  return { parameters: found, logLikelihood };
}

/** A value with at most half of the weight on either side. */
function weightedMedian(x: Numbers, weights: Numbers): number {
  const order = Array.from(x, (_, i) => i).sort((a, b) => (x[a] as number) - (x[b] as number));
  const total = order.reduce((sum, i) => sum + (weights[i] as number), 0);
  let below = 0;
  for (const i of order) {
    below += weights[i] as number;
    if (below >= total / 2) return x[i] as number;
  }
  return Number.NaN;
}

/** The α of log α − ψ(α) = s, by Newton's method in 1/α (Minka's generalised form). */
function gammaShape(s: number): number {
  if (!(s > 0)) return Number.NaN;
  let shape = (3 - s + Math.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s);
  for (let i = 0; i < 20; i++) {
    const slope = 1 / shape - trigamma(shape);
    const next = 1 / (1 / shape + (Math.log(shape) - digamma(shape) - s) / (shape * shape * slope));
    if (Math.abs(next - shape) <= 1e-15 * shape) return next;
    shape = next;
  }
  return shape;
}

/** Arguments are raised to here, where few terms of Stirling's series are exact to float64. */
const large = 12;

/** ψ(x), x > 0. */
function digamma(x: number): number {
  let [value, y] = [0, x];
  for (; y < large; y++) value -= 1 / y;
  const r = 1 / (y * y);
  const series = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r / 132))));
  return value + Math.log(y) - 0.5 / y - series;
}

/** ψ′(x), x > 0. */
function trigamma(x: number): number {
  let [value, y] = [0, x];
  for (; y < large; y++) value += 1 / (y * y);
  const r = 1 / (y * y);
  const series = 1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - (r * 5) / 66)));
  return value + 1 / y + r / 2 + (r / y) * series;
}

/** log Γ(x), x > 0. */
function logGamma(x: number): number {
  let [shift, y] = [0, x];
  for (; y < large; y++) shift -= Math.log(y);
  const r = 1 / (y * y);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / y;
  return shift + (y - 0.5) * Math.log(y) - y + 0.5 * logTwoPi + series;
}
