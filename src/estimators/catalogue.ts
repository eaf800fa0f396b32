import type { Distribution } from "../distributions/index.ts";
import { arm } from "./arm.ts";
import type { EstimatorDefinition, Target } from "./estimator.ts";
import { exact } from "./exact.ts";
import { doublyReparameterized, vimco } from "./multi-sample.ts";
import { muprop } from "./muprop.ts";
import { pathwise } from "./pathwise.ts";
import { gumbelSoftmax, stGumbelSoftmax, straightThrough } from "./relaxed.ts";
import { rebar, relax } from "./relaxed-control.ts";
import { scoreFunction } from "./score-function.ts";

/** Every estimator at its name. Tests, pages and flags are made from this table. */
export const estimators = {
  exact,
  pathwise,
  "score-function": scoreFunction,
  "gumbel-softmax": gumbelSoftmax,
  "st-gumbel-softmax": stGumbelSoftmax,
  "straight-through": straightThrough,
  rebar,
  relax,
  muprop,
  arm,
  vimco,
  "doubly-reparameterized": doublyReparameterized,
} as const satisfies Readonly<Record<string, EstimatorDefinition>>;

export type EstimatorName = keyof typeof estimators;

export const estimatorNames = Object.keys(estimators) as [EstimatorName, ...EstimatorName[]];

/** The definition at a name, with the type that all have in common. */
export const definitionOf = (name: EstimatorName): EstimatorDefinition => estimators[name];

/** Names of the estimators that work with a distribution, and with a target where one is given. */
export const estimatorsFor = (q: Distribution, target?: Target): EstimatorName[] =>
  estimatorNames.filter((name) => {
    const { refusal, targets } = definitionOf(name);
    return refusal(q) === undefined && (target === undefined || targets.includes(target));
  });
