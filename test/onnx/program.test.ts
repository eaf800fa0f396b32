import { expect, it } from "vitest";
import { gradientTree } from "../../src/autodiff/index.ts";
import { compile, createSession, exportModel, hold } from "../../src/onnx/index.ts";
import { matmul, mean, reshape, sum } from "../../src/ops/index.ts";
import { dim, type Size, spec, type Tensor, tensorOf, zeros } from "../../src/tensor/index.ts";
import { evaluate, Key, normal, trace, type Value } from "../../src/trace/index.ts";

const [B, T, H] = [dim("B"), dim("T"), dim("H")];
const options = { threads: 1, spin: false };

it("moves a held state on, and passes unchanged leaves through", async () => {
  const start = { weight: tensorOf([1, 2], [2]), frozen: tensorOf([5], [1]) };
  const program = await compile(
    ({ state, x }) => {
      const { weight, frozen } = state;
      const loss = mean(x.mul(weight).mul(frozen).square());
      const gradient = gradientTree(loss, weight);
      return { state: { weight: weight.sub(gradient.mul(0.01)), frozen }, loss };
    },
    { state: start, x: spec("float32", [B, 2]) },
    options,
  );
  const x = tensorOf([1, 1, 1, 1], [2, 2]);
  const first = await program.run({ state: hold(start), x });
  const second = await program.run({ state: first.state, x });
  expect(first.state.tensors.get("frozen")).toBe(start.frozen);
  expect(Number(second.loss.data[0])).toBeLessThan(Number(first.loss.data[0]));
  // ∂/∂w of mean((5w)²) is 25·w, a step of 0.01 leaves 0.75·w.
  expect([...(first.state.read(start).weight.data as Float32Array)]).toEqual([0.75, 1.5]);
  await program.release();
});

it("names the leaf of the next state that is missing or has changed its shape", async () => {
  const state = { a: zeros([2]), b: zeros([3]) };
  const broken = (next: (a: Value, b: Value) => Record<string, Value>) =>
    compile(({ state: { a, b } }) => ({ state: next(a, b) }), { state }, options);
  await expect(broken((a) => ({ a }))).rejects.toThrow('the next state lacks "state.b"');
  await expect(broken((a, b) => ({ a: b, b: a.mul(1) }))).rejects.toThrow(
    '"state.a" is float32[2], but float32[3]',
  );
});

it("feeds the host's random numbers by seed and step", async () => {
  const program = await compile(
    ({ x }) => ({ y: x.add(normal(new Key("k"), [B])) }),
    { x: spec("float32", [B]) },
    options,
  );
  const run = async (seed: number, step: number): Promise<number[]> => {
    const { y } = await program.run({ x: zeros([5]) }, { seed, step });
    return [...(y.data as Float32Array)];
  };
  expect(await run(3, 4)).toEqual(await run(3, 4));
  expect(await run(3, 4)).not.toEqual(await run(3, 5));
  await program.release();
});

it("computes sizes in the graph: several free dimensions, sums, products and halves of them", async () => {
  const half = (n: Size): Size => (typeof n === "number" ? n : n);
  const program = await compile(
    ({ x }) => ({
      merged: reshape(x, [-1, 2]),
      turned: reshape(x, [half(T), B, H, 2]),
      total: sum(x, [1, 2]),
    }),
    { x: spec("float32", [B, T, H, 2]) },
    options,
  );
  for (const [b, t, h] of [
    [1, 1, 1],
    [2, 3, 5],
    [7, 1, 4],
  ] as const) {
    const x = tensorOf(
      Array.from({ length: b * t * h * 2 }, (_, i) => i),
      [b, t, h, 2],
    );
    const got = await program.run({ x });
    expect(got.merged.shape).toEqual([b * t * h, 2]);
    expect(got.turned.shape).toEqual([t, b, h, 2]);
    expect(got.total.shape).toEqual([b, 2]);
    const want = evaluate(program.traced, { x }) as unknown as Record<string, Tensor>;
    expect(got.total.data).toEqual(want.total?.data);
  }
  await program.release();
});

it("exports weights under their paths, inputs and outputs under their names, and metadata", async () => {
  const weights = { dense: { weight: tensorOf([1, 2, 3, 4], [2, 2]) } };
  const model = exportModel(
    ({ weights: w, image }) => ({ code: matmul(image, w.dense.weight) }),
    { weights, image: spec("float32", [B, 2]) },
    { name: "encoder", metadata: { method: "linear" } },
  );
  expect(model.inputs).toEqual(["image"]);
  expect(model.outputs).toEqual(["code"]);
  const text = new TextDecoder("latin1").decode(model.bytes);
  for (const name of ["weights.dense.weight", "encoder", "linear"]) expect(text).toContain(name);
  expect(text).not.toContain("com.microsoft");
  const session = await createSession(model.bytes, options);
  const got = await session.run(new Map([["image", tensorOf([1, 0, 0, 1], [2, 2])]]));
  expect(Array.from((got.get("code") as Tensor).data, Number)).toEqual([1, 2, 3, 4]);
  await session.release();
});

it("keeps a program whose outputs are inputs or constants", async () => {
  const program = await compile(
    ({ x }) => ({ x, again: x, two: x.trace.constant(tensorOf([2], [1])) }),
    { x: spec("float32", [B]) },
    options,
  );
  const got = await program.run({ x: tensorOf([4], [1]) });
  expect([got.x, got.again, got.two].map(({ data }) => Number(data[0]))).toEqual([4, 4, 2]);
  await program.release();
});

it("traces without a runtime", () => {
  expect(trace((x: Value) => x.mul(2), spec("float32", [2])).nodes).toHaveLength(3);
});
