import { describe, expect, it } from "vitest";
import {
  assemble,
  type BatchNormParams,
  batchNorm,
  convolution,
  dropout,
  embedding,
  initBatchNorm,
  initConv2d,
  initLinear,
  type LinearParams,
  linear,
  Scope,
  transposedConvolution,
  variablesOf,
} from "../../src/nn/index.ts";
import { dim, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";

const B = dim("B");
const T = dim("T");
const key = new Key("test");

describe("linear", () => {
  const params = { weight: spec("float32", [2, 3]), bias: spec("float32", [3]) };
  const weight = tensorOf([1, 2, 3, 4, 5, 6], [2, 3]);
  const bias = tensorOf([10, 20, 30], [3]);

  it("multiplies the last axis and adds the bias, whatever the leading axes", () => {
    const program = trace(({ p, x }) => linear(p, x), { p: params, x: spec("float32", [B, T, 2]) });
    expect(program.outputs.shape).toEqual([B, T, 3]);
    const x = tensorOf([1, 0, 0, 1, 1, 1], [1, 3, 2]);
    const y = evaluate(program, { p: { weight, bias }, x }) as unknown as Tensor;
    expect([...y.data]).toEqual([11, 22, 33, 14, 25, 36, 15, 27, 39]);
    const bare = trace(({ w, x: u }) => linear({ weight: w }, u), { w: weight, x });
    expect([...(evaluate(bare, { w: weight, x }) as unknown as Tensor).data]).toEqual([
      1, 2, 3, 4, 5, 6, 5, 7, 9,
    ]);
  });

  it("names the shapes and the fix", () => {
    const build = (shape: number[]) =>
      trace(({ x }) => linear(initLinear(key, 784, 400), x), { x: spec("float32", shape) });
    expect(() => build([64, 28, 28])).toThrow(
      "linear: x must be [..., 784], got [64, 28, 28]. Flatten the trailing axes first.",
    );
    expect(() => build([784])).toThrow(/Add a batch axis/);
  });
});

describe("convolutions", () => {
  const golden = readGolden("ops");
  it.each([
    ["conv2dK3S2P1H8W7", convolution, { stride: 2, padding: 1 }],
    ["convTranspose2dK3S2P1O1", transposedConvolution, { stride: 2, padding: 1, outputPadding: 1 }],
  ] as const)("%s", (name, layer, options) => {
    const [x, weight, bias] = ["x", "w", "b"].map((input) => {
      const { data, shape } = golden[`${name}.in.${input}`]!;
      return tensorOf(data as Float32Array, shape);
    }) as [Tensor, Tensor, Tensor];
    const given = { x, p: { weight, bias } };
    const program = trace((inputs) => layer(inputs.p, inputs.x, options), given);
    const y = evaluate(program, given) as unknown as Tensor;
    const want = golden[`${name}.y`]!;
    expect(y.shape).toEqual(want.shape);
    for (const [i, v] of want.data.entries()) expect(y.data[i]).toBeCloseTo(Number(v), 5);
  });
});

it("embedding looks up rows, and wants integers", () => {
  const weight = tensorOf([0, 1, 10, 11, 20, 21], [3, 2]);
  const indices = tensorOf([2, 0, 1, 2], [2, 2], "int32");
  const program = trace(({ w, i }) => embedding({ weight: w }, i), { w: weight, i: indices });
  const y = evaluate(program, { w: weight, i: indices }) as unknown as Tensor;
  expect(y.shape).toEqual([2, 2, 2]);
  expect([...y.data]).toEqual([20, 21, 0, 1, 10, 11, 20, 21]);
  const floats = { w: weight, i: spec("float32", [2]) };
  expect(() => trace(({ w, i }) => embedding({ weight: w }, i), floats)).toThrow(
    /indices must be int32 or int64/,
  );
});

describe("dropout", () => {
  const count = 20_000;
  const rate = 0.3;
  const x = tensorOf(new Float32Array(count).fill(2), [count / 4, 4]);
  const run = (train: boolean, draw = { seed: 1, step: 0 }) => {
    const program = trace((u) => dropout(u, rate, new Scope({ key, train })), x);
    return evaluate(program, x, draw) as unknown as Tensor;
  };

  it("keeps the mean within five standard errors", () => {
    const values = run(true).data as Float32Array;
    const kept = 2 / (1 - rate);
    for (const v of values) expect(v === 0 || Math.abs(v - kept) < 1e-6).toBe(true);
    const mean = values.reduce((s, v) => s + v, 0) / count;
    const error = kept * Math.sqrt((rate * (1 - rate)) / count);
    expect(Math.abs(mean - 2)).toBeLessThan(5 * error);
    expect(run(true, { seed: 1, step: 1 }).data).not.toEqual(values);
  });

  it("is the identity outside of training, and checks its rate", () => {
    trace((u) => {
      expect(dropout(u, rate, new Scope({ key, train: false }))).toBe(u);
      expect(dropout(u, 0, new Scope({ key, train: true }))).toBe(u);
      for (const wrong of [1, -0.1, Number.NaN]) {
        expect(() => dropout(u, wrong, new Scope({ key, train: true }))).toThrow(/rate must be/);
      }
      return u;
    }, x);
  });
});

it("a model splits into parameters and buffers, and comes together again", () => {
  type Block = { readonly conv: { readonly weight: never }; readonly norm: BatchNormParams };
  const program = trace(() => {
    const block = (name: string) => ({
      conv: initConv2d(key.at(name), { inputs: 1, outputs: 2, kernel: 3, bias: false }),
      norm: initBatchNorm(2),
    });
    const out: LinearParams = initLinear(key.at("out"), 2, 2);
    const variables = variablesOf({ blocks: [block("a"), block("b")], out });
    const scope = new Scope({ key, train: true, updates: true });
    const model = assemble<{ blocks: Block[]; out: LinearParams }>(variables);
    expect(model.out).toEqual(out);
    const x = linear(model.out, linear(model.out, out.weight));
    batchNorm(model.blocks[1]!.norm, x, scope.at("b"));
    return { params: variables.params, buffers: scope.nextBuffers(variables.buffers) };
  }, {});
  const { params, buffers } = evaluate(program, {}) as unknown as {
    params: Record<string, Record<string, Record<string, Tensor>>[]>;
    buffers: { blocks: { norm: { mean: Tensor; variance: Tensor } }[] };
  };
  expect(Object.keys(params.blocks![1]!.norm!)).toEqual(["scale", "offset"]);
  expect([...buffers.blocks[0]!.norm.mean.data]).toEqual([0, 0]);
  expect([...buffers.blocks[1]!.norm.mean.data]).not.toEqual([0, 0]);
});
