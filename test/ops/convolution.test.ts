import { describe, expect, test } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import { conv2d, convTranspose2d, reshape, sum, tanh } from "../../src/ops/index.ts";
import { dim, ShapeError, spec, type Tensor } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";
import { B, compareGraph, difference, float32, float64, random, randomInputs } from "./graph.ts";

interface Case {
  readonly name: string;
  readonly image: readonly [number, number, number];
  readonly filters: number;
  readonly kernel: readonly [number, number];
  readonly options: Parameters<typeof conv2d>[2];
}

/**
 * Each row takes another way through the lowering: columns, crossed, covering, sub-pixel, turned kernel, planes,
 * pointwise, plain.
 */
const cases: readonly Case[] = [
  { name: "few channels", image: [1, 9, 7], filters: 3, kernel: [3, 3], options: { padding: 1 } },
  { name: "columns", image: [16, 7, 6], filters: 17, kernel: [3, 3], options: { padding: 1 } },
  { name: "wide image", image: [16, 20, 13], filters: 16, kernel: [3, 3], options: { padding: 1 } },
  {
    name: "wide image, uneven and dilated",
    image: [16, 21, 17],
    filters: 9,
    kernel: [3, 2],
    options: { padding: [2, 0, 1, 1], dilation: [1, 2] },
  },
  { name: "covering kernel", image: [17, 4, 3], filters: 5, kernel: [4, 3], options: {} },
  { name: "pointwise, columns", image: [16, 5, 4], filters: 17, kernel: [1, 1], options: {} },
  {
    name: "stride 2, even",
    image: [16, 8, 10],
    filters: 16,
    kernel: [4, 4],
    options: { stride: 2, padding: 1 },
  },
  {
    name: "stride 2, odd",
    image: [16, 7, 9],
    filters: 16,
    kernel: [3, 3],
    options: { stride: 2, padding: 1 },
  },
  {
    name: "stride 2, rows unread",
    image: [3, 8, 7],
    filters: 4,
    kernel: [3, 3],
    options: { stride: 2 },
  },
  {
    name: "uneven",
    image: [16, 11, 9],
    filters: 16,
    kernel: [5, 2],
    options: { stride: [3, 2], padding: [2, 0, 1, 1] },
  },
  {
    name: "same",
    image: [16, 7, 8],
    filters: 16,
    kernel: [3, 3],
    options: { stride: 2, padding: "same" },
  },
  {
    name: "dilated",
    image: [16, 9, 9],
    filters: 16,
    kernel: [3, 3],
    options: { padding: 2, dilation: 2 },
  },
  {
    name: "dilated stride",
    image: [16, 9, 10],
    filters: 16,
    kernel: [3, 3],
    options: { padding: 2, dilation: 2, stride: 2 },
  },
  { name: "few filters", image: [16, 9, 7], filters: 2, kernel: [3, 3], options: { padding: 1 } },
  { name: "eight filters", image: [17, 6, 7], filters: 8, kernel: [3, 3], options: {} },
  {
    name: "one filter, uneven",
    image: [9, 8, 9],
    filters: 1,
    kernel: [5, 2],
    options: { padding: [2, 0, 1, 1] },
  },
  {
    name: "few filters, dilated",
    image: [16, 9, 9],
    filters: 2,
    kernel: [3, 2],
    options: { padding: 1, dilation: [2, 3] },
  },
  {
    name: "few filters, padding beyond the kernel",
    image: [16, 4, 5],
    filters: 1,
    kernel: [2, 2],
    options: { padding: 2 },
  },
  {
    name: "few filters, stride 2",
    image: [16, 7, 8],
    filters: 2,
    kernel: [3, 3],
    options: { stride: 2, padding: 1 },
  },
  {
    name: "few channels, stride and dilation",
    image: [2, 11, 9],
    filters: 5,
    kernel: [3, 2],
    options: { stride: [2, 3], dilation: [1, 2], padding: [1, 2, 0, 1] },
  },
  { name: "pointwise", image: [5, 4, 3], filters: 4, kernel: [1, 1], options: {} },
  {
    name: "pointwise stride 2",
    image: [16, 5, 6],
    filters: 16,
    kernel: [1, 1],
    options: { stride: 2 },
  },
  {
    name: "padding beyond the kernel",
    image: [2, 4, 4],
    filters: 2,
    kernel: [2, 2],
    options: { padding: 2 },
  },
];

