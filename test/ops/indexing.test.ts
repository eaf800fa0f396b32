import { describe, expect, test } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import { gather, oneHot, sum, takeAlongAxis, tanh } from "../../src/ops/index.ts";
import { type DType, dim, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";
import { B, compareGraph, difference, float32, random } from "./graph.ts";

/** Repeated, negative and boundary indices below `rows`. */
const indicesOf = (shape: readonly number[], rows: number, dtype: DType): Tensor => {
  const count = shape.reduce((n, d) => n * d, 1);
  const values = Array.from(
    { length: count },
    (_, i) => ((i * 7) % rows) - (i % 3 === 2 ? rows : 0),
  );
  return tensorOf(values, shape, dtype);
};

function derivatives(y: Value, x: Value): Record<string, Value> {
  const [dx] = gradients(sum(tanh(y)), [x]) as [Value];
  const [ddx] = gradients(sum(dx.square()), [x]) as [Value];
  return { y, dx, ddx };
}

const dtypes = [
  ["float32", "int32"],
  ["float32", "int64"],
  ["float64", "int64"],
  ["float64", "int32"],
] as const;

describe.each(dtypes)("%s by %s indices", (dtype, indexType) => {
  const accuracy = dtype === "float32" ? 1e-5 : 1e-12;

  test.each([
    { rows: 5, shape: [5, 4], axis: 0 },
    { rows: 150, shape: [150, 3], axis: 0 },
    { rows: 6, shape: [2, 6, 3], axis: 1 },
    { rows: 4, shape: [3, 4], axis: -1 },
  ])("gather: graph equals plain evaluation, $shape along $axis", async ({ rows, shape, axis }) => {
    const specs = { x: spec(dtype, shape), i: spec(indexType, [B, 3]) };
    const runs = [1, 3, 8].map((n) => ({
      x: random(shape, "x", dtype),
      i: indicesOf([n, 3], rows, indexType),
    }));
    const build = ({ x, i }: Record<string, Value>) =>
      derivatives(gather(x as Value, i as Value, axis), x as Value);
    for (const target of ["cpu", "export"] as const) {
      const { worst } = await compareGraph(build, specs, target, runs);
      expect(worst.error, `${target} ${worst.output}`).toBeLessThan(accuracy);
    }
  });

  test("takeAlongAxis and oneHot: graph equals plain evaluation", async () => {
    const specs = { x: spec(dtype, [B, 5, 2]), i: spec(indexType, [B, 7, 2]) };
    const runs = [1, 3].map((n) => ({
      x: random([n, 5, 2], "x", dtype),
      i: indicesOf([n, 7, 2], 5, indexType),
    }));
    const build = ({ x, i }: Record<string, Value>) => ({
      ...derivatives(takeAlongAxis(x as Value, i as Value, 1), x as Value),
      hot: oneHot(i as Value, 4, dtype),
      count: oneHot(i as Value, 5, "int64"),
    });
    for (const target of ["cpu", "export"] as const) {
      const { worst } = await compareGraph(build, specs, target, runs);
      expect(worst.error, `${target} ${worst.output}`).toBeLessThan(accuracy);
    }
  });
});

test("free sizes of the looked-up axis scatter", async () => {
  const specs = { x: float32(dim("N"), 3), i: spec("int64", [B]) };
  const runs = [4, 9].map((n) => ({ x: random([n, 3], "x"), i: indicesOf([5], n, "int64") }));
  const build = ({ x, i }: Record<string, Value>) =>
    derivatives(gather(x as Value, i as Value), x as Value);
  const { worst } = await compareGraph(build, specs, "cpu", runs);
  expect(worst.error).toBeLessThan(1e-5);
});

test("gradients agree with central differences to second order", () => {
  const lookups = [
    (x: Value, i: Value): Value => gather(x, i, 1),
    (x: Value, i: Value): Value => takeAlongAxis(x, i, 1),
  ];
  for (const lookup of lookups) {
    const inputs = [random([2, 4], "x", "float64"), indicesOf([2, 5], 4, "int64")];
    const first = (x: Value, i: Value): Value => sum(tanh(lookup(x, i)));
    expect(checkGradient(first, inputs).error).toBeLessThan(1e-7);
    const second = (x: Value, i: Value): Value =>
      sum((gradients(first(x, i), [x])[0] as Value).square());
    expect(checkGradient(second, inputs).error).toBeLessThan(1e-6);
  }
});

test("lookups keep the order of axes, and indices outside are an error", () => {
  const x = tensorOf([0, 1, 2, 3, 4, 5], [3, 2]);
  const look = (indices: number[], shape: number[], axis: number): Tensor => {
    const inputs = { x, i: tensorOf(indices, shape, "int32") };
    return evaluate(
      trace((v: { x: Value; i: Value }) => gather(v.x, v.i, axis), inputs),
      inputs,
    ) as unknown as Tensor;
  };
  expect([...look([2, -3], [2], 0).data]).toEqual([4, 5, 0, 1]);
  expect(look([1, 0, 1], [1, 3], 1).shape).toEqual([3, 1, 3]);
  expect([...look([1], [], 1).data]).toEqual([1, 3, 5]);
  expect(() => look([3], [1], 0)).toThrow("index 3 is outside of an axis of 3");
  expect(() => trace((v: Value) => gather(v, v), x)).toThrow("int32 or int64");
});

test("an embedding's values and gradient are PyTorch's", () => {
  const golden = readGolden("ops");
  const read = (key: string): Tensor => golden[`embedding.${key}`] as Tensor;
  const inputs = { w: read("in.weight"), i: read("in.indices"), r: read("r") };
  const build = ({ w, i, r }: { w: Value; i: Value; r: Value }) => {
    const y = gather(w, i);
    return { y, "grad.weight": gradients(sum(y.mul(r)), [w])[0] as Value };
  };
  const results = evaluate(trace(build, inputs), inputs) as unknown as Record<string, Tensor>;
  for (const [key, got] of Object.entries(results))
    expect(difference(got, read(key)), key).toBeLessThan(1e-6);
});
