// Convolutions whose channels form groups, to second order, on every target.
import { describe, expect, test } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { concat, conv2d, convTranspose2d, split, sum, tanh } from "../../src/ops/index.ts";
import { dim, type Tensor } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { B, compareGraph, difference, float32, float64, random, randomInputs } from "./graph.ts";

interface Case {
  readonly name: string;
  readonly channels: number;
  readonly filters: number;
  readonly options: Parameters<typeof conv2d>[2] & { readonly groups: number };
}

const cases: readonly Case[] = [
  { name: "two", channels: 6, filters: 4, options: { padding: 1, groups: 2 } },
  { name: "wide", channels: 32, filters: 32, options: { padding: 1, groups: 2 } },
  { name: "depthwise", channels: 5, filters: 5, options: { padding: 1, groups: 5 } },
  { name: "depthwise, stride", channels: 4, filters: 8, options: { stride: 2, groups: 4 } },
  {
    name: "stride and dilation",
    channels: 4,
    filters: 6,
    options: { stride: 2, dilation: 2, padding: [2, 1], groups: 2 },
  },
];

function everything({ x, w }: Record<string, Value>, options: Case["options"]) {
  const y = conv2d(x as Value, w as Value, options);
  const [dx, dw] = gradients(sum(tanh(y).mul(0.1)), [x, w] as Value[]) as [Value, Value];
  const [ddw, ddx] = gradients(sum(dx.square()).add(sum(dw.square())), [w, x] as Value[]);
  return { y, dx, dw, ddw: ddw as Value, ddx: ddx as Value };
}

const specsOf = ({ channels, filters, options }: Case, make: typeof float32) => ({
  x: make(B, channels, 7, 6),
  w: make(filters, channels / options.groups, 3, 3),
});

describe("conv2d in groups", () => {
  test.each(cases)("graph equals plain evaluation: $name", async (given) => {
    for (const target of ["cpu", "export"] as const) {
      const specs = specsOf(given, float32);
      const runs = [1, 3, 4].map((n) => randomInputs(specs, { B: n }));
      const build = (xs: Record<string, Value>) => everything(xs, given.options);
      const { worst } = await compareGraph(build, specs, target, runs);
      expect(worst.error, `${target} ${worst.output}`).toBeLessThan(2e-5);
    }
    const specs = specsOf(given, float64);
    const build = (xs: Record<string, Value>) => everything(xs, given.options);
    const { worst } = await compareGraph(build, specs, "cpu", [randomInputs(specs, { B: 2 })]);
    expect(worst.error, worst.output).toBeLessThan(1e-12);
  });

  test("is one convolution for each group", () => {
    const inputs = { x: random([2, 6, 5, 4], "x"), w: random([4, 2, 3, 3], "w") };
    const transposed = { x: random([2, 6, 5, 4], "x"), w: random([6, 2, 3, 3], "w") };
    const by = (f: typeof conv2d, v: Record<string, Value>, groups: number, options: object) => {
      const [xs, ws] = [split(v.x as Value, 1, groups), split(v.w as Value, 0, groups)];
      return concat(
        xs.map((x, g) => f(x, ws[g] as Value, options)),
        1,
      );
    };
    const build = (f: typeof conv2d, groups: number) => (v: Record<string, Value>) => {
      const options = { stride: 2, padding: 1 };
      return [f(v.x as Value, v.w as Value, { ...options, groups }), by(f, v, groups, options)];
    };
    for (const [f, operands, groups] of [
      [conv2d, { ...inputs, w: random([4, 3, 3, 3], "w") }, 2],
      [conv2d, { ...inputs, w: random([6, 1, 3, 3], "w") }, 6],
      [convTranspose2d as typeof conv2d, transposed, 3],
    ] as const) {
      const program = trace(build(f, groups), operands as Record<string, Tensor>);
      const [whole, parts] = evaluate(program, operands) as unknown as [Tensor, Tensor];
      expect(difference(whole, parts)).toBeLessThan(1e-6);
    }
  });

  test("images of any size", async () => {
    const specs = { x: float32(B, 4, dim("H"), dim("W")), w: float32(4, 2, 3, 3) };
    const sizes = [
      { B: 1, H: 8, W: 5 },
      { B: 2, H: 7, W: 6 },
      { B: 3, H: 4, W: 9 },
    ];
    const runs = sizes.map((size) => randomInputs(specs, size));
    for (const options of [
      { padding: 1, groups: 2 },
      { padding: 1, stride: 2, groups: 2 },
    ]) {
      for (const target of ["cpu", "export"] as const) {
        const { worst } = await compareGraph((xs) => everything(xs, options), specs, target, runs);
        expect(worst.error, `${target} ${worst.output}`).toBeLessThan(2e-5);
      }
    }
  });

  test("groups that do not divide the channels are named", () => {
    const build = (groups: number, filters: number) => () =>
      trace(({ x, w }) => conv2d(x as Value, w as Value, { groups }), {
        x: float32(2, 6, 5, 4),
        w: float32(filters, 2, 3, 3),
      } as Record<string, ReturnType<typeof float32>>);
    expect(build(4, 4)).toThrow("groups must divide the 6 channels of x and the 4 filters, got 4");
    expect(build(3, 4)).toThrow("got 3");
    expect(build(0, 4)).toThrow("got 0");
    expect(build(2, 4)).toThrow("w must be [out, 3, height, width]");
  });
});