/** The convolution, both gradients, and the gradient of the input gradient's square (a second derivative). */
function everything(
  { x, w, b }: Record<string, Value>,
  options: Case["options"],
): Record<string, Value> {
  const y = conv2d(x as Value, w as Value, { ...options, bias: b as Value });
  const loss = sum(tanh(y).mul(0.1));
  const [dx, dw, db] = gradients(loss, [x, w, b] as Value[]) as [Value, Value, Value];
  const [ddw, ddx] = gradients(sum(dx.square()), [w, x] as Value[]) as [Value, Value];
  return { y, dx, dw, db, ddw, ddx };
}

const specsOf = ({ image, filters, kernel }: Case, make: typeof float32) => ({
  x: make(B, ...image),
  w: make(filters, image[0], ...kernel),
  b: make(filters),
});

describe("conv2d", () => {
  test.each(cases)("graph equals plain evaluation: $name", async (given) => {
    const specs = specsOf(given, float32);
    const runs = (given.name === "wide image" ? [1, 2] : [1, 3, 8]).map((n) =>
      randomInputs(specs, { B: n }),
    );
    for (const target of ["cpu", "export"] as const) {
      const { worst } = await compareGraph(
        (xs) => everything(xs, given.options),
        specs,
        target,
        runs,
      );
      expect(worst.error, `${target} ${worst.output}`).toBeLessThan(2e-5);
    }
  });

  test.each(cases.filter(({ name }) => name !== "wide image"))(
    "float64 on the CPU: $name",
    async (given) => {
      const specs = specsOf(given, float64);
      const runs = [randomInputs(specs, { B: 2 })];
      const { worst } = await compareGraph(
        (xs) => everything(xs, given.options),
        specs,
        "cpu",
        runs,
      );
      expect(worst.error, worst.output).toBeLessThan(1e-12);
    },
  );

  test("an export has nothing but plain convolutions, and free image sizes", async () => {
    const [H, W] = [dim("H"), dim("W")];
    const specs = { x: float32(B, 3, H, W), w: float32(4, 3, 3, 3), b: float32(4) };
    const sizes = [
      { B: 1, H: 8, W: 5 },
      { B: 2, H: 7, W: 6 },
      { B: 3, H: 4, W: 9 },
    ];
    const runs = sizes.map((size) => randomInputs(specs, size));
    for (const options of [{ padding: 1 }, { padding: 1, stride: 2 }, { padding: 0, stride: 2 }]) {
      for (const target of ["cpu", "export"] as const) {
        const { worst } = await compareGraph((xs) => everything(xs, options), specs, target, runs);
        expect(worst.error, `${target} ${worst.output}`).toBeLessThan(2e-5);
      }
    }
    const fixed = { x: float32(B, 16, 8, 8), w: float32(16, 16, 3, 3) };
    const layers = ({ x, w }: Record<string, Value>): Record<string, Value> => ({
      y: convTranspose2d(conv2d(x as Value, w as Value, { stride: 2, padding: 1 }), w as Value, {
        stride: 2,
      }),
    });
    const { operators } = await compareGraph(layers, fixed, "export", [
      randomInputs(fixed, { B: 2 }),
    ]);
    expect(operators).toEqual(["Conv", "ConvTranspose"]);
  });

  test("gradients agree with central differences to second order", () => {
    for (const options of [
      { padding: 1 },
      { stride: 2, padding: 1 },
      { stride: 2, dilation: 2, padding: 2 },
    ]) {
      const inputs = [random([2, 2, 5, 4], "x", "float64"), random([2, 2, 3, 3], "w", "float64")];
      const first = (x: Value, w: Value): Value => sum(tanh(conv2d(x, w, options)));
      expect(checkGradient(first, inputs).error).toBeLessThan(1e-7);
      const norms = (x: Value, w: Value): Value => {
        const [dx, dw] = gradients(first(x, w), [x, w]) as [Value, Value];
        return sum(dx.square()).add(sum(dw.square()));
      };
      expect(checkGradient(norms, inputs).error).toBeLessThan(1e-6);
    }
  });

  test("wrong operands are named", () => {
    const shapes = (x: number[], w: number[], options = {}) =>
      trace((v) => conv2d(v.x as Value, v.w as Value, options), {
        x: spec("float32", x),
        w: spec("float32", w),
      } as Record<string, ReturnType<typeof float32>>);
    expect(() => shapes([1, 3, 8, 8], [4, 2, 3, 3])).toThrow("w must be [out, 3, height, width]");
    expect(() => shapes([1, 3, 8], [4, 3, 3, 3])).toThrow(ShapeError);
    expect(() => shapes([1, 3, 2, 2], [4, 3, 3, 3])).toThrow("does not fit");
    expect(() => shapes([1, 3, 8, 8], [4, 3, 3, 3], { stride: 0 })).toThrow("stride");
  });
});

