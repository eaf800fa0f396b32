import { describe, expect, it } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import {
  batchNorm,
  groupNorm,
  layerNormalization,
  type NormParams,
} from "../../src/nn/normalization.ts";
import { ModelBuffer, Scope } from "../../src/nn/scope.ts";
import { sum, tanh } from "../../src/ops/index.ts";
import { type DType, dim, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";

const golden = readGolden("ops");
const scopeOf = (train: boolean, updates = false) =>
  new Scope({ key: new Key("test"), train, updates });

/** A number that a test may choose per element, without a generator. */
const wave = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => Math.sin(1.7 * (i + from)) + 0.3 * Math.cos(5.1 * i));

const buffers = (mean: Value, variance: Value) => ({
  mean: new ModelBuffer(mean, "norm.mean"),
  variance: new ModelBuffer(variance, "norm.variance"),
});

const trainNorm = (params: NormParams, x: Value) =>
  batchNorm({ ...params, ...buffers(params.scale, params.scale) }, x, scopeOf(true));

const layers: Record<string, (params: NormParams, x: Value) => Value> = {
  layerNorm: layerNormalization,
  batchNorm2d: trainNorm,
  batchNorm1d: trainNorm,
  groupNorm: (params, x) => groupNorm(params, x, { groups: 4 }),
};

function expectClose(got: Tensor | undefined, want: ArrayLike<number | bigint>, tolerance: number) {
  expect(got?.data.length).toBe(want.length);
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const scale = Math.max(1, Math.abs(Number(want[i])));
    worst = Math.max(worst, Math.abs(Number(got?.data[i]) - Number(want[i])) / scale);
  }
  expect(worst).toBeLessThan(tolerance);
}

describe.each(Object.keys(layers))("%s", (name) => {
  const layer = layers[name]!;
  const stored = (key: string) => golden[`${name}.${key}`]!;
  const inputs = (dtype: DType) => {
    const [x, gamma, beta, r] = ["in.x", "in.gamma", "in.beta", "r"].map((key) => {
      const { data, shape } = stored(key);
      return tensorOf(data as Float32Array, shape, dtype);
    }) as [Tensor, Tensor, Tensor, Tensor];
    return { x, scale: gamma, offset: beta, r };
  };

  it("has PyTorch's values and gradients", () => {
    const given = inputs("float32");
    const program = trace(({ x, scale, offset, r }) => {
      const y = layer({ scale, offset }, x);
      const [dx, dScale, dOffset] = gradients(sum(y.mul(r)), [x, scale, offset]);
      return { y, x: dx!, gamma: dScale!, beta: dOffset! };
    }, given);
    const { y, ...dxs } = evaluate(program, given);
    expectClose(y, stored("y").data, 1e-6);
    for (const [key, dx] of Object.entries(dxs)) expectClose(dx, stored(`grad.${key}`).data, 3e-6);
  });

  it("has a second derivative", () => {
    const { x, scale, offset, r } = inputs("float64");
    const penalty = (...values: Value[]) => {
      const [a, b, c, w] = values as [Value, Value, Value, Value];
      const y = tanh(layer({ scale: b, offset: c }, a));
      const dxs = gradients(sum(y.mul(w)), [a, b, c]);
      return dxs.map((dx) => sum(dx.square())).reduce((s, v) => s.add(v));
    };
    const size = name === "batchNorm1d" || name === "layerNorm" ? undefined : 1;
    // Images are cut to their first row, since every element costs two evaluations.
    const cut = (t: Tensor) => (size && t.shape.length === 4 ? firstRow(t) : t);
    expect(checkGradient(penalty, [cut(x), scale, offset, cut(r)]).error).toBeLessThan(2e-6);
  });
});

function firstRow({ data, shape, dtype }: Tensor): Tensor {
  const [b, c, h, w] = shape as [number, number, number, number];
  const kept = Array.from(data as Float64Array).filter((_, i) => Math.floor(i / w) % h === 0);
  return tensorOf(kept, [b, c, 1, w], dtype);
}

