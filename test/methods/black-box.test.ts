// Objectives that exist only as functions on the host, trained through the score function.
import { describe, expect, it } from "vitest";
import { makeSplit, type Split } from "../../src/data/index.ts";
import { Bernoulli, Independent, OneHotCategorical } from "../../src/distributions/index.ts";
import { initialAverage, scoreSurrogate } from "../../src/estimators/index.ts";
import {
  buffer,
  initLinear,
  type LinearParams,
  linear,
  type ModelBuffer,
} from "../../src/nn/index.ts";
import { constant, full, mean } from "../../src/ops/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import { fit } from "../../src/run/index.ts";
import { type HostStepOptions, hostStep, type Method, type Phase } from "../../src/step/index.ts";
import { dim, fillUniform, type Tensor, type Tree, tensorOf } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";

const nothing: Split = makeSplit({
  row: { dtype: "float32", shape: [], data: new Float32Array(1) },
});

const methodOf = (phase: Phase): Method => ({
  name: "black-box",
  phases: [phase],
  weights: (state) => state,
  functions: {},
});

const train = (phase: Phase, { seed = 1, split = nothing, steps = 1 } = {}) =>
  fit({
    ...{ method: methodOf(phase), train: split, batchSize: 32, seed, steps },
    ...{ threads: 1, logEvery: 1 },
  });

const paramsOf = (state: Tree<Tensor>): Record<string, Tensor> =>
  (state as unknown as { params: Record<string, Tensor> }).params;

type Arms = { readonly logits: Value };

/** Softmax policy over arms, from logits 0, by leave-one-out of `samples` pulls a step. */
const bandit = (
  samples: number,
  logits: readonly number[],
  rest: Pick<HostStepOptions<Arms>, "host" | "optimizer" | "iterations">,
): Phase =>
  hostStep<Arms>({
    init: () => ({ logits: constant(tensorOf([...logits], [logits.length])) }),
    draw: (model, _batch, scope) => ({
      z: OneHotCategorical(model).sample(scope.key.at("z"), [samples]),
    }),
    returns: { rewards: { dtype: "float32", shape: [samples] } },
    loss: (model, { drawn, returned }) => {
      const { surrogate } = scoreSurrogate({
        ...{ q: OneHotCategorical(model), z: drawn.z as Value, rewards: returned.rewards as Value },
        baseline: { kind: "leave-one-out" },
      });
      return { loss: surrogate.neg() };
    },
    ...rest,
  });

const armsOf = ({ data, shape }: Tensor): number[] => {
  const [rows = 0, arms = 1] = shape;
  return Array.from({ length: rows }, (_, i) =>
    Array.from(data.subarray(i * arms, (i + 1) * arms), Number).indexOf(1),
  );
};

const softmax = (logits: readonly number[]): number[] => {
  const weights = logits.map(Math.exp);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / total);
};

describe("the gradient", () => {
  const logits = [0.4, -0.3, 0.9];
  const pays = [1, -2, 0.5];
  const p = softmax(logits);

  /** What one step of rate 1 adds to the logits, and the arms it drew. */
  async function step(samples: number): Promise<{ moved: number[]; arms: number[] }> {
    let arms: number[] = [];
    const phase = bandit(samples, logits, {
      host: ({ z }) => {
        arms = armsOf(z!);
        return {
          rewards: tensorOf(
            arms.map((arm) => pays[arm] as number),
            [samples],
          ),
        };
      },
      optimizer: sgd({ learningRate: 1 }),
    });
    const { state } = await train(phase);
    const after = Array.from(paramsOf(state).logits!.data, Number);
    return { moved: after.map((value, k) => value - (logits[k] as number)), arms };
  }

  it("of one step is the mean of (reward − mean of the others) ∇ log q", async () => {
    const { moved, arms } = await step(6);
    const total = arms.reduce((sum, arm) => sum + (pays[arm] as number), 0);
    for (const [k, pk] of p.entries()) {
      const terms = arms.map((arm) => {
        const reward = pays[arm] as number;
        return (reward - (total - reward) / 5) * (Number(arm === k) - pk);
      });
      expect(moved[k]).toBeCloseTo(terms.reduce((a, b) => a + b) / 6, 5);
    }
  });

  it("is that of the expected reward: pₖ(rₖ − Σ p r), within four standard errors", async () => {
    const samples = 40_000;
    const { moved } = await step(samples);
    const expected = p.reduce((sum, pk, k) => sum + pk * (pays[k] as number), 0);
    for (const [k, pk] of p.entries()) {
      const terms = pays.map((pay, a) => (pay - expected) * (Number(a === k) - pk));
      const exact = pk * ((pays[k] as number) - expected);
      const second = p.reduce((sum, pa, a) => sum + pa * (terms[a] as number) ** 2, 0);
      const error = Math.sqrt((second - exact ** 2) / samples);
      expect(Math.abs((moved[k] as number) - exact)).toBeLessThan(4 * error);
    }
  });
});

const pays = [0.2, 0.5, 0.35, 0.8, 0.6];

/** Pays 1 by a coin of the arm's own probability. */
function pull(arm: number, step: number, i: number): number {
  const coin = new Float32Array(1);
  fillUniform(coin, { seed: 9, step, path: `pull ${i}` });
  return (coin[0] as number) < (pays[arm] as number) ? 1 : 0;
}

const noisyBandit = (iterations: number): Phase =>
  bandit(16, [0, 0, 0, 0, 0], {
    host: async ({ z }, { index }) => {
      const rewards = armsOf(z!).map((arm, i) => pull(arm, index, i));
      return { rewards: tensorOf(rewards, [16]) };
    },
    optimizer: adam({ learningRate: 0.1 }),
    iterations,
  });

