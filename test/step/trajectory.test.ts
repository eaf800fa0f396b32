// Twenty steps of training against PyTorch from the same weights and batches.
import { describe, expect, it } from "vitest";
import {
  assemble,
  batchNorm,
  buffer,
  convolution,
  linear,
  type Model,
  type Scope,
  type Variables,
  variablesOf,
} from "../../src/nn/index.ts";
import { compile, hold } from "../../src/onnx/index.ts";
import {
  constant,
  flatten,
  leakyRelu,
  logSoftmax,
  mean,
  oneHot,
  relu,
  sum,
} from "../../src/ops/index.ts";
import { adam } from "../../src/optim/index.ts";
import { gradientStep, initialState, phaseProgram } from "../../src/step/index.ts";
import { leafMap, spec, type Tensor, type Tree, tensor } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";
import { type GoldenArray, readGolden } from "../golden/read.ts";

type Golden = Record<string, GoldenArray>;

const initial = (golden: Golden, name: string): Value => {
  const { data, shape } = golden[`initial.${name}`] as GoldenArray;
  return constant(tensor(data as Float32Array<ArrayBuffer>, shape));
};

const crossEntropy = (logits: Value, labels: Value, classes: number): Value =>
  mean(sum(logSoftmax(logits).mul(oneHot(labels, classes)), -1)).neg();

/** Trains on the golden batches; returns losses and final leaves by path. */
async function follow<M extends Model>(
  golden: Golden,
  init: () => M,
  forward: (model: M, x: Value, scope: Scope) => Value,
  classes: number,
  learningRate: number,
): Promise<{ losses: number[]; final: Map<string, Tensor> }> {
  const [x, labels] = [golden.x as GoldenArray, golden.labels as GoldenArray];
  const [steps, batch, ...sample] = x.shape as [number, number, ...number[]];
  const phase = gradientStep<M>({
    batch: { x: spec("float32", [batch, ...sample]), label: spec("int32", [batch]) },
    init,
    loss: (model, columns, scope) => ({
      loss: crossEntropy(
        forward(model, columns.x as Value, scope),
        columns.label as Value,
        classes,
      ),
    }),
    optimizer: adam({ learningRate }),
  });
  const start = initialState(phase, 0);
  const { build, example } = phaseProgram(phase, "step", start);
  const program = await compile(build as never, example, { threads: 2, spin: false });
  const losses: number[] = [];
  let state = hold(start);
  for (let step = 0; step < steps; step++) {
    const rows = (from: GoldenArray, size: number) =>
      from.data.slice(step * size, (step + 1) * size) as Float32Array<ArrayBuffer>;
    const size = sample.reduce((n, d) => n * d, batch);
    const result = (await program.run({
      state,
      batch: {
        x: tensor(rows(x, size), [batch, ...sample]),
        label: tensor(rows(labels, batch), [batch]),
      },
    })) as unknown as { state: typeof state; metrics: { loss: Tensor } };
    state = result.state;
    losses.push(Number(result.metrics.loss.data[0]));
  }
  await program.release();
  return { losses, final: leafMap(state.read(start) as Tree<Tensor>) };
}

function compareLosses(losses: readonly number[], golden: Golden): void {
  const want = golden.losses?.data as Float64Array;
  expect(losses).toHaveLength(20);
  for (const [i, loss] of losses.entries()) {
    expect(Math.abs(loss - (want[i] as number)) / (want[i] as number), `step ${i}`).toBeLessThan(
      1e-4,
    );
  }
}

function compareFinal(
  final: Map<string, Tensor>,
  golden: Golden,
  names: Readonly<Record<string, string>>,
): void {
  for (const [path, name] of Object.entries(names)) {
    const want = golden[`final.${name}`] as GoldenArray;
    const got = final.get(path) as Tensor;
    expect(got.shape, name).toEqual(want.shape);
    for (const [i, v] of want.data.entries()) {
      expect(Math.abs(Number(got.data[i]) - Number(v)), `${name}[${i}]`).toBeLessThan(2e-5);
    }
  }
}

describe("twenty steps of Adam agree with PyTorch", () => {
  it("multilayer perceptron", async () => {
    const golden = readGolden("trajectory-mlp");
    const layer = (name: string) => ({
      weight: initial(golden, `${name}.weight`),
      bias: initial(golden, `${name}.bias`),
    });
    const { losses, final } = await follow(
      golden,
      () => ({ hidden: layer("hidden"), out: layer("out") }),
      (model, x) => linear(model.out, relu(linear(model.hidden, x))),
      10,
      1e-3,
    );
    compareLosses(losses, golden);
    compareFinal(final, golden, {
      "params.hidden.weight": "hidden.weight",
      "params.out.bias": "out.bias",
    });
  });

  it("convolutions with batch norm", async () => {
    const golden = readGolden("trajectory-cnn");
    const norm = (name: string) => ({
      scale: initial(golden, `${name}.weight`),
      offset: initial(golden, `${name}.bias`),
      mean: buffer(initial(golden, `${name}.runningMean`)),
      variance: buffer(initial(golden, `${name}.runningVar`)),
    });
    const { losses, final } = await follow(
      golden,
      () => ({
        conv1: { weight: initial(golden, "conv1.weight") },
        norm1: norm("norm1"),
        conv2: { weight: initial(golden, "conv2.weight") },
        norm2: norm("norm2"),
        out: { weight: initial(golden, "out.weight"), bias: initial(golden, "out.bias") },
      }),
      (model, x, scope) => {
        const first = relu(
          batchNorm(model.norm1, convolution(model.conv1, x, { padding: 1 }), scope),
        );
        const second = convolution(model.conv2, first, { stride: 2, padding: 1 });
        return linear(model.out, flatten(leakyRelu(batchNorm(model.norm2, second, scope), 0.2)));
      },
      5,
      1e-2,
    );
    compareLosses(losses, golden);
    compareFinal(final, golden, {
      "params.conv2.weight": "conv2.weight",
      "params.norm1.scale": "norm1.weight",
      "buffers.norm1.mean": "norm1.runningMean",
      "buffers.norm2.variance": "norm2.runningVar",
    });
  });
});

it("a model's state and the model are each other's inverse", async () => {
  const program = await compile(
    () => {
      const model = { list: [{ w: constant(1), s: buffer(constant(2)) }, { w: constant(3) }] };
      const again = assemble<typeof model>(variablesOf(model) as Variables);
      expect(again.list[0]?.s).toMatchObject({ path: "list.0.s" });
      return { sum: again.list.reduce((n, { w }) => n.add(w), constant(0)) };
    },
    {},
    { threads: 1, spin: false },
  );
  expect(Number((await program.run({})).sum.data[0])).toBe(4);
});
