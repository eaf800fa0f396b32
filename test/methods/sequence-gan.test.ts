// What only the players of sequences promise.
import { expect, it } from "vitest";
import { arithmeticEntropy, isArithmetic, loadDataset } from "../../src/data/index.ts";
import { sequenceGan } from "../../src/methods/sequence-gan/sequence-gan.ts";
import { compileFunction, dataShape, fit, sampleRows } from "../../src/run/index.ts";
import { weightsOf } from "../../src/step/index.ts";
import { tensorOf } from "../../src/tensor/index.ts";

const dataset = await loadDataset("arithmetic", { toySize: 3000, validation: 0 });
const symbols = dataset.names?.tokens ?? [];

const methodOf = (options: Record<string, unknown>) =>
  sequenceGan.create(sequenceGan.options.parse({ hidden: 24, ...options }), dataShape(dataset, 64));

it("the data is made of sentences, whose lengths are equally frequent", () => {
  const { data } = dataset.train.columns.tokens!;
  const lengths = new Map<number, number>();
  for (let row = 0; row < dataset.train.length; row++) {
    const own = Array.from(data.subarray(row * 12, (row + 1) * 12), Number);
    const text = own.map((token) => symbols[token]).join("");
    expect(isArithmetic(text)).toBe(true);
    const { length } = text.trimEnd();
    lengths.set(length, (lengths.get(length) ?? 0) + 1);
  }
  expect([...lengths.keys()].sort((a, b) => a - b)).toEqual([1, 3, 5, 7, 9, 11]);
  for (const count of lengths.values()) expect(Math.abs(count - 500)).toBeLessThan(100);
  for (const text of ["", "x+", "+x", "x x", "xx", " x", "x+-x"]) {
    expect(isArithmetic(text)).toBe(false);
  }
});

it("gives sequences probabilities that add up to 1", async () => {
  // Two symbols, three places: eight sequences.
  const shape = {
    columns: { tokens: { dtype: "int32", shape: [8, 3] } },
    ...{ trainSize: 8, batchSize: 8, classes: undefined, names: { tokens: ["a", "b"] } },
  } as const;
  const method = sequenceGan.create(sequenceGan.options.parse({ hidden: 8 }), shape);
  const all = Array.from({ length: 24 }, (_, i) => (Math.floor(i / 3) >> (i % 3)) & 1);
  const tokens = tensorOf(all, [8, 3], "int32");
  const { makeSplit } = await import("../../src/data/index.ts");
  const train = makeSplit({
    tokens: { dtype: "int32", shape: [3], data: Int32Array.from(all) },
  });
  const { state } = await fit({ method, train, batchSize: 8, seed: 0, steps: 3, threads: 1 });
  const compiled = await compileFunction(method, "evaluate", weightsOf(method, state), {
    threads: 1,
  });
  const { negativeLogLikelihood } = await compiled.run({ tokens });
  await compiled.release();
  const total = Array.from(negativeLogLikelihood!.data, Number).reduce(
    (sum, nats) => sum + Math.exp(-nats),
    0,
  );
  expect(total).toBeCloseTo(1, 5);
});

it.each(["maximum-likelihood", "adversarial"])(
  "learns what comes after what: %s",
  { timeout: 60_000 },
  async (objective) => {
    const method = methodOf({ objective, learningRate: 1e-2, discriminatorRate: 1e-2 });
    const options = { method, train: dataset.train, batchSize: 64, seed: 0, threads: 1 };
    const { state } = await fit({ ...options, steps: objective === "adversarial" ? 150 : 120 });
    const weights = weightsOf(method, state);
    const sample = await compileFunction(method, "sample", weights, { threads: 1 });
    const { tokens } = await sampleRows(sample, 400);
    await sample.release();
    // Of symbols by chance, one in six sequences begins with x.
    const first = Array.from({ length: 400 }, (_, row) => Number(tokens!.data[12 * row]));
    const begins = first.filter((token) => symbols[token] === "x").length / 400;
    expect(begins).toBeGreaterThan(0.8);
    if (objective === "adversarial") return;
    const evaluate = await compileFunction(method, "evaluate", weights, { threads: 1 });
    const { data, shape } = dataset.test.columns.tokens!;
    const rows = { dtype: "int32", shape: [dataset.test.length, ...shape], data } as const;
    const { negativeLogLikelihood } = await evaluate.run({ tokens: rows });
    await evaluate.release();
    const nats = Array.from(negativeLogLikelihood!.data, Number);
    const mean = nats.reduce((a, b) => a + b) / nats.length;
    expect(mean).toBeGreaterThan(arithmeticEntropy - 0.3);
    expect(mean).toBeLessThan(arithmeticEntropy + 1);
  },
);
