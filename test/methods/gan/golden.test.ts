// Objectives and penalties against PyTorch in float64: values, first and second derivatives.
import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import { type LossName, losses } from "../../../src/methods/gan/losses.ts";
import { modifiedOrthogonal } from "../../../src/methods/gan/orthogonal.ts";
import {
  type PenaltyContext,
  type PenaltyName,
  penalties,
} from "../../../src/methods/gan/penalties.ts";
import { matmul, reshape, tanh } from "../../../src/ops/index.ts";
import type { Tensor } from "../../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../../src/trace/index.ts";
import { readGolden } from "../../golden/read.ts";

const golden = readGolden("gan");
const given = (name: string): Tensor => golden[name] as unknown as Tensor;
const numbers = (name: string): number[] => [...(given(name).data as Float64Array)];

/** What a function of named golden arrays gives. */
function compute<K extends string>(
  inputs: readonly string[],
  build: (values: Record<string, Value>) => Record<K, Value>,
): Record<K, number[]> {
  const tensors = Object.fromEntries(inputs.map((name) => [name, given(name)]));
  const outputs = evaluate(
    trace((values) => build(values as Record<string, Value>), tensors),
    tensors,
    { seed: 0, step: 0 },
  );
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [
      name,
      [...(tensor as Tensor).data].map(Number),
    ]),
  ) as Record<K, number[]>;
}

function close(actual: readonly number[], name: string): void {
  const wanted = numbers(name);
  expect(actual).toHaveLength(wanted.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(wanted[i] as number, 9);
}

const compared = [
  ...["saturating", "non-saturating", "least-squares", "hinge", "wasserstein"],
  ...["relativistic-average", "quadratic-potential", "quadratic-potential/3", "kl", "pearson"],
];

describe.each(compared)("objective %s", (variant) => {
  const [name, scale] = variant.split("/") as [LossName, string?];
  it.each(["discriminator", "generator"] as const)("of the %s", (player) => {
    const got = compute(["real", "fake", "x", "y"], ({ real, fake, x, y }) => {
      const outputs = { real: real as Value, fake: fake as Value };
      const rows = { real: x as Value, fake: y as Value };
      const value =
        player === "generator"
          ? losses[name].generator(outputs)
          : losses[name].discriminator(outputs, rows, scale === undefined ? 10 : Number(scale));
      const [byReal, byFake] = gradients(value, [outputs.real, outputs.fake]) as [Value, Value];
      return { value, byReal, byFake };
    });
    close(got.value, `${variant}.${player}`);
    close(got.byReal, `${variant}.${player}.real`);
    close(got.byFake, `${variant}.${player}.fake`);
  });
});

/** Of variants, what the option says. */
const variants = { "ct/margin": { margin: 0.02 }, "div/3": { power: 3 } } as const;

const penalized = ["gp", "one-sided-gp", "div", "r1", "r2", "js-regularizer", "ct"];

it.each([...penalized, ...Object.keys(variants)])("penalty %s and its gradient", (variant) => {
  const name = variant.split("/")[0] as PenaltyName;
  const inputs = ["x", "y", "w", "b", "v", "first", "second"];
  const got = compute(inputs, ({ x, y, w, b, v, first, second }) => {
    const features = (rows: Value): Value => tanh(matmul(rows, w as Value).add(b as Value));
    const output = (rows: Value): Value =>
      reshape(matmul(features(rows), reshape(v as Value, [-1, 1])), [-1]);
    const masked = (rows: Value, pass: string): Value =>
      pass === "first"
        ? rows.mul(first as Value)
        : pass === "second"
          ? rows.mul(second as Value)
          : rows;
    // Lines between equal rows are those rows.
    const onLine = name === "gp" || name === "one-sided-gp" || name === "div";
    const rows = { real: x as Value, fake: (onLine ? x : y) as Value };
    const context: PenaltyContext = {
      ...{ rows, key: new Key("test") },
      ...variants[variant as keyof typeof variants],
      outputs: { real: output(rows.real), fake: output(rows.fake) },
      see: (at, pass) => {
        const seen = masked(at, pass);
        return { output: output(seen), features: features(seen) };
      },
    };
    const value = penalties[name].of(context);
    return { value, slope: gradients(value, [w as Value])[0] as Value };
  });
  close(got.value, `penalty.${variant}`);
  close(got.slope, `penalty.${variant}.w`);
});

it("the modified orthogonal penalty is about filters, not their lengths", () => {
  const got = compute(["kernel", "matrix"], ({ kernel, matrix }) => ({
    value: modifiedOrthogonal({ conv: kernel as Value, dense: matrix as Value }) as Value,
  }));
  close(got.value, "orthogonal");
});