it("a bandit with noisy pay finds its best arm", { timeout: 20_000 }, async () => {
  const { state, lines } = await train(noisyBandit(200));
  expect(softmax(Array.from(paramsOf(state).logits!.data, Number))[3]).toBeGreaterThan(0.9);
  const loss = lines.flatMap((line) =>
    line.kind === "train" ? [line.metrics.loss as number] : [],
  );
  const late = loss.slice(-50).reduce((a, b) => a + b) / 50;
  expect(-late).toBeGreaterThan(0.74);
});

it("the same seed gives the same bits", async () => {
  const [a, b, c] = [
    await train(noisyBandit(5)),
    await train(noisyBandit(5)),
    await train(noisyBandit(5), { seed: 2 }),
  ];
  expect(paramsOf(a.state)).toEqual(paramsOf(b.state));
  expect(paramsOf(a.state)).not.toEqual(paramsOf(c.state));
});

const B = dim("B");

type Policy = { readonly policy: LinearParams; readonly average: ModelBuffer };

it("learns from a batch of contexts, whose best arm only the host knows", {
  timeout: 20_000,
}, async () => {
  const rows = 256;
  const x = new Float32Array(2 * rows);
  fillUniform(x, { seed: 0, step: 0, path: "contexts" });
  const best = Int32Array.from({ length: rows }, (_, i) => {
    const [a, b] = [x[2 * i] as number, x[2 * i + 1] as number];
    return a > 0.6 ? 0 : b > 0.5 ? 1 : 2;
  });
  const split = makeSplit({
    x: { dtype: "float32", shape: [2], data: x },
    best: { dtype: "int32", shape: [], data: best },
  });
  const q = ({ policy }: Policy, given: Value | undefined) =>
    OneHotCategorical({ logits: linear(policy, given as Value) });
  let latest = 0;
  const phase = hostStep<Policy>({
    batch: { x: { dtype: "float32", shape: [B, 2] } },
    init: (key) => ({ policy: initLinear(key, 2, 3), average: buffer(initialAverage()) }),
    draw: (model, batch, scope) => ({ z: q(model, batch.x).sample(scope.key.at("z"), [1]) }),
    host: ({ z }, { batch }) => {
      const arms = armsOf({ ...z!, shape: [z!.shape[1]!, 3] });
      const rewards = arms.map((arm, i) => Number(arm === batch.best!.data[i]));
      latest = rewards.reduce((a, b) => a + b) / rewards.length;
      return { rewards: tensorOf(rewards, [1, rewards.length]) };
    },
    returns: { rewards: { dtype: "float32", shape: [1, B] } },
    loss: (model, { drawn, returned, batch }, scope) => {
      const { surrogate, average } = scoreSurrogate({
        ...{ q: q(model, batch.x), z: drawn.z as Value, rewards: returned.rewards as Value },
        baseline: { kind: "moving-average", average: model.average.value },
      });
      scope.update(model.average, average as Value);
      return { loss: mean(surrogate).neg() };
    },
    optimizer: adam({ learningRate: 0.1 }),
  });
  await train(phase, { split, steps: 240 });
  expect(latest).toBeGreaterThan(0.8);
});

/** Connected areas of ones in a square image. */
function areas(image: readonly number[], side: number): number {
  const seen = new Set<number>();
  const visit = (i: number): void => {
    if (image[i] !== 1 || seen.has(i)) return;
    seen.add(i);
    if (i % side > 0) visit(i - 1);
    if (i % side < side - 1) visit(i + 1);
    visit(i - side);
    visit(i + side);
  };
  let count = 0;
  for (const i of image.keys()) {
    const before = seen.size;
    visit(i);
    if (seen.size > before) count += 1;
  }
  return count;
}

it("an image of coins learns to fall into many areas", { timeout: 20_000 }, async () => {
  const [side, samples] = [5, 16];
  const coins = ({ logits }: Arms) => Independent(Bernoulli({ logits }));
  const phase = hostStep<Arms>({
    init: () => ({ logits: full([side * side], 0) }),
    draw: (model, _batch, scope) => ({ z: coins(model).sample(scope.key.at("z"), [samples]) }),
    host: ({ z }) => {
      const pixels = Array.from(z!.data as ArrayLike<unknown>, Number);
      const images = Array.from({ length: samples }, (_, i) =>
        pixels.slice(i * side * side, (i + 1) * side * side),
      );
      return {
        rewards: tensorOf(
          images.map((image) => areas(image, side)),
          [samples],
        ),
      };
    },
    returns: { rewards: { dtype: "float32", shape: [samples] } },
    loss: (model, { drawn, returned }) => {
      const { surrogate } = scoreSurrogate({
        ...{ q: coins(model), z: drawn.z as Value, rewards: returned.rewards as Value },
        baseline: { kind: "leave-one-out" },
      });
      return { loss: surrogate.neg() };
    },
    optimizer: adam({ learningRate: 0.1 }),
    iterations: 250,
  });
  const { state } = await train(phase);
  const likeliest = Array.from(paramsOf(state).logits!.data, Number).map((x) => (x > 0 ? 1 : 0));
  // Fair coins have under 5; a chessboard has 13, the most there are.
  expect(areas(likeliest, side)).toBeGreaterThanOrEqual(9);
});

it("says what the host function should have returned", async () => {
  const optimizer = sgd({ learningRate: 1 });
  const few = bandit(4, [0, 0], { host: () => ({ rewards: tensorOf([1], [1]) }), optimizer });
  await expect(train(few)).rejects.toThrow(
    'hostStep: "rewards" of the host function must be float32 [4], got float32 [1].',
  );
  const none = bandit(4, [0, 0], { host: () => ({}), optimizer });
  await expect(train(none)).rejects.toThrow(
    /must return "rewards", float32 \[4\]; it returned nothing/,
  );
});