describe("convTranspose2d", () => {
  const transposed = [
    { stride: 2, padding: 1 },
    { stride: 2, padding: 1, outputPadding: 1 },
    { stride: 1, padding: 1 },
    { stride: [2, 3], padding: [0, 1], outputPadding: [0, 2] },
  ] as const;

  test.each(transposed)("graph equals plain evaluation: %o", async (options) => {
    for (const [channels, filters] of [
      [16, 16],
      [17, 3],
    ] as const) {
      const specs = { x: float32(B, channels, 5, 4), w: float32(channels, filters, 4, 4) };
      const runs = [1, 3, 8].map((n) => randomInputs(specs, { B: n }));
      const build = ({ x, w }: Record<string, Value>): Record<string, Value> => {
        const y = convTranspose2d(x as Value, w as Value, options);
        const [dx, dw] = gradients(sum(tanh(y)), [x, w] as Value[]) as [Value, Value];
        return { y, dx, dw };
      };
      for (const target of ["cpu", "export"] as const) {
        const { worst } = await compareGraph(build, specs, target, runs);
        expect(worst.error, `${target} ${worst.output}`).toBeLessThan(2e-5);
      }
    }
  });

  test("outputPadding must stay below the stride", () => {
    const specs = { x: float32(1, 2, 4, 4), w: float32(2, 2, 3, 3) };
    const build = ({ x, w }: Record<string, Value>): Value =>
      convTranspose2d(x as Value, w as Value, { stride: 2, outputPadding: 2 });
    expect(() => trace(build, specs as Record<string, typeof specs.x>)).toThrow("outputPadding");
  });
});

test("values and gradients are PyTorch's", () => {
  const golden = readGolden("ops");
  const known = readGoldenMeta("ops").cases as unknown as Record<
    string,
    { op: string; options: object }
  >;
  const chosen = Object.entries(known).filter(
    ([, { op }]) => op === "conv2d" || op === "convTranspose2d",
  );
  expect(chosen.length).toBeGreaterThan(12);
  for (const [name, { op, options }] of chosen) {
    const inputs = Object.fromEntries(
      ["in.x", "in.w", "in.b", "r"].map((key) => [
        key.replace("in.", ""),
        golden[`${name}.${key}`] as Tensor,
      ]),
    ) as Record<string, Tensor>;
    const results = evaluate(
      trace((v: Record<string, Value>) => {
        const { x, w, b, r } = v as { x: Value; w: Value; b: Value; r: Value };
        const bias = reshape(b, [-1, 1, 1]);
        const y =
          op === "conv2d"
            ? conv2d(x, w, { ...options, bias: b })
            : convTranspose2d(x, w, options).add(bias);
        const [dx, dw, db] = gradients(sum(y.mul(r)), [x, w, b]) as [Value, Value, Value];
        return { y, "grad.x": dx, "grad.w": dw, "grad.b": db };
      }, inputs),
      inputs,
    ) as unknown as Record<string, Tensor>;
    for (const [key, got] of Object.entries(results)) {
      expect(difference(got, golden[`${name}.${key}`] as Tensor), `${name}.${key}`).toBeLessThan(
        1e-6,
      );
    }
  }
});
