import { describe, expect, it } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import {
  assemble,
  initializers,
  initSpectralNorm,
  Scope,
  type SpectralNormParams,
  spectralNorm,
  type Variables,
} from "../../src/nn/index.ts";
import { matmul, reshape, sum } from "../../src/ops/index.ts";
import { type Tensor, type Tree, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";
import { difference, random } from "../ops/graph.ts";

const key = new Key("test");
const golden = readGolden("layers");

describe.each([
  ["spectralConv", 0],
  ["spectralTransposed", 1],
] as const)("%s", (name, axis) => {
  const stored = (entry: string): Tensor => {
    const { data, shape } = golden[`${name}.${entry}`]!;
    return tensorOf(data as Float32Array, shape, "float64");
  };
  const program = (train: boolean, weight: Tensor) =>
    trace(
      ({ w, r, buffers }) => {
        const scope = new Scope({ key, train, updates: true });
        const params = assemble<SpectralNormParams>({ params: {}, buffers } as Variables);
        const y = spectralNorm(params, w, scope, { axis });
        // A further pass reads only, and sees the same weight.
        expect(spectralNorm(params, w, scope.reading("again"), { axis })).toBe(y);
        const [dw] = gradients(sum(y.mul(r)), [w]);
        return { y, dw: dw!, buffers: scope.nextBuffers(buffers) };
      },
      { w: weight, r: weight, buffers: { left: stored("u"), right: stored("v") } },
    );

  it("follows PyTorch over three steps of training, and in evaluation", () => {
    let w = stored("weight");
    let buffers = { left: stored("u"), right: stored("v") };
    for (let step = 0; step < 3; step++) {
      const result = evaluate(program(true, w), { w, r: stored("r"), buffers }) as unknown as {
        y: Tensor;
        dw: Tensor;
        buffers: typeof buffers;
      };
      expect(difference(result.y, stored(`${step}.y`))).toBeLessThan(1e-6);
      buffers = result.buffers;
      expect(difference(buffers.left, stored(`${step}.u`))).toBeLessThan(1e-6);
      expect(difference(buffers.right, stored(`${step}.v`))).toBeLessThan(1e-6);
      const { dw } = result;
      w = {
        ...w,
        data: Float64Array.from(w.data as Float64Array, (v, i) => v - 0.5 * Number(dw.data[i])),
      };
    }
    expect(difference(w, stored("final.weight"))).toBeLessThan(1e-6);
    const final = evaluate(program(false, w), { w, r: stored("r"), buffers });
    expect(difference((final as unknown as { y: Tensor }).y, stored("final.y"))).toBeLessThan(1e-6);
    expect((final as unknown as { buffers: Tree<Tensor> }).buffers).toEqual(buffers);
  });
});

it("gives a weight of norm one after enough iterations, and second derivatives", () => {
  const w = random([6, 4], "w", "float64");
  const build = (weight: Value) => {
    const params = initSpectralNorm(key, weight, { iterations: 60 });
    return spectralNorm(params, weight, new Scope({ key, train: false }));
  };
  const y = evaluate(trace(build, w), w) as unknown as Tensor;
  // The largest eigenvalue of yᵀy by more iterations on the host.
  let v = [1, 0.3, -0.2, 0.5];
  let length = 0;
  for (let i = 0; i < 300; i++) {
    const u = Array.from({ length: 6 }, (_, r) =>
      v.reduce((s, x, c) => s + x * Number(y.data[r * 4 + c]), 0),
    );
    v = v.map((_, c) => u.reduce((s, x, r) => s + x * Number(y.data[r * 4 + c]), 0));
    length = Math.hypot(...v);
    v = v.map((x) => x / length);
  }
  expect(length).toBeCloseTo(1, 6);
  const vectors = [random([4], "left", "float64"), random([6], "right", "float64")] as const;
  const penalty = (weight: Value, x: Value, left: Value, right: Value) => {
    const model = assemble<SpectralNormParams>({ params: {}, buffers: { left, right } });
    const scope = new Scope({ key, train: false });
    const out = matmul(reshape(x, [1, 6]), spectralNorm(model, weight, scope));
    const [dx] = gradients(sum(out.mul(out)), [x]);
    return sum(dx!.mul(dx!));
  };
  const fixed = (x: Value, left: Value) => penalty(x, left, ...constants(x, vectors));
  expect(checkGradient(fixed, [w, random([6], "x", "float64")]).error).toBeLessThan(1e-7);
});

const constants = (like: Value, [left, right]: readonly [Tensor, Tensor]): [Value, Value] => [
  like.trace.constant(left),
  like.trace.constant(right),
];

describe("orthogonal", () => {
  const draw = (shape: number[], dtype: "float32" | "float64") => {
    const make =
      dtype === "float64"
        ? initializers.float64(initializers.orthogonal(2))
        : initializers.orthogonal(2);
    return evaluate(
      trace(() => make(key, shape, { fanIn: 1, fanOut: 1 }), {}),
      {},
    ) as unknown as Tensor;
  };
  it.each([[[3, 7]], [[7, 3]], [[4, 2, 3, 3]]])(
    "%j has orthogonal rows or columns of length 2",
    (shape) => {
      const { data, dtype } = draw(shape, "float64");
      expect(dtype).toBe("float64");
      const rows = shape[0]!;
      const columns = data.length / rows;
      const [n, m] = rows <= columns ? [rows, columns] : [columns, rows];
      const at = (i: number, k: number) =>
        Number(data[rows <= columns ? i * columns + k : k * columns + i]);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          let product = 0;
          for (let k = 0; k < m; k++) product += at(i, k) * at(j, k);
          expect(product).toBeCloseTo(i === j ? 4 : 0, 10);
        }
      }
    },
  );

  it("initializers draw in float64 when told", () => {
    const { float64, heNormal, truncatedNormal, constant } = initializers;
    for (const made of [float64(heNormal), float64(truncatedNormal(1)), float64(constant(2))]) {
      const { dtype, data } = evaluate(
        trace(() => made(key, [4], { fanIn: 2, fanOut: 2 }), {}),
        {},
      ) as unknown as Tensor;
      expect(dtype).toBe("float64");
      expect(data).toBeInstanceOf(Float64Array);
    }
  });
});
