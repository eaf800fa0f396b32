// Layers of generators and discriminators against PyTorch: values and gradients, the penalty's at the weights included.
import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import { type Critic, judge } from "../../../src/methods/gan/critic.ts";
import { normalize } from "../../../src/methods/gan/layers.ts";
import type { FeatureNetwork } from "../../../src/methods/gan/networks.ts";
import { modifiedOrthogonal } from "../../../src/methods/gan/orthogonal.ts";
import {
  adaptiveInstanceNorm,
  type BatchNormParams,
  buffer,
  equalizedConvolution,
  equalizedLinear,
  minibatchDeviation,
  pixelNorm,
  Scope,
  selfAttention2d,
} from "../../../src/nn/index.ts";
import { full, sum } from "../../../src/ops/index.ts";
import { type Tensor, tensorOf } from "../../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../../golden/read.ts";
import { difference } from "../../ops/graph.ts";

type Xs = readonly [Value, Value, Value, Value, Value, Value];

const scope = new Scope({ key: new Key("test"), train: true });
const batch = (features: number): BatchNormParams => ({
  ...{ scale: full([features], 1), offset: full([features], 0) },
  ...{ mean: buffer(full([features], 0)), variance: buffer(full([features], 1)) },
});
const asIs: FeatureNetwork = { features: 4, init: () => ({}), of: (_model, rows) => rows };

const layers: Record<string, (...xs: Xs) => Value> = {
  equalizedLinear: (x, weight, bias) => equalizedLinear({ weight, bias }, x),
  equalizedLinearSlow: (x, weight, bias) => equalizedLinear({ weight, bias }, x, { rate: 0.01 }),
  equalizedConv: (x, weight, bias) =>
    equalizedConvolution({ weight, bias }, x, { gain: 1, padding: 1 }),
  pixelNorm: (x) => pixelNorm(x),
  adaptiveInstanceNorm: (x, scale, offset) => adaptiveInstanceNorm({ scale, offset }, x),
  minibatchDeviation: (x) => minibatchDeviation(x),
  selfAttention: (x, query, key, value, out, weight) =>
    selfAttention2d(
      {
        ...{ query: { weight: query }, key: { weight: key }, value: { weight: value } },
        ...{ out: { weight: out }, weight },
      },
      x,
    ),
  conditionalBatchNorm: (x, scales, offsets, label) =>
    normalize({ batch: batch(4), scales, offsets }, x, scope, { label }),
  projectedBatchNorm: (x, vector, scale, offset) =>
    normalize(
      { batch: batch(4), toScale: { weight: scale }, toOffset: { weight: offset } },
      ...([x, scope, { vector }] as const),
    ),
  projectionDiscriminator: (features, weight, bias, classes, label) => {
    const critic: Critic = {
      ...{ body: {}, head: { dense: { weight, bias } } },
      classes: { dense: { weight: classes } },
    };
    return judge(critic, asIs, features, scope, { label }).output;
  },
  modifiedOrthogonal: (kernel, matrix) => modifiedOrthogonal({ kernel, matrix }) as Value,
};

const golden = readGolden("gan-layers");
const cases = readGoldenMeta("gan-layers").cases as unknown as Record<
  string,
  { inputs: string[]; indices: string[] }
>;
const stored = (name: string): Tensor => {
  const { data, shape, dtype } = golden[name] as (typeof golden)[string];
  return tensorOf(data as Float32Array, shape, dtype);
};

describe.each(Object.keys(cases))("%s", (name) => {
  const { inputs, indices } = cases[name] as (typeof cases)[string];

  it("has PyTorch's values and gradients", () => {
    const given = [...inputs, ...indices].map((input) => stored(`${name}.in.${input}`));
    const program = trace(
      (values) => {
        const xs = (values as Value[]).slice(0, -1);
        const y = (layers[name] as (...all: Value[]) => Value)(...xs);
        const slopes = gradients(
          sum(y.mul((values as Value[]).at(-1) as Value)),
          xs.slice(0, inputs.length),
        );
        return [y, ...slopes];
      },
      [...given, stored(`${name}.r`)],
    );
    const got = evaluate(program, [...given, stored(`${name}.r`)]) as unknown as Tensor[];
    expect(difference(got[0] as Tensor, stored(`${name}.y`))).toBeLessThan(2e-6);
    for (const [i, input] of inputs.entries()) {
      const error = difference(got[i + 1] as Tensor, stored(`${name}.grad.${input}`));
      expect(error, input).toBeLessThan(3e-6);
    }
  });
});

it("the orthogonal penalty leaves out rows by class", () => {
  const given = { scales: tensorOf([1, 1, 1, 1], [2, 2]) };
  const program = trace(
    ({ scales }) => ({ left: modifiedOrthogonal({ norm: { scales } }) ?? full([], 0) }),
    given,
  );
  expect([...(evaluate(program, given).left as Tensor).data]).toEqual([0]);
});
