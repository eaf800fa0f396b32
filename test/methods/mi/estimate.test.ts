// estimateMutualInformation where the truth is known: correlated normals, independent ones, and invertible maps.
import { describe, expect, it } from "vitest";
import { estimateMutualInformation, informationMethods } from "../../../src/mutual-information.ts";
import type { InformationProgress } from "../../../src/mutual-information-training.ts";
import { fillNormal, type Tensor } from "../../../src/tensor/index.ts";

const size = 2;
const rho = 0.8;
const exact = (-size / 2) * Math.log(1 - rho ** 2);

function draw(path: string, rows: number): Float64Array {
  const data = new Float64Array(rows * size);
  fillNormal(data, { seed: 11, step: 0, path });
  return data;
}

const tensor64 = (data: Float64Array, width = size): Tensor => ({
  ...{ dtype: "float64", shape: [data.length / width, width] },
  data: data as Float64Array<ArrayBuffer>,
});

function pairs(rows: number): { x: Tensor; y: Tensor } {
  const [x, noise] = [draw("x", rows), draw("noise", rows)];
  const y = x.map((v, i) => rho * v + Math.sqrt(1 - rho ** 2) * (noise[i] as number));
  return { x: tensor64(x), y: tensor64(y) };
}

const small = {
  hidden: 32,
  embedding: 8,
  batchSize: 64,
  steps: 400,
  learningRate: 2e-3,
  threads: 1,
};

describe.each(informationMethods)("%s", (method) => {
  it("finds the information of correlated normals, and reports on it", async () => {
    const { x, y } = pairs(2500);
    const found = await estimateMutualInformation(x, y, { ...small, method });
    expect(found.method).toBe(method);
    expect(Math.abs(found.value - exact)).toBeLessThan(0.2);
    expect(found.standardError).toBeGreaterThan(0);
    expect(found.standardError).toBeLessThan(0.15);
    expect(found.interval[0]).toBeLessThan(found.value);
    expect(found.obeys).not.toBe("");
    expect(found.limit).toBe(method === "infonce" ? Math.log(64) : undefined);
    expect(found.warnings).toEqual([]);
    const held = Math.floor(Math.floor(2500 / 5) / 64) * 64;
    expect(found.pairs).toBe(method === "kraskov" ? 2500 : held);
  });
});

it.each(["bilinear", "concatenated"] as const)(
  "the %s critic: jsd is near its best too",
  async (critic) => {
    const { x, y } = pairs(2500);
    const found = await estimateMutualInformation(x, y, { ...small, method: "jsd", critic });
    // A bilinear critic lacks the squares of the log-ratio, and finds less.
    const least = critic === "bilinear" ? 0.3 : exact - 0.25;
    expect(found.value).toBeGreaterThan(least);
    expect(found.value).toBeLessThan(exact + 0.2);
  },
);

it("is near 0 for independent pairs, and stops early there", async () => {
  const [x, y] = [tensor64(draw("x", 1500)), tensor64(draw("other", 1500))];
  const history: InformationProgress[] = [];
  const found = await estimateMutualInformation(x, y, {
    ...{ ...small, steps: 3000, patience: 4, method: "nwj" },
    onProgress: (progress) => history.push(progress),
  });
  expect(Math.abs(found.value)).toBeLessThan(0.08);
  expect(found.steps).toBeLessThan(3000);
  expect(history.at(-1)?.step).toBe(found.steps);
  const best = history.reduce((a, b) => (b.objective > a.objective ? b : a));
  expect(found.bestStep).toBe(best.step);
});

it("does not change under affine maps of either side, and repeats itself by seed", async () => {
  const { x, y } = pairs(1500);
  const options = { ...small, steps: 100, method: "infonce" } as const;
  const first = await estimateMutualInformation(x, y, options);
  const mapped = (y.data as Float64Array).map((v, i) => (i % 2 === 0 ? 1e4 + 300 * v : -2e-3 * v));
  const moved = await estimateMutualInformation(x, tensor64(mapped), options);
  expect(await estimateMutualInformation(x, y, options)).toEqual(first);
  // The second element changed its sign, and with it what the weights do: equal only in what can be known.
  expect(Math.abs(moved.value - first.value)).toBeLessThan(0.3);
  const scaled = (y.data as Float64Array).map((v, i) =>
    i % 2 === 0 ? 1e4 + 300 * v : 5 + 4e-3 * v,
  );
  const same = await estimateMutualInformation(x, tensor64(scaled), options);
  expect(same.value).toBeCloseTo(first.value, 3);
});

it("barber-agakov whitens y: linear mixtures of normals have their exact information", async () => {
  const { x, y } = pairs(2500);
  const mixed = (y.data as Float64Array).map((v, i, all) =>
    i % 2 === 0 ? v : 0.97 * (all[i - 1] as number) + 0.1 * v,
  );
  const options = { ...small, method: "barber-agakov" } as const;
  const found = await estimateMutualInformation(x, tensor64(mixed), options);
  expect(Math.abs(found.value - exact)).toBeLessThan(0.2);
});

it("barber-agakov by a mixture: information that no single normal distribution shows", async () => {
  // y = ±x + noise and x is 1 or 3: y tells x, log 2 nats, while its mean is always 0.
  const rows = 4000;
  const [sizes, signs, noise] = ["sizes", "signs", "noise"].map((path) => draw(path, rows));
  const x = Float64Array.from({ length: rows }, (_, i) => ((sizes?.[i] as number) > 0 ? 1 : 3));
  const y = x.map((v, i) => v * Math.sign(signs?.[i] as number) + 0.25 * (noise?.[i] as number));
  const settings = { ...small, method: "barber-agakov", learningRate: 1e-2, steps: 1500 } as const;
  const estimate = (components: number) =>
    estimateMutualInformation(tensor64(x, 1), tensor64(y, 1), { ...settings, components });
  const [one, four] = [await estimate(1), await estimate(4)];
  expect(one.value).toBeLessThan(0.4);
  expect(Math.abs(four.value - Math.log(2))).toBeLessThan(0.05);
  expect(four.obeys).toMatch(/such a mixture/);
  await expect(estimate(0)).rejects.toThrow(/components must be an integer of at least 1, got 0/);
});

it("ends with what it has when it is told to", async () => {
  const { x, y } = pairs(600);
  const controller = new AbortController();
  const found = await estimateMutualInformation(x, y, {
    ...{ ...small, steps: 10_000, patience: 1000, signal: controller.signal },
    onProgress: ({ step }) => {
      if (step >= 40) controller.abort();
    },
  });
  expect(found.steps).toBeLessThanOrEqual(60);
  expect(Number.isFinite(found.value)).toBe(true);
});

it("refuses pairs that are none", async () => {
  const { x, y } = pairs(100);
  const short = tensor64((y.data as Float64Array).slice(0, 40));
  await expect(estimateMutualInformation(x, short)).rejects.toThrow(/x has 100 rows and y 20/);
  const holes = tensor64((x.data as Float64Array).map((v, i) => (i === 7 ? Number.NaN : v)));
  await expect(estimateMutualInformation(holes, y)).rejects.toThrow(/x: row 3 has NaN/);
  const few = pairs(20);
  await expect(estimateMutualInformation(few.x, few.y)).rejects.toThrow(/20 pairs are too few/);
  await expect(estimateMutualInformation(x, y, { method: "magic" as never })).rejects.toThrow(
    /no estimator "magic"/,
  );
});
