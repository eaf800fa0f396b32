// Small problems whose expectations and gradients are known by summing or integrating on the host, and the
// means and spreads of an estimator's gradients over many rows of one run.
import { gradients } from "../../src/autodiff/index.ts";
import {
  Bernoulli,
  type Distribution,
  Independent,
  Normal,
  OneHotCategorical,
} from "../../src/distributions/index.ts";
import {
  type EstimateOptions,
  type EstimatorName,
  estimate,
  type Objective,
} from "../../src/estimators/index.ts";
import { compile } from "../../src/onnx/index.ts";
import {
  broadcastTo,
  constant,
  expandDims,
  prod,
  sin,
  slice,
  squeeze,
  sum,
} from "../../src/ops/index.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { Key, type Value } from "../../src/trace/index.ts";

export interface Problem {
  readonly name: string;
  /** Parameters of q, and after them the one parameter φ of f. */
  readonly at: readonly number[];
  /** The distribution of rows of parameters [N, count]; its batch is [N]. */
  readonly q: (parameters: Value) => Distribution;
  /** f of samples [m, N, ...event], with φ [N]. */
  readonly f: (z: Value, phi: Value) => Value;
  /** E_q[f], on the host. */
  readonly objective: (parameters: readonly number[], phi: number) => number;
  /** Outcomes with their probabilities and f: what a bound's expectation sums over. */
  readonly outcomes: (
    parameters: readonly number[],
    phi: number,
  ) => readonly { readonly p: number; readonly density: number; readonly f: number }[];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const vector = (xs: readonly number[]): Value => constant(tensorOf([...xs], [xs.length]));

type Outcomes = ReturnType<Problem["outcomes"]>;
const expectation = (outcomes: Outcomes): number => outcomes.reduce((s, { p, f }) => s + p * f, 0);

/** Coins, all of one event. */
function coins(
  name: string,
  logits: readonly number[],
  phi: number,
  f: { graph: (z: Value, phi: Value) => Value; host: (z: number[], phi: number) => number },
): Problem {
  const outcomes: Problem["outcomes"] = (parameters, at) =>
    Array.from({ length: 2 ** parameters.length }, (_, i) => {
      const z = parameters.map((_p, k) => (i >> k) & 1);
      const p = parameters.reduce((s, a, k) => s * sigmoid(z[k] === 1 ? a : -a), 1);
      return { p, density: p, f: f.host(z, at) };
    });
  return {
    name,
    at: [...logits, phi],
    q: (parameters) => Independent(Bernoulli({ logits: parameters }), 1),
    f: f.graph,
    objective: (parameters, at) => expectation(outcomes(parameters, at)),
    outcomes,
  };
}

/** min E[(b − t)²] (Tucker et al. 2017; Grathwohl et al. 2018); φ = t. */
export const oneCoin = coins("(b − t)²", [0.3], 0.45, {
  graph: (z, t) => squeeze(z, -1).sub(t).square(),
  host: ([b], t) => (b! - t) ** 2,
});

export const threeCoins = coins("three coins", [0.4, -0.7, 1.1], 0.6, {
  graph: (z, phi) =>
    sum(z.mul(vector([1, -2, 1.5])), -1)
      .sub(phi)
      .square()
      .add(prod(z, -1)),
  host: ([a, b, c], phi) => (a! - 2 * b! + 1.5 * c! - phi) ** 2 + a! * b! * c!,
});

const [weights, curvature] = [
  [1, -0.5, 2, 0.3],
  [0.2, 1, -0.4, -1.5],
];

/** One variable of four categories. */
export const fourCategories: Problem = {
  name: "four categories",
  at: [0.5, -0.3, 0.1, 0.9, 0.7],
  q: (parameters) => OneHotCategorical({ logits: parameters }),
  f: (z, phi) =>
    sum(z.mul(vector(weights!)), -1)
      .mul(phi)
      .add(sum(z.mul(vector(curvature!)), -1).square()),
  objective: (parameters, phi) => expectation(fourCategories.outcomes(parameters, phi)),
  outcomes: (parameters, phi) => {
    const scores = parameters.map(Math.exp);
    const total = scores.reduce((s, x) => s + x, 0);
    return scores.map((score, k) => ({
      p: score / total,
      density: score / total,
      f: weights![k]! * phi + curvature![k]! ** 2,
    }));
  },
};

/** A normal variable by its mean and log variance; f = φ sin z − ½ z². */
export const normalVariable: Problem = {
  name: "normal",
  at: [0.4, -0.6, 1.3],
  q: (parameters) =>
    Normal({
      mean: squeeze(slice(parameters, 1, 0, 1), 1),
      logVariance: squeeze(slice(parameters, 1, 1, 2), 1),
    }),
  f: (z, phi) => sin(z).mul(phi).sub(z.square().mul(0.5)),
  objective: ([mu, logVariance], phi) => {
    const v = Math.exp(logVariance!);
    return phi * Math.sin(mu!) * Math.exp(-v / 2) - (mu! ** 2 + v) / 2;
  },
  // the trapezoidal rule, whose error on a density that decays so fast is that of float64
  outcomes: ([mu, logVariance], phi) => {
    const std = Math.exp(logVariance! / 2);
    return Array.from({ length: 321 }, (_, i) => {
      const e = (i - 160) / 20;
      const z = mu! + std * e;
      const normal = Math.exp(-(e ** 2) / 2) / Math.sqrt(2 * Math.PI);
      return { p: normal / 20, density: normal / std, f: phi * Math.sin(z) - z ** 2 / 2 };
    });
  },
};

/** E log ½ (exp f(z₁)/q(z₁) + exp f(z₂)/q(z₂)). */
export function boundOfTwo(problem: Problem, parameters: readonly number[], phi: number): number {
  const all = problem
    .outcomes(parameters, phi)
    .map(({ p, density, f }) => ({ p, weight: Math.exp(f) / density }));
  let total = 0;
  for (const a of all) {
    for (const b of all) total += a.p * b.p * Math.log((a.weight + b.weight) / 2);
  }
  return total;
}

/** Value and gradient, towards q's parameters and φ, by central differences of a function on the host. */
export function exactly(
  target: (parameters: readonly number[], phi: number) => number,
  at: readonly number[],
): { value: number; gradient: number[] } {
  const value = (x: readonly number[]): number => target(x.slice(0, -1), x.at(-1)!);
  const step = 1e-5;
  const moved = (i: number, by: number): number => value(at.map((x, k) => (k === i ? x + by : x)));
  const gradient = at.map((_, i) => (moved(i, step) - moved(i, -step)) / (2 * step));
  return { value: value(at), gradient };
}

export interface Measured {
  readonly value: Spread;
  /** Of each parameter of q, and of φ. */
  readonly gradient: readonly Spread[];
}

interface Spread {
  readonly mean: number;
  readonly variance: number;
  readonly standardError: number;
}

export type Settings = Omit<EstimateOptions, "key"> & {
  /** Given the constants that it likes, inside of the trace. */
  readonly within?: (rows: Value) => Omit<EstimateOptions, "key">;
};

/** Value and gradient of an estimate over `rows` independent rows. */
export async function measure(
  name: EstimatorName,
  { at, q, f }: Pick<Problem, "at" | "q" | "f">,
  { within, ...options }: Settings = {},
  rows = 100_000,
): Promise<Measured> {
  const program = await compile(
    ({ x }) => {
      const each = broadcastTo(expandDims(x, 0), [rows, at.length]);
      const parameters = slice(each, 1, 0, at.length - 1);
      const phi = squeeze(slice(each, 1, at.length - 1), 1);
      const objective: Objective = (z) => f(z, phi);
      const { surrogate } = estimate(name, q(parameters), objective, {
        key: new Key("z"),
        ...options,
        ...within?.(each),
      });
      const [gradient] = gradients(sum(surrogate), [each]) as [Value];
      return { surrogate, gradient };
    },
    { x: tensorOf([...at], [at.length]) },
    { threads: 2, spin: false },
  );
  const result = await program.run({ x: tensorOf([...at], [at.length]) }, { seed: 1, step: 0 });
  await program.release();
  // Sums of this many float32 numbers are taken on the host: those of the runtime are off by 10⁻⁴.
  return {
    value: spreadOf(result.surrogate, 0, 1),
    gradient: at.map((_, i) => spreadOf(result.gradient, i, at.length)),
  };
}

/** Mean and variance of every stride-th number. */
function spreadOf({ data }: Tensor, start: number, stride: number): Spread {
  const [values, rows] = [data as Float32Array, data.length / stride];
  let [total, squares] = [0, 0];
  for (let i = start; i < values.length; i += stride) total += values[i]!;
  const mean = total / rows;
  for (let i = start; i < values.length; i += stride) squares += (values[i]! - mean) ** 2;
  const variance = squares / (rows - 1);
  return { mean, variance, standardError: Math.sqrt(variance / rows) };
}
