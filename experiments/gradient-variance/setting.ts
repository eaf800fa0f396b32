// The problems, the estimators with their settings, and what they learn of their own.
import { Bernoulli, type Distribution, Independent } from "reparam/distributions";
import type { Control, EstimateOptions, EstimatorName } from "reparam/estimators";
import { initLinear, type LinearParams, linear } from "reparam/nn";
import { constant, exp, prod, squeeze, sum, tanh } from "reparam/ops";
import { tensorOf } from "reparam/tensor";
import type { Key, Value } from "reparam/trace";

/** E_q[f] over coins, all of one event, at the logits where gradients are measured. */
export interface Problem {
  readonly name: string;
  readonly logits: readonly number[];
  /** Of coins [..., count], 0 and 1 or relaxed. */
  readonly f: (z: Value) => Value;
  readonly onHost: (z: readonly number[]) => number;
}

/** min E[(b − t)²], b a coin: the smaller 1 − 2t, the smaller the gradient beside its noise. */
const towards = (t: number): Problem => ({
  name: `(b − t)², t = ${t}`,
  logits: [0.4],
  f: (z) => squeeze(z, -1).sub(t).square(),
  onHost: ([b]) => ((b as number) - t) ** 2,
});

const weights = [1, -2, 1.5];
const threeCoins: Problem = {
  name: "three coins",
  logits: [0.4, -0.7, 1.1],
  f: (z) =>
    sum(z.mul(constant(tensorOf(weights, [3]))), -1)
      .sub(0.6)
      .square()
      .add(prod(z, -1)),
  onHost: (z) =>
    (z.reduce((s, b, i) => s + b * (weights[i] as number), 0) - 0.6) ** 2 +
    z.reduce((p, b) => p * b, 1),
};

export const problems: readonly Problem[] = [towards(0.45), towards(0.499), threeCoins];

export const coinsOf = (logits: Value): Distribution => Independent(Bernoulli({ logits }), 1);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** E_q[f] and its gradient towards the logits, by enumeration in float64. */
export function exactly({ onHost }: Problem, logits: readonly number[]) {
  const gradient = logits.map(() => 0);
  let value = 0;
  for (let i = 0; i < 2 ** logits.length; i++) {
    const z = logits.map((_, k) => (i >> k) & 1);
    const p = logits.reduce((s, a, k) => s * sigmoid(z[k] === 1 ? a : -a), 1);
    const f = onHost(z);
    value += p * f;
    for (const [k, a] of logits.entries()) {
      gradient[k] = (gradient[k] as number) + p * f * ((z[k] as number) - sigmoid(a));
    }
  }
  return { value, gradient };
}

export interface Variant {
  readonly name: string;
  readonly estimator: EstimatorName;
  readonly samples?: number;
  readonly temperature?: number;
  readonly baseline?: "moving-average" | "leave-one-out";
  /** Whether the control variate is trained, here with a network of 8 hidden features for RELAX. */
  readonly control?: "fixed" | "learned";
  /** How often f is computed for one estimate. */
  readonly evaluations: number;
}

const relaxed = (
  estimator: "gumbel-softmax" | "st-gumbel-softmax",
  temperature: number,
): Variant => ({
  ...{ name: `${estimator}, τ = ${temperature}`, estimator, temperature, evaluations: 1 },
});

export const temperatures = [2, 1, 0.5, 0.2, 0.1, 0.05];

export const variants: readonly Variant[] = [
  { name: "exact", estimator: "exact", evaluations: 2 },
  { name: "score-function", estimator: "score-function", evaluations: 1 },
  {
    ...{ name: "score-function, moving average", estimator: "score-function", evaluations: 1 },
    baseline: "moving-average",
  },
  { name: "score-function, 4 samples", estimator: "score-function", samples: 4, evaluations: 4 },
  {
    ...{ name: "score-function, leave-one-out of 4", estimator: "score-function", samples: 4 },
    ...{ baseline: "leave-one-out", evaluations: 4 },
  },
  { name: "muprop", estimator: "muprop", evaluations: 2 },
  { name: "arm", estimator: "arm", evaluations: 2 },
  { name: "rebar, τ = 0.5, η = 1", estimator: "rebar", control: "fixed", evaluations: 2 },
  { name: "rebar, learned", estimator: "rebar", control: "learned", evaluations: 2 },
  { name: "relax, learned", estimator: "relax", control: "learned", evaluations: 2 },
  { name: "straight-through", estimator: "straight-through", evaluations: 1 },
  ...temperatures.map((tau) => relaxed("gumbel-softmax", tau)),
  ...temperatures.map((tau) => relaxed("st-gumbel-softmax", tau)),
];

/** Parameters of a learned control variate. */
export type ControlModel = {
  readonly logTemperature: Value;
  readonly scale: Value;
  readonly hidden: LinearParams;
  readonly output: LinearParams;
};

export const initControl = (key: Key, coins: number): ControlModel => ({
  logTemperature: constant(Math.log(0.5)),
  scale: constant(1),
  hidden: initLinear(key.at("hidden"), coins, 8),
  output: initLinear(key.at("output"), 8, 1),
});

/** The estimator's options but its key. */
export function optionsOf(
  variant: Variant,
  { control, average }: { readonly control?: ControlModel; readonly average: Value },
): Omit<EstimateOptions, "key"> {
  const { samples, temperature, baseline } = variant;
  return {
    ...(samples === undefined ? {} : { samples }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(baseline === "leave-one-out" ? { baseline: { kind: baseline } } : {}),
    ...(baseline === "moving-average" ? { baseline: { kind: baseline, average } } : {}),
    ...(variant.control === "learned" && control !== undefined
      ? { control: controlOf(variant, control) }
      : {}),
  };
}

function controlOf({ estimator }: Variant, model: ControlModel): Control {
  const { logTemperature, scale, hidden, output } = model;
  const relax = estimator === "relax";
  const network = (z: Value): Value => squeeze(linear(output, tanh(linear(hidden, z))), -1);
  return {
    temperature: exp(logTemperature),
    scale,
    params: relax ? model : { logTemperature, scale },
    ...(relax ? { network } : {}),
  };
}