describe("batchNorm", () => {
  const features = 2;
  const B = dim("B");
  const example = {
    x: spec("float32", [B, features, 3]),
    mean: spec("float32", [features]),
    variance: spec("float32", [features]),
  };
  const run = (scope: Scope) =>
    trace(({ x, mean, variance }) => {
      const params = { scale: mean.mul(0).add(2), offset: mean.mul(0).add(1) };
      const y = batchNorm({ ...params, ...buffers(mean, variance) }, x, scope);
      return { y, norm: scope.nextBuffers({ norm: { mean, variance } }).norm };
    }, example);
  const mean = tensorOf([0.5, -1], [2]);
  const variance = tensorOf([4, 0.25], [2]);

  it("moves its buffers towards the batch, with the unbiased variance, at every batch size", () => {
    const program = run(scopeOf(true, true));
    for (const batch of [1, 2, 5]) {
      const x = tensorOf(wave(batch * 6), [batch, 2, 3]);
      const { norm } = evaluate(program, { x, mean, variance });
      for (const feature of [0, 1]) {
        const values = Array.from(x.data as Float32Array).filter(
          (_, i) => Math.floor(i / 3) % 2 === feature,
        );
        const m = values.reduce((s, v) => s + v, 0) / values.length;
        const v = values.reduce((s, u) => s + (u - m) ** 2, 0) / (values.length - 1);
        const old = [Number(mean.data[feature]), Number(variance.data[feature])] as const;
        expect(norm.mean.data[feature]).toBeCloseTo(0.9 * old[0] + 0.1 * m, 6);
        expect(norm.variance.data[feature]).toBeCloseTo(0.9 * old[1] + 0.1 * v, 6);
      }
    }
  });

  it("uses and keeps its buffers outside of training", () => {
    const x = tensorOf(wave(12), [2, 2, 3]);
    const { y, norm } = evaluate(run(scopeOf(false, true)), { x, mean, variance });
    const want = Array.from(x.data as Float32Array, (v, i) => {
      const feature = Math.floor(i / 3) % 2;
      const [m, s] = [Number(mean.data[feature]), Number(variance.data[feature])];
      return (2 * (v - m)) / Math.sqrt(s + 1e-5) + 1;
    });
    expectClose(y, want, 1e-6);
    expect(norm).toEqual({ mean, variance });
  });

  it("keeps its buffers in a pass that only reads, and refuses a second write", () => {
    const x = tensorOf(wave(12), [2, 2, 3]);
    const { norm } = evaluate(run(scopeOf(true, true).reading("again")), { x, mean, variance });
    expect(norm).toEqual({ mean, variance });
    const twice = scopeOf(true, true);
    run(twice);
    expect(() => run(twice)).toThrow(/"norm.mean" is written twice/);
  });

  it("says what does not fit", () => {
    const one = { ...example, x: spec("float32", [1, features]) };
    const build = (shape: typeof one) =>
      trace(({ x, mean, variance }) => {
        const params = { scale: mean, offset: mean, ...buffers(mean, variance) };
        return batchNorm(params, x, scopeOf(true));
      }, shape);
    expect(() => build(one)).toThrow(/one value a feature has no variance/);
    expect(() => build({ ...one, x: spec("float32", [B, 5, 3]) })).toThrow(
      /batchNorm: x must be \[batch, 2, ...\], got \[B, 5, 3\]/,
    );
  });
});

it("groupNorm keeps a symbolic image size", () => {
  const [H, W] = [dim("H"), dim("W")];
  const example = { x: spec("float32", [2, 4, H, W]), scale: spec("float32", [4]) };
  const program = trace(({ x, scale }) => {
    const y = groupNorm({ scale, offset: scale }, x, { groups: 2 });
    return { y, dx: gradients(sum(y.mul(x)), [x])[0]! };
  }, example);
  expect(program.outputs.y.shape).toEqual([2, 4, H, W]);
  const scale = tensorOf([1, 1, 1, 1], [4]);
  const { y } = evaluate(program, { x: tensorOf(wave(48), [2, 4, 2, 3]), scale });
  const values = Array.from(y.data as Float32Array).slice(0, 12);
  expect(values.reduce((s, v) => s + v, 0) / 12).toBeCloseTo(1, 5);
  expect(values.reduce((s, v) => s + (v - 1) ** 2, 0) / 12).toBeCloseTo(1, 3);
  expect(() =>
    trace(({ x, scale: s }) => groupNorm({ scale: s, offset: s }, x, { groups: 3 }), example),
  ).toThrow(/4 features cannot form 3 groups/);
});
