// What the estimators are chosen for: which is biased and how that goes away, which varies less, and how
// control variates and baselines learn.
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { Bernoulli, Independent } from "../../src/distributions/index.ts";
import {
  type Control,
  type EstimatorName,
  estimate,
  initialAverage,
  scoreSurrogate,
} from "../../src/estimators/index.ts";
import { compile } from "../../src/onnx/index.ts";
import { constant, exp, sin, sum, tanh } from "../../src/ops/index.ts";
import { item, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import {
  exactly,
  type Measured,
  measure,
  normalVariable,
  type Settings,
  threeCoins,
} from "./problems.ts";

/** Length of the mean gradient's error towards q's parameters, and in standard errors. */
async function biasOf(name: EstimatorName, settings: Settings): Promise<[number, number]> {
  const { gradient } = await measure(name, threeCoins, settings);
  const exact = exactly(threeCoins.objective, threeCoins.at).gradient;
  const parts = gradient.slice(0, -1);
  const bias = Math.hypot(...parts.map(({ mean }, i) => mean - exact[i]!));
  return [bias, bias / Math.hypot(...parts.map(({ standardError }) => standardError))];
}

const varianceOf = ({ gradient }: Measured): number =>
  gradient.slice(0, -1).reduce((s, { variance }) => s + variance, 0);

describe("bias", () => {
  it.each(["gumbel-softmax", "st-gumbel-softmax"] as const)(
    "of %s shrinks with τ",
    async (name) => {
      const biases: number[] = [];
      for (const temperature of [1, 0.5, 0.2, 0.1]) {
        const [bias, inErrors] = await biasOf(name, { temperature });
        if (temperature >= 0.2) expect(inErrors).toBeGreaterThan(5);
        biases.push(bias);
      }
      for (const [i, bias] of biases.slice(1).entries())
        expect(bias).toBeLessThan(0.9 * biases[i]!);
      expect(biases.at(-1)).toBeLessThan(0.3 * biases[0]!);
    },
  );

  it("of straight-through is there", async () => {
    expect((await biasOf("straight-through", {}))[1]).toBeGreaterThan(8);
  });
});

describe("variance", () => {
  const none = measure("score-function", threeCoins, { samples: 4 });
  const cases: [string, EstimatorName, Settings][] = [
    ["leave-one-out", "score-function", { samples: 4, baseline: { kind: "leave-one-out" } }],
    ["arm", "arm", { samples: 4 }],
    ["rebar", "rebar", { samples: 4 }],
  ];
  it.each(cases)("of %s is below the plain score function's", async (_label, name, settings) => {
    const measured = varianceOf(await measure(name, threeCoins, settings));
    expect(measured).toBeLessThan(0.9 * varianceOf(await none));
  });

  it("falls as 1/m with m samples", async () => {
    const one = varianceOf(await measure("score-function", threeCoins));
    expect(varianceOf(await none) * 4).toBeGreaterThan(0.95 * one);
    expect(varianceOf(await none) * 4).toBeLessThan(1.05 * one);
  });

  it("of the path is lower, but not for f with a steep ripple", async () => {
    // f = sin(kz): the slope is k, the height 1
    const ripple = (k: number) => ({ ...normalVariable, f: (z: Value) => sin(z.mul(k)) });
    const towardsMean = async (name: EstimatorName, k: number): Promise<number> =>
      (await measure(name, ripple(k))).gradient[0]!.variance;
    expect(await towardsMean("pathwise", 0.5)).toBeLessThan(
      await towardsMean("score-function", 0.5),
    );
    const std = Math.exp((normalVariable.at[1] as number) / 2);
    // Both closed forms: k²/2 and 1/(2σ²), where E sin, E cos of 16 z vanish
    expect(await towardsMean("pathwise", 16)).toBeCloseTo(128, -0.5);
    expect(await towardsMean("score-function", 16)).toBeCloseTo(1 / (2 * std ** 2), 1);
  });
});

/** Surrogate, its gradient towards the control's parameters, and the mean of g², of 400 rows. */
function controlled(x: readonly [number, number, number]): Record<string, Tensor> {
  const inputs = {
    x: x.map((v) => tensorOf([v], [])),
    logits: tensorOf(rows(0.4, -0.3), [400, 2]),
  };
  const program = trace(({ x: [logTemperature, scale, slope], logits }) => {
    const params = { logTemperature, scale, slope } as Record<string, Value>;
    const control: Control = {
      temperature: exp(logTemperature as Value),
      scale: scale as Value,
      network: (z) => sum(tanh(z.mul(slope as Value)), -1),
      params,
    };
    const q = Independent(Bernoulli({ logits }), 1);
    const f = (z: Value): Value => sum(z.mul(constant(tensorOf([1, 2], [2]))), -1).square();
    const { surrogate } = estimate("relax", q, f, { key: new Key("z"), control });
    const [g] = gradients(sum(surrogate), [logits]) as [Value];
    const towards = gradients(sum(surrogate), Object.values(params));
    return { surrogate: sum(surrogate), squares: sum(g.square()), towards };
  }, inputs);
  const { surrogate, squares, towards } = evaluate(program, inputs, { seed: 2, step: 0 });
  const slopes = Object.fromEntries((towards as Tensor[]).map((t, i) => [i, t]));
  return { surrogate: surrogate as Tensor, squares: squares as Tensor, ...slopes };
}

const rows = (...logits: number[]): number[] => Array.from({ length: 400 }, () => logits).flat();

it("control variates are trained by the gradient of the mean square of the estimate", () => {
  const at = [-0.5, 0.8, 0.6] as const;
  const here = controlled(at);
  for (const i of [0, 1, 2]) {
    const moved = (by: number): Record<string, Tensor> =>
      controlled(at.map((v, k) => (k === i ? v + by : v)) as [number, number, number]);
    const slope = (item(moved(0.01).squares!) - item(moved(-0.01).squares!)) / 0.02;
    // The surrogate has the mean over its rows, once for each of its 400 rows.
    expect(item(here[i]!) / slope).toBeCloseTo(1, 2);
    expect(item(moved(0.01).surrogate!)).toBe(item(here.surrogate!));
  }
});

it("a moving average is the weighted mean of earlier signals, and does not see its own", async () => {
  const q = (logits: Value) => Independent(Bernoulli({ logits }), 1);
  const program = await compile(
    ({ average, rewards, logits }) => {
      const z = q(logits).sample(new Key("z"), [1]);
      const baseline = { kind: "moving-average", average, decay: 0.5 } as const;
      const result = scoreSurrogate({ q: q(logits), z, rewards, baseline });
      const [gradient] = gradients(sum(result.surrogate), [logits]) as [Value];
      return { next: result.average as Value, gradient, z };
    },
    {
      average: tensorOf([0, 0], [2]),
      rewards: tensorOf([6, 2], [1, 2]),
      logits: tensorOf([0, 0], [2, 1]),
    },
  );
  const given = { rewards: tensorOf([6, 2], [1, 2]), logits: tensorOf([0, 0], [2, 1]) };
  const first = await program.run({ ...given, average: tensorOf([0, 0], [2]) });
  expect(Array.from(first.next.data, Number)).toEqual([2, 0.5]);
  // signal · (z − ½): no baseline yet
  for (const [i, signal] of [6, 2].entries()) {
    expect(first.gradient.data[i]).toBeCloseTo(signal * (Number(first.z.data[i]) - 0.5), 5);
  }
  const second = await program.run({ ...given, average: first.next }, { seed: 0, step: 1 });
  for (const [i, signal] of [2, -2].entries()) {
    expect(second.gradient.data[i]).toBeCloseTo(signal * (Number(second.z.data[i]) - 0.5), 5);
  }
  expect(Array.from(second.next.data, Number)).toEqual([3, 0.75]);
  await program.release();
});

it("an input-dependent baseline learns the mean signal of its row", () => {
  const inputs = {
    prediction: tensorOf([1, 3], [2]),
    rewards: tensorOf([2, 5, 4, 7], [2, 2]),
    logits: tensorOf([0, 0], [2, 1]),
  };
  const program = trace(({ prediction, rewards, logits }) => {
    const q = Independent(Bernoulli({ logits }), 1);
    const z = q.sample(new Key("z"), [2]);
    const baseline = { kind: "input-dependent", prediction } as const;
    const { surrogate } = scoreSurrogate({ q, z, rewards, baseline });
    return { surrogate, towards: gradients(sum(surrogate), [prediction])[0] as Value };
  }, inputs);
  const { surrogate, towards } = evaluate(program, inputs);
  expect(Array.from(surrogate.data, Number)).toEqual([3, 6]);
  expect(Array.from(towards.data, Number)).toEqual([1 - 3, 3 - 6]);
});

it("begins a moving average with no weight", () => {
  const { average } = evaluate(
    trace(() => ({ average: initialAverage() }), {}),
    {},
  );
  expect(Array.from(average.data, Number)).toEqual([0, 0]);
});
