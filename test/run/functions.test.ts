import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSession } from "../../src/onnx/index.ts";
import {
  compileFunction,
  decodeSafetensors,
  encodeSafetensors,
  evaluateSplit,
  exportFunctions,
  fit as fitMethod,
  mapSplit,
  rowsOf,
} from "../../src/run/index.ts";
import { weightsOf } from "../../src/step/index.ts";
import { type DType, fillNormal, type Tensor, tensorOf, zeros } from "../../src/tensor/index.ts";
import { regression, toySplit } from "./methods.ts";

const method = regression();
const split = toySplit(600, 5);

async function trained() {
  const { state } = await fitMethod({
    method,
    train: split,
    batchSize: 64,
    seed: 0,
    epochs: 2,
    threads: 1,
  });
  return weightsOf(method, state);
}

it("an exported file gives the library's outputs at batch 1, 7 and 64", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reparam-export-"));
  try {
    const weights = await trained();
    const entries = await exportFunctions(method, weights, folder, { threads: 1, split });
    expect(entries.map(({ file }) => file)).toEqual(["encode.onnx"]);
    expect(entries[0]?.inputs).toEqual(["x", "shift", "noise"]);
    expect(entries[0]?.maxDifference).toBeLessThan(1e-5);
    const session = await createSession(readFileSync(join(folder, "encode.onnx")), { threads: 1 });
    const compiled = await compileFunction(method, "encode", weights, { threads: 1 });
    for (const count of [1, 7, 64]) {
      const { x } = rowsOf(split, 0, count) as { x: Tensor };
      const noise = zeros([count]);
      fillNormal(noise.data as Float32Array, { seed: 9, step: count, path: "test" });
      const inputs = { x, noise, shift: tensorOf([0.25], []) };
      const theirs = (await session.run(new Map(Object.entries(inputs)))).get("latent") as Tensor;
      const ours = (await compiled.run(inputs)).latent as Tensor;
      expect(theirs.shape).toEqual([count]);
      const gaps = Array.from(ours.data as Float32Array, (v, i) =>
        Math.abs(v - Number(theirs.data[i])),
      );
      expect(Math.max(...gaps)).toBeLessThan(1e-5);
    }
    await Promise.all([session.release(), compiled.release()]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("a split goes through in chunks, the last one short; open inputs are filled repeatably", async () => {
  const weights = await trained();
  const evaluate = await compileFunction(method, "evaluate", weights, { threads: 1 });
  const { metrics, standardErrors, samples } = await evaluateSplit(evaluate, split);
  const errors = (await evaluate.run(rowsOf(split, 0, 600))).squaredError?.data as Float32Array;
  const mean = errors.reduce((sum, e) => sum + e, 0) / 600;
  const variance = errors.reduce((sum, e) => sum + (e - mean) ** 2, 0) / 599;
  expect(samples).toBe(600);
  expect(metrics.squaredError).toBeCloseTo(mean, 6);
  expect(standardErrors.squaredError).toBeCloseTo(Math.sqrt(variance / 600), 6);
  const encode = await compileFunction(method, "encode", weights, { threads: 1 });
  const first = await mapSplit(encode, split, { seed: 1 });
  expect(await mapSplit(encode, split, { seed: 1 })).toEqual(first);
  expect(await mapSplit(encode, split, { seed: 2 })).not.toEqual(first);
  expect(first.latent?.shape).toEqual([600]);
  await expect(encode.run({})).rejects.toThrow('encode: the input "x" is missing.');
  await expect(encode.run({ x: zeros([4, 2]) })).rejects.toThrow(/encode: x wants \[B, 3\]/);
});

it("safetensors keep every dtype, and notice what is cut off", () => {
  const dtypes: DType[] = ["bool", "float32", "uint8", "int64", "float64", "int32"];
  const tensors = new Map(
    dtypes.map((dtype) => [`t.${dtype}`, tensorOf([1, 0, 1], [3, 1], dtype)]),
  );
  tensors.set("empty", zeros([0, 4]));
  const bytes = encodeSafetensors({ tensors, metadata: { note: "ü" } });
  const back = decodeSafetensors(bytes, "file");
  expect(back.tensors.size).toBe(7);
  for (const [name, tensor] of tensors) expect(back.tensors.get(name)).toEqual(tensor);
  expect(back.metadata.note).toBe("ü");
  for (const length of [0, 5, 40, bytes.length - 1]) {
    expect(() => decodeSafetensors(bytes.slice(0, length), "f")).toThrow(/^f is damaged/);
  }
});
