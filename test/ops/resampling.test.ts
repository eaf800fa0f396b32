import { expect, test } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  averagePool2d,
  conv1d,
  einsum,
  pixelShuffle,
  pixelUnshuffle,
  prod,
  resizeBilinear2d,
  slice,
  sum,
  topK,
  upsampleNearest2d,
} from "../../src/ops/index.ts";
import { dim, type Tensor } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";
import { B, compareGraph, difference, float32, random, randomInputs } from "./graph.ts";

const resizers = { resizeBilinear2d, upsampleNearest2d, pixelShuffle, pixelUnshuffle } as const;

test("resampling and conv1d give PyTorch's values and gradients", () => {
  const golden = readGolden("ops");
  const known = readGoldenMeta("ops").cases as unknown as Record<
    string,
    { op: string; inputs: string[]; options: { factor: number } }
  >;
  const chosen = Object.entries(known).filter(([, { op }]) => op in resizers || op === "conv1d");
  expect(chosen.length).toBe(9);
  for (const [name, { op, inputs: names, options }] of chosen) {
    const inputs = Object.fromEntries([
      ...names.map((key) => [key, golden[`${name}.in.${key}`] as Tensor]),
      ["r", golden[`${name}.r`] as Tensor],
    ]) as Record<string, Tensor>;
    const build = (v: Record<string, Value>): Record<string, Value> => {
      const { x, w, b, r } = v as { x: Value; w: Value; b: Value; r: Value };
      const y =
        op === "conv1d"
          ? conv1d(x, w, { ...options, bias: b })
          : resizers[op as keyof typeof resizers](x, options.factor);
      const slopes = gradients(
        sum(y.mul(r)),
        names.map((key) => v[key] as Value),
      );
      return { y, ...Object.fromEntries(names.map((key, i) => [`grad.${key}`, slopes[i]])) };
    };
    const results = evaluate(trace(build, inputs), inputs) as unknown as Record<string, Tensor>;
    for (const [key, got] of Object.entries(results)) {
      const want = golden[`${name}.${key}`] as Tensor;
      expect(difference(got, want), `${name}.${key}`).toBeLessThan(1e-6);
    }
  }
});

test("images of any size are resized by one graph", async () => {
  const specs = { x: float32(B, 4, dim("H"), dim("W")) };
  const build = ({ x }: Record<string, Value>): Record<string, Value> => {
    const large = resizeBilinear2d(x as Value, [3, 2]);
    const y = pixelShuffle(upsampleNearest2d(large, 2), 2).add(0.5);
    const [dx] = gradients(sum(y.square()), [x as Value]) as [Value];
    return { y, dx, back: pixelUnshuffle(y, 2), small: resizeBilinear2d(y, 1 / 2) };
  };
  const sizes = [
    { B: 1, H: 2, W: 3 },
    { B: 2, H: 5, W: 1 },
    { B: 3, H: 1, W: 4 },
  ];
  const runs = sizes.map((size) => randomInputs(specs, size));
  for (const target of ["cpu", "export"] as const) {
    const { worst } = await compareGraph(build, specs, target, runs);
    expect(worst.error, `${target} ${worst.output}`).toBeLessThan(1e-6);
  }
});

test("averages of blocks undo nearest upsampling, and halving by bilinear resizing is such an average", () => {
  const x = random([2, 3, 4, 6], "x");
  const build = ({ x }: { x: Value }): Record<string, Value> => ({
    same: averagePool2d(upsampleNearest2d(x, [2, 3]), { size: [2, 3] }),
    half: resizeBilinear2d(x, 1 / 2),
    pooled: averagePool2d(x, { size: 2 }),
  });
  const { same, half, pooled } = evaluate(trace(build, { x }), { x }) as unknown as Record<
    string,
    Tensor
  >;
  expect(difference(same as Tensor, x)).toBeLessThan(1e-6);
  expect(difference(half as Tensor, pooled as Tensor)).toBeLessThan(1e-6);
});

test("wrong arguments are named", () => {
  const build = (f: (x: Value, y: Value) => unknown) => () =>
    trace(({ x, y }: { x: Value; y: Value }) => f(x, y) as Value, {
      x: float32(2, 3, 4, 5),
      y: float32(3, 5),
    });
  expect(build((x) => resizeBilinear2d(x, 1.5))).toThrow("whole numbers");
  expect(build((x) => resizeBilinear2d(x, 1 / 2))).toThrow("not a multiple of 2");
  expect(build((x) => pixelShuffle(x, 2))).toThrow("not a multiple of 4");
  expect(build((_, y) => upsampleNearest2d(y, 2))).toThrow("wants x [batch, channels");
  expect(build((x) => slice(x, 0, 0, 2, { step: 0 }))).toThrow("step must be");
  expect(build((x) => topK(x, 6))).toThrow("k must be a whole number from 1");
  expect(build((x) => prod(x.trace.constant(random([0], "none")), 0))).toThrow("fixed size");
  expect(build((x) => einsum("bchw,cw", x))).toThrow("for 2 operands");
  expect(build((x, y) => einsum("bcw,cw->b", x, y))).toThrow("names 3 axes of a tensor with 4");
  expect(build((x, y) => einsum("bchw,hw->b", x, y))).toThrow('axis "h"');
  expect(build((x) => einsum("bchw->bd", x))).toThrow("is in no operand");
  expect(build((x) => einsum("bchw->bb", x))).toThrow("repeats");
  expect(build((x) => einsum("b1..->b", x))).toThrow("letters");
});
