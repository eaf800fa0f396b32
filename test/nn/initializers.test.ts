import { describe, expect, it } from "vitest";
import { initConv2d, initConvTranspose2d } from "../../src/nn/convolution.ts";
import { initEmbedding } from "../../src/nn/embedding.ts";
import * as initializers from "../../src/nn/initializers.ts";
import { initLinear } from "../../src/nn/linear.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGoldenMeta } from "../golden/read.ts";

const { glorotNormal, glorotUniform, heNormal, heUniform, leCunNormal, leCunUniform } =
  initializers;

interface Layer {
  readonly weight: Value;
  readonly bias?: Value;
}

type MakeLayer = (initializer?: initializers.Initializer) => Layer;

const key = new Key("layer");
const optional = (initializer?: initializers.Initializer) => (initializer ? { initializer } : {});
const layers: Record<string, MakeLayer> = {
  linear: (init) => initLinear(key, 784, 400, optional(init)),
  conv: (init) => initConv2d(key, { inputs: 16, outputs: 32, kernel: 3, ...optional(init) }),
  convTranspose: (init) =>
    initConvTranspose2d(key, { inputs: 16, outputs: 32, kernel: [4, 4], ...optional(init) }),
};

const draw = (make: () => Layer) =>
  evaluate(trace(make, {}), {}) as { weight: Tensor; bias: Tensor };

const largest = ({ data }: Tensor) =>
  (data as Float32Array).reduce((m, v) => Math.max(m, Math.abs(v)), 0);

function moments({ data }: Tensor) {
  const values = data as Float32Array;
  const mean = values.reduce((s, v) => s + v, 0) / values.length;
  const std = Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length);
  return { mean, std, count: values.length };
}

describe.each(Object.keys(layers))("%s", (name) => {
  const make = layers[name]!;
  const known = readGoldenMeta("initializers")[name] as Record<string, number> & {
    shape: number[];
  };

  /** A uniform parameter fills its range and does not leave it. */
  function expectBound(weight: Tensor, bound: number) {
    expect(largest(weight)).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(largest(weight)).toBeGreaterThan(bound * 0.99);
    expect(moments(weight).std).toBeCloseTo(bound / Math.sqrt(3), 2.5);
  }

  function expectNormal(weight: Tensor, deviation: number) {
    const { mean, std, count } = moments(weight);
    expect(Math.abs(mean)).toBeLessThan((5 * deviation) / Math.sqrt(count));
    expect(Math.abs(std / deviation - 1)).toBeLessThan(5 / Math.sqrt(2 * count));
    expect(largest(weight)).toBeGreaterThan(3 * deviation);
  }

  it("starts as PyTorch's does", () => {
    const { weight, bias } = draw(() => make());
    expect(weight.shape).toEqual(known.shape);
    expectBound(weight, known.defaultBound!);
    const bound = known.biasBound!;
    expect(largest(bias)).toBeLessThanOrEqual(bound);
    expect(largest(bias)).toBeGreaterThan(bound * 0.7);
    expect(bias.data.slice(0, 8)).not.toEqual(weight.data.slice(0, 8));
  });

  it("has the papers' bounds and deviations", () => {
    const weightOf = (init: initializers.Initializer) => draw(() => make(init)).weight;
    expectBound(weightOf(glorotUniform), known.xavierUniformBound!);
    expectBound(weightOf(heUniform), known.kaimingUniformReluBound!);
    expectBound(weightOf(leCunUniform), Math.sqrt(3 / known.fanIn!));
    expectNormal(weightOf(glorotNormal), known.xavierNormalStd!);
    expectNormal(weightOf(heNormal), known.kaimingNormalReluStd!);
    expectNormal(weightOf(leCunNormal), Math.sqrt(1 / known.fanIn!));
  });
});

it("truncatedNormal is a normal cut off at two deviations", () => {
  const table = draw(() =>
    initEmbedding(key, 400, 500, { initializer: initializers.truncatedNormal(0.5) }),
  ).weight;
  const { mean, std, count } = moments(table);
  expect(Math.abs(mean)).toBeLessThan(2.5 / Math.sqrt(count));
  // Variance of a standard normal on ±2: 1 − 4φ(2)/(2Φ(2) − 1).
  const density = Math.exp(-2) / Math.sqrt(2 * Math.PI);
  expect(std / 0.5).toBeCloseTo(Math.sqrt(1 - (4 * density) / 0.9544997361036416), 2);
  expect(largest(table)).toBeLessThanOrEqual(1);
  expect(largest(table)).toBeGreaterThan(0.999);
  const within = (table.data as Float32Array).filter((v) => Math.abs(v) < 0.5).length / count;
  expect(within).toBeCloseTo(0.6826894921 / 0.9544997361, 2);
});

it("constants are constant, and options are kept", () => {
  const made = evaluate(
    trace(() => {
      const { ones, zeros, constant } = initializers;
      return {
        linear: initLinear(key, 2, 3, { initializer: ones, biasInitializer: constant(0.25) }),
        embedding: initEmbedding(key, 2, 2, { initializer: zeros }),
      };
    }, {}),
    {},
  ) as unknown as { linear: { weight: Tensor; bias: Tensor }; embedding: { weight: Tensor } };
  expect([...made.linear.weight.data]).toEqual([1, 1, 1, 1, 1, 1]);
  expect([...made.linear.bias.data]).toEqual([0.25, 0.25, 0.25]);
  expect([...made.embedding.weight.data]).toEqual([0, 0, 0, 0]);
  const bare = trace(() => initLinear(key, 2, 3, { bias: false }), {});
  expect(Object.keys(bare.outputs)).toEqual(["weight"]);
  expect(() => trace(() => initLinear(key, 2.5, 3), {})).toThrow(
    /inputs must be a positive integer, got 2.5/,
  );
});
