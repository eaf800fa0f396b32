import { describe, expect, test } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import {
  averagePool2d,
  globalAveragePool2d,
  globalMaxPool2d,
  leakyRelu,
  maxPool2d,
  type PoolOptions,
  relu,
  reshape,
  sum,
  tanh,
} from "../../src/ops/index.ts";
import { dim, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";
import { B, compareGraph, difference, float32, float64, random, randomInputs } from "./graph.ts";

const pools = { maxPool2d, averagePool2d };
const windows: readonly PoolOptions[] = [
  { size: 2 },
  { size: 3, stride: 2, padding: 1 },
  { size: [2, 3], stride: 1 },
  { size: 2, stride: 3, padding: [0, 1] },
];

function derivatives(y: Value, x: Value): Record<string, Value> {
  const [dx] = gradients(sum(tanh(y)), [x]) as [Value];
  const [ddx] = gradients(sum(dx.square()), [x]) as [Value];
  return { y, dx, ddx };
}

describe.each(["maxPool2d", "averagePool2d"] as const)("%s", (name) => {
  const pool = pools[name];

  test.each(windows)("graph equals plain evaluation, derivatives too: %o", async (options) => {
    for (const shape of [
      [B, 3, 6, 8],
      [B, 2, dim("H"), dim("W")],
    ]) {
      for (const target of ["cpu", "export"] as const) {
        const specs = { x: float32(...shape) };
        const runs = [1, 3, 8].map((n) => randomInputs(specs, { B: n, H: 5, W: 7 }));
        const build = ({ x }: Record<string, Value>) =>
          derivatives(pool(x as Value, options), x as Value);
        const { worst } = await compareGraph(build, specs, target, runs);
        expect(worst.error, `${target} ${worst.output}`).toBeLessThan(1e-5);
      }
    }
  });

  test("runs in float64", async () => {
    const specs = { x: float64(B, 3, 6, 8) };
    const build = ({ x }: Record<string, Value>) =>
      derivatives(pool(x as Value, { size: 2 }), x as Value);
    const { worst } = await compareGraph(build, specs, "cpu", [randomInputs(specs, { B: 2 })]);
    expect(worst.error).toBeLessThan(1e-12);
  });

  test("gradients agree with central differences to second order", () => {
    for (const options of windows) {
      const inputs = [random([2, 2, 5, 6], "x", "float64")];
      const first = (x: Value): Value => sum(tanh(pool(x, options)));
      expect(checkGradient(first, inputs).error).toBeLessThan(1e-7);
      const second = (x: Value): Value => sum((gradients(first(x), [x])[0] as Value).square());
      expect(checkGradient(second, inputs).error).toBeLessThan(1e-6);
    }
  });
});

test("the first of equal maxima gets the derivative, and padding never wins", () => {
  const x = tensorOf([-1, -1, -2, -1], [1, 1, 2, 2]);
  const build = (v: Value) => {
    const y = maxPool2d(v, { size: 2, stride: 2, padding: 1 });
    const tied = maxPool2d(v, { size: 2 });
    return { y, dx: gradients(sum(tied), [v])[0] as Value };
  };
  const { y, dx } = evaluate(trace(build, x), x) as unknown as Record<string, Tensor>;
  expect([...(y as Tensor).data]).toEqual([-1, -1, -2, -1]);
  expect([...(dx as Tensor).data]).toEqual([1, 0, 0, 0]);
});

test.each([
  ["relu", relu],
  ["leakyRelu", (x: Value) => leakyRelu(x, 0.2)],
])("%s after a pool in place of before it: the same values and derivatives", (name, activation) => {
  const x = random([2, 3, 4, 4], "x", "float64");
  const build = (v: Value) => {
    // A reshape hides the activation from the pool.
    const apart = maxPool2d(reshape(activation(v), [1, 6, 4, 4]), { size: 2 });
    const pooled = maxPool2d(activation(v), { size: 2 });
    expect(pooled.node.op.name).toBe(name);
    const ys = [reshape(apart, [2, 3, 2, 2]), pooled];
    return ys.map((y) => ({ y, dx: gradients(sum(y.square()), [v])[0] as Value }));
  };
  const [before, after] = evaluate(trace(build, x), x) as unknown as Record<string, Tensor>[];
  expect(after).toEqual(before);
});

test("the graph breaks ties as the plain evaluation does", async () => {
  const coarse = tensorOf(
    Array.from({ length: 2 * 36 }, (_, i) => (i * 5) % 3),
    [2, 1, 6, 6],
  );
  for (const options of windows) {
    const build = ({ x }: Record<string, Value>) =>
      derivatives(maxPool2d(x as Value, options), x as Value);
    const { worst } = await compareGraph(build, { x: float32(B, 1, 6, 6) }, "cpu", [{ x: coarse }]);
    expect(worst.error, worst.output).toBeLessThan(1e-5);
  }
});

test("global pools reduce height and width", () => {
  const x = tensorOf([1, 2, 3, 4, -5, -6, -7, -8], [1, 2, 2, 2]);
  const build = (v: Value) => ({ mean: globalAveragePool2d(v), max: globalMaxPool2d(v) });
  const got = evaluate(trace(build, x), x) as unknown as Record<string, Tensor>;
  expect([...(got.mean as Tensor).data]).toEqual([2.5, -6.5]);
  expect([...(got.max as Tensor).data]).toEqual([4, -5]);
});

test("windows that do not fit are refused", () => {
  const build = (options: PoolOptions) => () =>
    trace((x: Value) => maxPool2d(x, options), float32(1, 1, 3, 3));
  expect(build({ size: 4 })).toThrow("does not fit");
  expect(build({ size: 2, padding: 2 })).toThrow("more than half");
  expect(build({ size: 0 })).toThrow("at least 1");
});

test("values and gradients are PyTorch's", () => {
  const golden = readGolden("ops");
  const names: Record<string, keyof typeof pools> = {
    maxPool2d: "maxPool2d",
    avgPool2d: "averagePool2d",
  };
  const known = readGoldenMeta("ops").cases as unknown as Record<
    string,
    { op: string; options: { kernel: number; stride: number; padding: number } }
  >;
  const chosen = Object.entries(known).filter(([, { op }]) => op in names);
  expect(chosen.length).toBe(3);
  for (const [name, { op, options }] of chosen) {
    const { kernel, stride, padding } = options;
    const inputs = { x: golden[`${name}.in.x`] as Tensor, r: golden[`${name}.r`] as Tensor };
    const build = ({ x, r }: { x: Value; r: Value }) => {
      const y = pools[names[op] as "maxPool2d"](x, { size: kernel, stride, padding });
      return { y, "grad.x": gradients(sum(y.mul(r)), [x])[0] as Value };
    };
    const results = evaluate(trace(build, inputs), inputs) as unknown as Record<string, Tensor>;
    for (const [key, got] of Object.entries(results)) {
      expect(difference(got, golden[`${name}.${key}`] as Tensor), `${name}.${key}`).toBeLessThan(
        1e-6,
      );
    }
  }
});
