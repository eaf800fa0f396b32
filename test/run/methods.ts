// Three small methods that use the interface of phases in three ways, and their data.

import { gradientTree } from "../../src/autodiff/index.ts";
import { makeSplit, type Split } from "../../src/data/index.ts";
import {
  constant,
  exp,
  log,
  matmul,
  mean,
  mul,
  reshape,
  sigmoid,
  sum,
} from "../../src/ops/index.ts";
import { sgd } from "../../src/optim/index.ts";
import {
  type Batch,
  gradientStep,
  type Method,
  type Metrics,
  scalarMetrics,
} from "../../src/step/index.ts";
import { dim, fillNormal, scalar, type Tensor, type Tree } from "../../src/tensor/index.ts";
import { normal, type Value } from "../../src/trace/index.ts";

const B = dim("B");

/** Rows x ~ N(0, 1)³ with y = x·(1, −2, ½) + 0.1·noise, and u from two normals around −2 and 3. */
export function toySplit(length: number, seed = 0): Split {
  const draw = (count: number, path: string): Float32Array<ArrayBuffer> => {
    const data = new Float32Array(count);
    fillNormal(data, { seed, step: 0, path });
    return data;
  };
  const x = draw(3 * length, "x");
  const noise = draw(length, "noise");
  const at = (i: number): number => x[i] as number;
  const y = noise.map((e, i) => at(3 * i) - 2 * at(3 * i + 1) + 0.5 * at(3 * i + 2) + 0.1 * e);
  const u = draw(length, "u").map((e, i) => e + (i % 3 === 0 ? -2 : 3));
  return makeSplit({
    x: { dtype: "float32", shape: [3], data: x },
    y: { dtype: "float32", shape: [], data: y },
    u: { dtype: "float32", shape: [], data: u },
  });
}

const xy = {
  x: { dtype: "float32", shape: [B, 3] },
  y: { dtype: "float32", shape: [B] },
} as const;

type Linear = { readonly weight: Value };

const predict = ({ weight }: Linear, x: Value): Value => reshape(matmul(x, weight), [-1]);

/** Linear regression; a little noise in the loss makes it depend on the random numbers of each step. */
export function regression(learningRate = 0.05): Method {
  return {
    name: "regression",
    phases: [
      gradientStep({
        batch: xy,
        init: (key): Linear => ({ weight: normal(key, [3, 1]) }),
        loss: (model, { x, y }, scope) => {
          const jitter = normal(scope.key.at("jitter"), (y as Value).shape).mul(0.1);
          const error = predict(model, x as Value).sub((y as Value).add(jitter));
          return { loss: mean(error.mul(error)), bias: mean(error) };
        },
        optimizer: sgd({ learningRate }),
      }),
    ],
    weights: (state) => (state as { params: Tree<Value> }).params,
    functions: {
      evaluate: {
        summary: "squared error of each row",
        inputs: xy,
        exported: false,
        build: (weights, { x, y }) => {
          const error = predict(weights as unknown as Linear, x as Value).sub(y as Value);
          return { squaredError: error.mul(error) };
        },
      },
      encode: {
        summary: "prediction, shifted by a knob and a draw",
        inputs: {
          x: xy.x,
          shift: { dtype: "float32", shape: [], default: 0.5 },
          noise: { dtype: "float32", shape: [B], noise: "normal" },
        },
        exported: true,
        build: (weights, { x, shift, noise }) => {
          const clean = predict(weights as unknown as Linear, x as Value);
          return { latent: clean.add(shift as Value).add((noise as Value).mul(0.1)) };
        },
      },
    },
  };
}

type MixtureState = Readonly<
  Record<"means" | "weights" | "counts" | "sums" | "logLikelihood", Value>
>;

/**
 * Expectation maximisation for a mixture of two normals of variance 1: one program adds up the statistics
 * of a batch, another makes the next parameters of them; it stops by itself.
 */
