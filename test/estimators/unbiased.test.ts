// Every estimator that says it is unbiased, against the gradient of its own target, summed or integrated on the
// host: within four standard errors of the mean of 100,000 independent estimates.
import { describe, expect, it } from "vitest";
import {
  type Baseline,
  definitionOf,
  type EstimatorName,
  estimatorNames,
  initialAverage,
} from "../../src/estimators/index.ts";
import { constant, slice, squeeze, sum, tanh } from "../../src/ops/index.ts";
import { tensorOf } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";
import {
  boundOfTwo,
  exactly,
  fourCategories,
  type Measured,
  measure,
  normalVariable,
  oneCoin,
  type Problem,
  type Settings,
  threeCoins,
} from "./problems.ts";

const problems = [oneCoin, threeCoins, fourCategories, normalVariable];

/** A network for RELAX that is wrong on purpose: the mean must not depend on it. */
const network = (z: Value): Value => sum(tanh(z.mul(1.5).sub(0.2)), -1).mul(0.7);

const average = (): Value => constant(tensorOf([0.7, 0.5], [2])); // the signals were 1.4 so far

const baselines: readonly [string, (rows: Value) => Baseline, number][] = [
  ["none", () => ({ kind: "none" }), 1],
  ["leave-one-out", () => ({ kind: "leave-one-out" }), 3],
  ["moving average", () => ({ kind: "moving-average", average: average() }), 1],
  [
    "input-dependent",
    (rows) => ({ kind: "input-dependent", prediction: rowsOf(rows), average: average() }),
    2,
  ],
];
const rowsOf = (rows: Value): Value =>
  squeeze(slice(rows, 1, 0, 1), 1)
    .mul(0)
    .add(0.8);

/** The settings under which an estimator is held to its promise. */
function settingsOf(name: EstimatorName): [string, Settings][] {
  if (name === "rebar") {
    return [
      ["", {}],
      ["two samples", { samples: 2, control: { temperature: 0.2, scale: 0.6 } }],
    ];
  }
  if (name === "relax") {
    return [
      ["with f", { control: { network } }],
      ["the network alone", { control: { network, scale: 0 } }],
    ];
  }
  if (definitionOf(name).options.includes("baseline")) {
    return baselines.map(([label, baseline, samples]) => [
      label,
      { samples, within: (rows) => ({ baseline: baseline(rows) }) },
    ]);
  }
  return [["", {}]];
}

/** Whether the problem's distribution is one of the estimator's. */
async function supports(name: EstimatorName, problem: Problem): Promise<boolean> {
  try {
    await measure(name, problem, settingsOf(name)[0]![1], 2);
    return true;
  } catch (error) {
    if ((error as Error).message.includes("does not work with")) return false;
    throw error;
  }
}

function expectWithin(
  label: string,
  { value, gradient }: Measured,
  want: ReturnType<typeof exactly>,
): void {
  const off = (got: Measured["value"], exact: number): number =>
    Math.abs(got.mean - exact) / (got.standardError + rounding);
  expect(off(value, want.value), `${label}: value`).toBeLessThan(4);
  for (const [i, exact] of want.gradient.entries()) {
    expect(off(gradient[i]!, exact), `${label}: parameter ${i}`).toBeLessThan(4);
  }
}

/** Of float32, where an estimate has no spread. */
const rounding = 1e-6;

const unbiased = estimatorNames.filter((name) => definitionOf(name).unbiased);
const aims = (target: string) => (name: EstimatorName) =>
  (definitionOf(name).targets as readonly string[]).includes(target);

describe.each(unbiased.filter(aims("objective")))("%s of an objective", (name) => {
  it.each(problems)("$name", async (problem) => {
    if (!(await supports(name, problem))) return;
    for (const [label, settings] of settingsOf(name)) {
      const measured = await measure(name, problem, settings);
      expectWithin(label, measured, exactly(problem.objective, problem.at));
    }
  });
});

describe.each(unbiased.filter(aims("multi-sample bound")))("%s of a bound", (name) => {
  it.each(problems)("$name", async (problem) => {
    if (!(await supports(name, problem))) return;
    const target = "multi-sample bound";
    const taken = definitionOf(name).options.includes("baseline") ? ["none", "moving"] : ["none"];
    for (const kind of taken) {
      const within = (): Omit<Settings, "within"> =>
        kind === "none" ? {} : { baseline: { kind: "moving-average", average: initialAverage() } };
      const measured = await measure(name, problem, { samples: 2, target, within });
      const bound = (x: readonly number[], phi: number): number => boundOfTwo(problem, x, phi);
      expectWithin(kind, measured, exactly(bound, problem.at));
    }
  });
});
