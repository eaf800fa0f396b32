// Models that onnxruntime's tools quantized (test/golden/imported_quantized.py), against the runtime.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadDataset } from "../../src/data/index.ts";
import { compile, createSession } from "../../src/onnx/index.ts";
import { fromOnnx } from "../../src/onnx-import/index.ts";
import { rowsOf } from "../../src/run/index.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";

const root = new URL("../../", import.meta.url);
const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, root)));
const rows = 48;

const digits = async (): Promise<Record<string, Tensor>> => {
  const { test } = await loadDataset(new URL("test/data/mnist-sample", root).pathname);
  return { image: rowsOf(test, 0, rows).image as Tensor };
};

type Outputs = Record<string, Tensor>;

/** What our reading gives, and what the runtime gives for the file. */
async function both(
  bytes: Uint8Array,
  inputs: Record<string, Tensor>,
): Promise<[Outputs, Outputs]> {
  const model = fromOnnx(bytes);
  const program = await compile(
    (given) => {
      const { weights, ...rest } = given as Record<string, unknown>;
      return { outputs: model.apply(weights as never, rest as never) } as never;
    },
    { weights: model.weights, ...model.inputs } as never,
    { threads: 1 },
  );
  const ours = (await program.run({ weights: model.weights, ...inputs } as never)) as unknown as {
    outputs: Outputs;
  };
  const session = await createSession(bytes, { threads: 1 });
  const theirs = await session.run(new Map(Object.entries(inputs)));
  await Promise.all([program.release(), session.release()]);
  return [ours.outputs, Object.fromEntries(theirs)];
}

const largestDifference = (a: Tensor, b: Tensor): number =>
  Array.from(b.data as Float32Array, (v, i) => Math.abs(Number(a.data[i]) - v)).reduce(
    (most, gap) => Math.max(most, gap),
    0,
  );

const classesOf = ({ data, shape }: Tensor): number[] => {
  const classes = shape[1] as number;
  return Array.from({ length: shape[0] as number }, (_, row) => {
    const scores = Array.from(data.slice(row * classes, (row + 1) * classes) as Float32Array);
    return scores.indexOf(Math.max(...scores));
  });
};

it("ScatterElements of a part of the other axes is the runtime's", async () => {
  const numbers = (count: number, shape: number[]): Tensor =>
    tensorOf(
      Array.from({ length: count }, (_, i) => Math.sin(i + count)),
      shape,
    );
  const at = tensorOf([0, 3, 3, -1, 1, 1], [2, 3, 1], "int64");
  const inputs = { x: numbers(24, [3, 4, 2]), at, updates: numbers(6, [2, 3, 1]) };
  const [ours, theirs] = await both(bytesOf("test/golden/imported/scatter-part.onnx"), inputs);
  expect(largestDifference(ours.y as Tensor, theirs.y as Tensor)).toBeLessThan(1e-6);
  expect(largestDifference(ours.y as Tensor, inputs.x)).toBeGreaterThan(0.1);
});

describe("a quantized model", () => {
  it("static, of digits: the runtime's numbers, and nearly the classes of the model in full", async () => {
    const images = await digits();
    const [ours, theirs] = await both(bytesOf("test/golden/imported/mnist-qdq.onnx"), images);
    expect(Object.keys(theirs).sort()).toEqual(["features", "logits"]);
    for (const [name, value] of Object.entries(theirs)) {
      expect(largestDifference(ours[name] as Tensor, value), name).toBeLessThan(1e-5);
    }
    const [full] = await both(bytesOf("assets/features/mnist.onnx"), images);
    const exact = classesOf(full.logits as Tensor);
    const found = classesOf(ours.logits as Tensor);
    expect(exact.filter((c, i) => c === found[i]).length).toBeGreaterThanOrEqual(rows - 1);
    // Steps of 8 bits are seen in the scores.
    const gap = largestDifference(ours.logits as Tensor, full.logits as Tensor);
    expect(gap).toBeGreaterThan(0.01);
    expect(gap).toBeLessThan(1.5);
  });

  it("dynamic, a transformer: the runtime's numbers", async () => {
    const file = bytesOf("test/golden/imported/gpt-dynamic.onnx");
    const { x } = fromOnnx(file).inputs;
    const tokens = tensorOf(
      Array.from({ length: 12 }, (_, i) => (i * 7) % 11),
      [2, 6],
      x?.dtype,
    );
    const [ours, theirs] = await both(file, { x: tokens });
    expect(theirs.y?.shape).toEqual([2, 6, 11]);
    expect(largestDifference(ours.y as Tensor, theirs.y as Tensor)).toBeLessThan(1e-5);
  });
});