export function mixture(): Method {
  const zero = (): Value => constant({ dtype: "float32", shape: [2], data: new Float32Array(2) });
  return {
    name: "mixture",
    phases: [
      {
        name: "em",
        init: (): Tree<Value> => ({
          means: constant({ dtype: "float32", shape: [2], data: Float32Array.of(-0.5, 0.5) }),
          weights: constant({ dtype: "float32", shape: [2], data: Float32Array.of(0.5, 0.5) }),
          counts: zero(),
          sums: zero(),
          logLikelihood: constant(0),
        }),
        programs: {
          accumulate: {
            inputs: { batch: { u: { dtype: "float32", shape: [B] } } },
            build: ({ state, batch }) => {
              const s = state as unknown as MixtureState;
              const u = reshape((batch as { u: Value }).u, [-1, 1]);
              const distance = u.sub(s.means);
              const joint = mul(exp(distance.mul(distance).mul(-0.5)), s.weights); // [B, 2]
              const evidence = sum(joint, 1, { keepDims: true });
              const responsibilities = joint.div(evidence);
              return {
                state: {
                  ...s,
                  counts: s.counts.add(sum(responsibilities, 0)),
                  sums: s.sums.add(sum(responsibilities.mul(u), 0)),
                  logLikelihood: s.logLikelihood.add(sum(log(evidence))),
                },
              };
            },
          },
          update: {
            inputs: {},
            build: ({ state }) => {
              const s = state as unknown as MixtureState;
              const total = sum(s.counts);
              return {
                state: {
                  means: s.sums.div(s.counts),
                  weights: s.counts.div(total),
                  counts: s.counts.mul(0),
                  sums: s.sums.mul(0),
                  logLikelihood: s.logLikelihood.mul(0),
                },
                metrics: {
                  loss: s.logLikelihood.div(total).neg(),
                  spread: sum(s.sums.mul(s.sums)),
                },
              };
            },
          },
        },
        iterate: async (iteration): Promise<Metrics> => {
          for (const batch of iteration.epoch()) await iteration.run("accumulate", { batch });
          const { metrics } = await iteration.run("update", {});
          return scalarMetrics(metrics as Tree<Tensor>);
        },
        done: (history) => {
          const [before, now] = history.slice(-2).map(({ loss }) => loss as number);
          return now !== undefined && Math.abs((before as number) - now) < 1e-6;
        },
        iterations: 60,
      },
    ],
    weights: (state) => state,
    functions: {},
  };
}

type Players = { readonly shift: Value; readonly score: Value };

/**
 * Two players: a generator shifts noise towards y, a logistic discriminator tells the two apart, with two
 * batches for one of the generator's, and a penalty on its weight every fourth time. A first phase fits
 * the discriminator alone; the second takes its state over.
 */
export function players(): Method {
  const rate = 0.05;
  const y = { batch: { y: { dtype: "float32", shape: [B] } } } as const;
  const logits = (score: Value, v: Value): Value => v.mul(score);
  const fake = (shift: Value, like: Value, key: Parameters<typeof normal>[0]): Value =>
    normal(key, like.shape).add(shift);
  const descend = (loss: Value, state: Players, name: keyof Players): Tree<Value> => {
    const gradient = gradientTree(loss, state[name]) as Value;
    return { ...state, [name]: state[name].sub(gradient.mul(rate)) };
  };
  const discriminator = {
    inputs: y,
    build: ({ state, batch }, scope) => {
      const s = state as unknown as Players;
      const real = (batch as { y: Value }).y;
      const drawn = fake(s.shift, real, scope.key.at("fake"));
      const loss = mean(log(sigmoid(logits(s.score, real))))
        .add(mean(log(sigmoid(logits(s.score, drawn).neg()))))
        .neg();
      return { state: descend(loss, s, "score"), metrics: { discriminator: loss } };
    },
  } satisfies Method["phases"][number]["programs"][string];
  const generator = {
    inputs: y,
    build: ({ state, batch }, scope) => {
      const s = state as unknown as Players;
      const drawn = fake(s.shift, (batch as { y: Value }).y, scope.key.at("fake"));
      const loss = mean(log(sigmoid(logits(s.score, drawn)))).neg();
      return { state: descend(loss, s, "shift"), metrics: { generator: loss } };
    },
  } satisfies Method["phases"][number]["programs"][string];
  const penalty = {
    inputs: { strength: { dtype: "float32", shape: [] } },
    build: ({ state, strength }) => {
      const s = state as unknown as Players;
      const loss = s.score.mul(s.score).mul(strength as Value);
      return { state: descend(loss, s, "score"), metrics: { penalty: loss } };
    },
  } satisfies Method["phases"][number]["programs"][string];
  const metricsOf = (outputs: Record<string, Tree<Tensor>>): Metrics =>
    scalarMetrics(outputs.metrics as Tree<Tensor>);
  return {
    name: "players",
    phases: [
      {
        name: "warmup",
        init: (key) => ({ shift: normal(key.at("shift"), []), score: constant(0.1) }),
        programs: { discriminator },
        iterations: 6,
      },
      {
        name: "game",
        init: (_key, previous) => previous as Tree<Value>,
        programs: { discriminator, generator, penalty },
        iterate: async (iteration) => {
          const batches: Batch[] = [iteration.next(), iteration.next()];
          let metrics: Metrics = {};
          for (const batch of batches) {
            metrics = metricsOf(await iteration.run("discriminator", { batch }));
          }
          if (iteration.index % 4 === 0) {
            const strength = scalar(0.5);
            metrics = { ...metrics, ...metricsOf(await iteration.run("penalty", { strength })) };
          }
          const last = await iteration.run("generator", { batch: batches[1] as Batch });
          return { ...metrics, ...metricsOf(last) };
        },
      },
    ],
    weights: (state) => state,
    functions: {},
  };
}
