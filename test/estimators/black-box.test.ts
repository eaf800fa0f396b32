// Rewards that exist only as functions on the host: one program draws, the host looks, another program has the
// surrogate.
import { expect, it } from "vitest";
import { gradientTree } from "../../src/autodiff/index.ts";
import {
  Bernoulli,
  type Distribution,
  Independent,
  OneHotCategorical,
} from "../../src/distributions/index.ts";
import { scoreSurrogate } from "../../src/estimators/index.ts";
import { full } from "../../src/ops/index.ts";
import { adam, applyUpdates } from "../../src/optim/index.ts";
import { fit } from "../../src/run/index.ts";
import { type Method, scalarMetrics } from "../../src/step/index.ts";
import { fillUniform, type Tensor, type Tree, tensorOf } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";
import { toySplit } from "../run/methods.ts";

interface BlackBox {
  readonly logits: readonly number[];
  readonly q: (logits: Value) => Distribution;
  /** Of one sample, its numbers in a row. */
  readonly reward: (z: readonly number[], iteration: number, index: number) => number;
  readonly iterations: number;
}

const samples = 16;

/** Maximizes the mean of a host function of samples by the score function with leave-one-out. */
function blackBox({ logits: shape, q, reward, iterations }: BlackBox): Method {
  const optimizer = adam({ learningRate: 0.1 });
  const z = { dtype: "float32", shape: [samples, ...shape] } as const;
  const size = shape.reduce((a, b) => a * b);
  return {
    name: "black-box",
    phases: [
      {
        name: "search",
        init: (): Tree<Value> => {
          const logits = full(shape, 0);
          return { logits, optimizer: optimizer.init({ logits }) };
        },
        programs: {
          draw: {
            inputs: {},
            build: ({ state }, scope) => {
              const { logits } = state as { logits: Value };
              return { state, z: q(logits).sample(scope.key.at("z"), [samples]) };
            },
          },
          update: {
            inputs: { z, rewards: { dtype: "float32", shape: [samples] } },
            build: ({ state, z: drawn, rewards }) => {
              const before = state as { logits: Value; optimizer: Tree<Value> };
              const { surrogate } = scoreSurrogate({
                ...{ q: q(before.logits), z: drawn as Value, rewards: rewards as Value },
                baseline: { kind: "leave-one-out" },
              });
              const params = { logits: before.logits };
              const gradient = gradientTree(surrogate.neg(), params);
              const step = optimizer.update(gradient, before.optimizer, params);
              return {
                state: { ...applyUpdates(params, step.updates), optimizer: step.state },
                metrics: { reward: surrogate },
              };
            },
          },
        },
        iterate: async (iteration) => {
          const drawn = (await iteration.run("draw", {})).z as Tensor;
          const rewards = Array.from({ length: samples }, (_, i) =>
            reward(
              Array.from(drawn.data.slice(i * size, (i + 1) * size), Number),
              iteration.index,
              i,
            ),
          );
          const given = { z: drawn, rewards: tensorOf(rewards, [samples]) };
          const { metrics } = await iteration.run("update", given);
          return scalarMetrics(metrics as Tree<Tensor>);
        },
        iterations,
      },
    ],
    weights: (state) => state,
    functions: {},
  };
}

const train = (method: Method) =>
  fit({ method, train: toySplit(8), batchSize: 4, seed: 1, steps: 1, threads: 1, logEvery: 1 });

const logitsOf = (state: Tree<Tensor>): number[] =>
  Array.from((state as { logits: Tensor }).logits.data, Number);

it("a bandit finds its best arm", { timeout: 20_000 }, async () => {
  const pays = [0.2, 0.5, 0.35, 0.8, 0.6];
  const coin = new Float32Array(1);
  const { state } = await train(
    blackBox({
      logits: [5],
      q: (logits) => OneHotCategorical({ logits }),
      // Pays 1 with the arm's probability, by a coin of this pull's own.
      reward: (z, step, index) => {
        fillUniform(coin, { seed: 9, step, path: `pull ${index}` });
        return (coin[0] as number) < (pays[z.indexOf(1)] as number) ? 1 : 0;
      },
      iterations: 200,
    }),
  );
  const logits = logitsOf(state);
  const total = logits.reduce((s, x) => s + Math.exp(x), 0);
  expect(Math.exp(logits[3] as number) / total).toBeGreaterThan(0.9);
});

/** Connected areas of ones in a square image, by their sides. */
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

it("an image of coins learns to have many areas, which has no gradient", async () => {
  const side = 5;
  const { state, lines } = await train(
    blackBox({
      logits: [side * side],
      q: (logits) => Independent(Bernoulli({ logits })),
      reward: (z) => areas(z, side),
      iterations: 250,
    }),
  );
  const rewards = lines.flatMap((line) => (line.kind === "train" ? [line.metrics.reward!] : []));
  // Of fair coins it is under 5; a chessboard has 13, the most there are.
  expect(rewards[0]).toBeLessThan(6);
  const likeliest = logitsOf(state).map((x) => (x > 0 ? 1 : 0));
  expect(areas(likeliest, side)).toBeGreaterThanOrEqual(9);
});
