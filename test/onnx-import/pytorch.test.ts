// Models that PyTorch exported, with its outputs and gradients (test/golden/imported.py).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { compile, createSession, exportModel } from "../../src/onnx/index.ts";
import { fromOnnx } from "../../src/onnx-import/index.ts";
import { constant, sum } from "../../src/ops/index.ts";
import {
  type DType,
  elementCount,
  formatShape,
  type Tensor,
  tensorOf,
} from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Expected {
  readonly x: Numbers & { readonly dtype: DType };
  readonly y: Numbers;
  readonly inputGradient: readonly number[] | null;
  readonly parameters: readonly (Numbers & { readonly gradient: readonly number[] })[];
}

const folder = new URL("../golden/imported/", import.meta.url);
const expected = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as Record<
  string,
  Expected
>;
const bytesOf = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder)));

const differenceOf = (got: ArrayLike<number>, want: ArrayLike<number>): number =>
  Array.from(want, (v, i) => Math.abs((got[i] as number) - v) / (1 + Math.abs(v))).reduce(
    (a, b) => Math.max(a, b),
    0,
  );

const inputOf = ({ x }: Expected): Tensor => tensorOf(x.data, x.shape, x.dtype);

/** torch.linspace(−1, 1, n), the weights of the sum that was differentiated. */
const ramp = (shape: readonly number[]): Tensor => {
  const count = elementCount(shape);
  return tensorOf(
    Array.from({ length: count }, (_, i) => -1 + (2 * i) / (count - 1)),
    shape,
  );
};

/** [n, m] → [m, n]. */
const transposed = ({ shape: [rows = 1, columns = 1], data }: Numbers, values = data): number[] =>
  Array.from(
    { length: values.length },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] as number,
  );

describe.each(Object.entries(expected))("%s from PyTorch", (name, want) => {
  const model = fromOnnx(bytesOf(name));
  const float = want.x.dtype === "float32";

  it("gives PyTorch's outputs, and the runtime's for the same file", async () => {
    const program = await compile(
      ({ weights, x }) => model.apply(weights, { x }) as Record<string, Value>,
      { weights: model.weights, x: model.inputs.x as never } as never,
    );
    const run = await program.run({ weights: model.weights, x: inputOf(want) } as never);
    const got = (run as unknown as { y: Tensor }).y.data as Float32Array;
    expect(differenceOf(got, want.y.data)).toBeLessThan(1e-5);
    const session = await createSession(bytesOf(name), { threads: 1 });
    const direct = await session.run(new Map([["x", inputOf(want)]]));
    expect(differenceOf(got, direct.get("y")?.data as Float32Array)).toBeLessThan(1e-5);
    await Promise.all([program.release(), session.release()]);
  });

  it("has PyTorch's gradients", async () => {
    const { params } = model.weights;
    const program = await compile(
      ({ weights, x }: { weights: typeof model.weights; x: Value }) => {
        const { y } = model.apply(weights as never, { x });
        const loss = sum((y as Value).mul(constant(ramp(want.y.shape))));
        const values = Object.values(weights.params) as unknown as Value[];
        return { list: gradients(loss, float ? [...values, x] : values) } as never;
      },
      { weights: model.weights, x: { dtype: want.x.dtype, shape: want.x.shape } } as never,
    );
    const run = await program.run({ weights: model.weights, x: inputOf(want) } as never);
    const list = (run as unknown as { list: Tensor[] }).list;
    if (float) {
      const last = list.at(-1)?.data as Float32Array;
      expect(differenceOf(last, want.inputGradient as number[])).toBeLessThan(1e-4);
    }
    // The exporter renames and transposes: parameters are recognized by their numbers.
    const found = Object.entries(params).flatMap(([path, tensor], i) =>
      want.parameters.flatMap((parameter) => {
        const same = formatShape(parameter.shape) === formatShape(tensor.shape);
        const straight = same && differenceOf(tensor.data as Float32Array, parameter.data) < 1e-7;
        const turned =
          parameter.shape.length === 2 &&
          differenceOf(tensor.data as Float32Array, transposed(parameter)) < 1e-7;
        if (!straight && !turned) return [];
        const gradient = straight
          ? parameter.gradient
          : transposed(parameter, [...parameter.gradient]);
        return [[path, differenceOf(list[i]?.data as Float32Array, gradient)] as const];
      }),
    );
    // Gates of the recurrent network are reordered, so that only the gradient of its input is compared.
    const distinct = new Map(found);
    if (name !== "recurrent") expect(distinct.size).toBeGreaterThanOrEqual(4);
    for (const [path, difference] of distinct) expect(difference, path).toBeLessThan(1e-4);
    await program.release();
  });

  it("is exported again with the same inputs and outputs, at other batch sizes too", async () => {
    const again = exportModel(
      ({ weights, x }) => model.apply(weights as never, { x: x as Value }),
      { weights: model.weights, x: model.inputs.x as never } as never,
      { name: model.name },
    );
    const [old, now] = await Promise.all(
      [bytesOf(name), again.bytes].map((bytes) => createSession(bytes, { threads: 1 })),
    );
    const row = want.x.data.length / (want.x.shape[0] as number);
    for (const rows of [1, 2, want.x.shape[0] as number]) {
      const x = tensorOf(
        want.x.data.slice(0, rows * row),
        [rows, ...want.x.shape.slice(1)],
        want.x.dtype,
      );
      const [a, b] = await Promise.all([old, now].map((s) => s?.run(new Map([["x", x]]))));
      const [p, q] = [a, b].map((result) => result?.get("y")?.data as Float32Array);
      expect(differenceOf(p as Float32Array, q as Float32Array)).toBeLessThan(1e-5);
    }
    await Promise.all([old?.release(), now?.release()]);
  });
});
