import { describe, expect, it } from "vitest";
import { gradientTree } from "../../src/autodiff/index.ts";
import { matmul, mean, sum } from "../../src/ops/index.ts";
import {
  adam,
  adamW,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  clipByValue,
  type Optimizer,
  rmsprop,
  sgd,
} from "../../src/optim/index.ts";
import { type Tensor, type Tree, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, type TracedProgram, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";

const golden = readGolden("trajectory-optimizers");
const meta = readGoldenMeta("trajectory-optimizers") as { quartic: number; steps: number };

const optimizers: Record<string, Optimizer> = {
  sgd: sgd({ learningRate: 0.05 }),
  sgdMomentum: sgd({ learningRate: 0.05, momentum: 0.9 }),
  sgdNesterov: sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  adam: adam({ learningRate: 0.05 }),
  adamW: adamW({ learningRate: 0.05, weightDecay: 0.01 }),
  rmsprop: rmsprop({ learningRate: 0.01 }),
  sgdClipNorm: chain(clipByGlobalNorm(0.5), sgd({ learningRate: 0.05 })),
  sgdClipValue: chain(clipByValue(0.1), sgd({ learningRate: 0.05 })),
};

const read = (name: string): Tensor => {
  const { data, shape } = golden[name]!;
  return tensorOf(data as Float64Array, shape, "float64");
};
const x = read("x");
const y = read("y");

/** Row k of a stored path: the state after k steps. */
function row(name: string, k: number): Tensor {
  const { data, shape } = golden[name]!;
  const size = data.length / shape[0]!;
  const part = (data as Float64Array).slice(k * size, (k + 1) * size);
  return tensorOf(part, shape.slice(1), "float64");
}

type Params<T> = { readonly matrix: T; readonly vector: T };

function lossOf({ matrix, vector }: Params<Value>, inputs: Value, targets: Value): Value {
  const error = matmul(inputs, matrix).add(vector).sub(targets);
  return mean(error.square()).add(sum(matrix.square().square()).mul(meta.quartic));
}

interface Step {
  readonly loss: Tensor;
  readonly params: Params<Tensor>;
  readonly state: Tree<Tensor>;
}

/** Losses and parameters of a training by plain evaluation. */
function train(optimizer: Optimizer, start: Params<Tensor>, steps: number): Step[] {
  const run = (program: unknown, inputs: Tree<Tensor>) =>
    evaluate(program as TracedProgram<Tree<Value>>, inputs) as unknown;
  const init = trace((params) => optimizer.init(params), start);
  let state = run(init, start) as Tree<Tensor>;
  const program = trace(
    (inputs) => {
      const { params, x: u, y: v } = inputs as { params: Params<Value>; x: Value; y: Value };
      const loss = lossOf(params, u, v);
      const gradients = gradientTree(loss, params);
      const next = optimizer.update(gradients, inputs.state as Tree<Value>, params);
      return { loss, params: applyUpdates(params, next.updates), state: next.state };
    },
    { params: start, state: state as unknown, x, y },
  );
  let params = start;
  return Array.from({ length: steps }, () => {
    const done = run(program, { params, state, x, y }) as Step;
    ({ params, state } = done);
    return done;
  });
}

function distance(a: Tensor, b: Tensor): number {
  return Math.max(...Array.from(a.data as Float64Array, (v, i) => Math.abs(v - Number(b.data[i]))));
}

describe.each(Object.keys(optimizers))("%s", (name) => {
  const start = { matrix: row(`${name}.matrix`, 0), vector: row(`${name}.vector`, 0) };

  it("follows PyTorch's trajectory", () => {
    const path = train(optimizers[name]!, start, meta.steps);
    expect(path.length).toBe(10);
    for (const [k, { loss, params }] of path.entries()) {
      expect(Number(loss.data[0])).toBeCloseTo(Number(golden[`${name}.losses`]!.data[k]), 10);
      for (const leaf of ["matrix", "vector"] as const) {
        expect(distance(params[leaf], row(`${name}.${leaf}`, k + 1))).toBeLessThan(1e-10);
      }
    }
  });
});
