// The three models and six estimators that are compared, and what Jang, Gu, Poole, "Categorical Reparameterization
// with Gumbel-Softmax" (2017), table 1, report for them.
import type { EstimatorName } from "reparam/estimators";

export const estimators = [
  "score-function",
  "muprop",
  "rebar",
  "straight-through",
  "gumbel-softmax",
  "st-gumbel-softmax",
] as const satisfies readonly EstimatorName[];

export type Estimator = (typeof estimators)[number];

/** Samples of the score function in training: two computations of f a row, as REBAR and MuProp have. */
export const scoreSamples = 2;

export interface Setting {
  readonly name: "bernoulli-vae" | "categorical-vae" | "stochastic-binary-network";
  readonly title: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Names of the figures by one sample and by many. */
  readonly single: string;
  readonly bound: string;
  readonly boundSamples: number;
  /** Which of the two the paper has, by which estimators are ordered. */
  readonly compared: "single" | "bound";
  /** The figures of the paper, nats an image; it has none for REBAR, which is younger. */
  readonly paper: Readonly<Partial<Record<Estimator, number>>>;
}

/** τ falls to its floor over the first half of a training; the paper's floor is ½ too. */
const temperaturesOver = (steps: number) => ({
  ...{ temperature: 1, temperatureFloor: 0.5 },
  temperatureDecay: 0.5 ** (2 / steps),
});

const ofVae = {
  ...{ single: "negativeElbo", bound: "negativeBound", boundSamples: 50 },
  compared: "single",
} as const;

export const settings: readonly Setting[] = [
  {
    ...{ name: "bernoulli-vae", title: "200 Bernoulli latents", ...ofVae },
    options: { network: "linear", latents: 200 },
    paper: {
      ...{ "score-function": 112.2, muprop: 109.7, "straight-through": 116 },
      ...{ "gumbel-softmax": 105, "st-gumbel-softmax": 111.5 },
    },
  },
  {
    ...{ name: "categorical-vae", title: "20 categorical latents of 10 classes", ...ofVae },
    options: { network: "linear", latents: 20, classes: 10 },
    paper: {
      ...{ "score-function": 110.6, muprop: 107, "straight-through": 110.9 },
      ...{ "gumbel-softmax": 101.5, "st-gumbel-softmax": 107.8 },
    },
  },
  {
    ...{ name: "stochastic-binary-network", title: "Lower halves by two layers of 200 units" },
    ...{ single: "negativeSingleSampleBound", bound: "negativeBound", boundSamples: 50 },
    compared: "bound",
    options: { hidden: 200, layers: 2, dynamicBinarization: false },
    paper: {
      ...{ "score-function": 72, muprop: 58.9, "straight-through": 58.9 },
      ...{ "gumbel-softmax": 58.5, "st-gumbel-softmax": 59.3 },
    },
  },
];

/** The options of one training. */
export const optionsOf = (
  { options, boundSamples }: Setting,
  estimator: Estimator,
  { learningRate, steps }: { readonly learningRate: number; readonly steps: number },
): Readonly<Record<string, unknown>> => ({
  ...{ ...options, ...temperaturesOver(steps), boundSamples, estimator, learningRate },
  ...(estimator === "score-function" ? { samples: scoreSamples, baseline: "leave-one-out" } : {}),
});
