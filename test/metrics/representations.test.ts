// Nearest neighbours and logistic regression against scikit-learn, and what alignment and uniformity promise.
import { describe, expect, it } from "vitest";
import { alignment, uniformity } from "../../src/metrics/alignment-uniformity.ts";
import { knnAccuracy } from "../../src/metrics/knn-accuracy.ts";
import { labelEfficiency } from "../../src/metrics/label-efficiency.ts";
import { linearProbe } from "../../src/metrics/linear-probe.ts";
import { neighbourMap, principalMap } from "../../src/metrics/maps.ts";
import { vectorIndex } from "../../src/metrics/nearest-neighbours.ts";
import { neuralDependency } from "../../src/neural-dependency.ts";
import { lbfgs } from "../../src/numerics/lbfgs.ts";
import { fillNormal, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";

const golden = readGolden("ksg");
const probeMeta = readGoldenMeta("ksg").probe as { penalty: number; accuracy: number };
const { train, test } = golden as unknown as Record<"train" | "test", Tensor>;
const labels = Array.from(golden.labels?.data as Int32Array);
const truth = Array.from(golden.truth?.data as Int32Array);

const normals = (rows: number, size: number, path: string): Tensor => {
  const data = new Float32Array(rows * size);
  fillNormal(data, { seed: 3, step: 0, path });
  return { dtype: "float32", shape: [rows, size], data };
};

describe("vectorIndex", () => {
  it.each(["cosine", "euclidean"] as const)(
    "finds scikit-learn's neighbours by %s",
    async (distance) => {
      const index = await vectorIndex(train, { neighbours: 5, distance, threads: 1 });
      const { indices, distances } = await index.search(test);
      expect(Array.from(indices)).toEqual(
        Array.from(golden[`neighbours.${distance}`]?.data as Int32Array),
      );
      for (let i = 0; i < distances.length; i++) {
        if (i % 5 > 0) expect(distances[i]).toBeGreaterThanOrEqual(distances[i - 1] as number);
      }
      await index.release();
    },
  );

  it("finds a vector itself first, also far from the origin, where single precision cannot tell", async () => {
    const far = normals(300, 6, "far");
    const shifted = tensorOf(
      Array.from(far.data as Float32Array, (v) => v + 300),
      [300, 6],
    );
    const index = await vectorIndex(shifted, { neighbours: 3, distance: "euclidean", threads: 1 });
    const { indices, distances } = await index.search(shifted, 1);
    expect(Array.from(indices)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect(Math.max(...distances)).toBe(0);
    await index.release();
  });

  it("refuses what does not fit", async () => {
    await expect(vectorIndex(tensorOf([1, 2], [2]))).rejects.toThrow(
      /float32 \[N, D\], got float32\[2\]/,
    );
    const index = await vectorIndex(normals(4, 3, "few"), { threads: 1 });
    expect((await index.search(normals(2, 3, "q"))).indices).toHaveLength(8);
    await expect(index.search(normals(2, 4, "q"))).rejects.toThrow(/queries must be \[Q, 3\]/);
    await index.release();
  });
});

describe("knnAccuracy", () => {
  it("is 1 where classes lie apart, and that of a vote by hand", async () => {
    const apart = tensorOf([5, 0, 5.1, 0.1, -5, 0, -5.1, 0], [4, 2]);
    const own = { vectors: apart, labels: [0, 0, 1, 1] };
    expect(await knnAccuracy(own, own, { neighbours: 2, distance: "euclidean", threads: 1 })).toBe(
      1,
    );
    const found = await knnAccuracy(
      { vectors: train, labels },
      { vectors: test, labels: truth },
      { threads: 1 },
    );
    const near = golden["neighbours.cosine"]?.data as Int32Array;
    const votes = truth.map((_, row) => {
      const five = Array.from(near.subarray(row * 5, row * 5 + 5), (i) => labels[i] as number);
      const count = (c: number): number => five.filter((l) => l === c).length;
      return five.reduce((best, l) => (count(l) > count(best) ? l : best), five[0] as number);
    });
    expect(found).toBe(votes.filter((v, i) => v === truth[i]).length / truth.length);
  });

  it("wants a label for each vector", async () => {
    await expect(
      knnAccuracy({ vectors: train, labels: [1] }, { vectors: test, labels: truth }),
    ).rejects.toThrow(/240 vectors and 1 labels/);
  });
});

describe("linearProbe", () => {
  it("is scikit-learn's logistic regression", async () => {
    const { penalty } = probeMeta;
    const probe = await linearProbe(
      { vectors: train, labels },
      { penalty, tolerance: 1e-9, threads: 1 },
    );
    expect(probe.converged).toBe(true);
    const logits = probe.logits(test);
    for (const [at, wanted] of Array.from(golden["probe.logits"]?.data as Float64Array).entries()) {
      const row = logits.subarray(at - (at % 3), at - (at % 3) + 3);
      const mean = row.reduce((s, v) => s + v, 0) / 3;
      expect((logits[at] as number) - mean).toBeCloseTo(wanted, 5);
    }
    expect(probe.accuracy({ vectors: test, labels: truth })).toBe(probeMeta.accuracy);
  });

  it("does not mind elements that never vary, and wants two classes", async () => {
    const vectors = tensorOf([1, 7, 2, 7, -1, 7, -2, 7], [4, 2]);
    const probe = await linearProbe({ vectors, labels: [1, 1, 0, 0] }, { threads: 1 });
    expect(probe.accuracy({ vectors, labels: [1, 1, 0, 0] })).toBe(1);
    await expect(linearProbe({ vectors, labels: [0, 0, 0, 0] })).rejects.toThrow(
      /at least two classes/,
    );
  });
});

it("lbfgs finds the minimum of Rosenbrock's valley", async () => {
  const found = await lbfgs(
    async (p) => {
      const [x, y] = p as unknown as [number, number];
      const [a, b] = [1 - x, y - x * x];
      return {
        value: a * a + 100 * b * b,
        gradient: Float64Array.of(-2 * a - 400 * x * b, 200 * b),
      };
    },
    Float64Array.of(-1.2, 1),
    { tolerance: 1e-9 },
  );
  expect(found.converged).toBe(true);
  expect(found.iterations).toBeLessThan(100);
  for (const v of found.point) expect(v).toBeCloseTo(1, 6);
});

describe("alignment and uniformity", () => {
  it("are 0 for equal directions, and 2 and −4 or so for many independent ones", () => {
    const one = tensorOf([3, 4, 3, 4, 6, 8], [3, 2]);
    expect(alignment(one, one)).toBe(0);
    expect(uniformity(one)).toBeCloseTo(0, 12);
    const [a, b] = [normals(400, 512, "a"), normals(400, 512, "b")];
    expect(alignment(a, b)).toBeCloseTo(2, 1);
    // The distances² of independent directions gather at 2: log e⁻⁴ in the limit.
    expect(uniformity(a)).toBeCloseTo(-4, 1);
  });

  it("of two opposite points is the mean over the pairs by hand", () => {
    const points = tensorOf([1, 0, -1, 0, 1, 0], [3, 2]);
    // Pairs: (1,2) and (2,3) at distance² 4, (1,3) at 0.
    expect(uniformity(points)).toBeCloseTo(Math.log((1 + 2 * Math.exp(-8)) / 3), 12);
  });
});

describe("labelEfficiency", () => {
  it("takes equally many of each class, and knows more with more labels", async () => {
    const known = { vectors: train, labels };
    const asked = { vectors: test, labels: truth };
    const options = { penalty: probeMeta.penalty, threads: 1 };
    const classes = new Set(labels).size;
    const curve = await labelEfficiency(known, asked, [classes, 5 * classes], options);
    expect(curve.map((point) => point.labels)).toEqual([classes, 5 * classes]);
    const [few, more] = curve.map(({ accuracy }) => accuracy) as [number, number];
    expect(few).toBeGreaterThan(1 / classes);
    expect(more).toBeGreaterThanOrEqual(few);
    await expect(labelEfficiency(known, asked, [1], options)).rejects.toThrow(/0 of each of/);
    await expect(labelEfficiency(known, asked, [1e6], options)).rejects.toThrow(/smallest has/);
  });
});

describe("neuralDependency", () => {
  const settings = { hidden: 32, batchSize: 128, steps: 400, threads: 1 };

  it("is 0 of independent columns, and near the total correlation of normal ones", async () => {
    const rows = 2000;
    const free = normals(rows, 3, "free");
    const independent = await neuralDependency(free, settings);
    expect(Math.abs(independent.value)).toBeLessThan(0.1);
    // Columns a, (a + b)/√2 and c: total correlation −½ log(1 − ½) = 0.347.
    const data = Float32Array.from(free.data as Float32Array, (value, at) =>
      at % 3 === 1 ? (value + Number(free.data[at - 1])) / Math.SQRT2 : value,
    );
    const bound = await neuralDependency({ ...free, data } as Tensor, settings);
    expect(bound.value).toBeGreaterThan(0.2);
    expect(bound.value).toBeLessThan(0.347 + 3 * bound.standardError + 0.05);
    expect(bound.limit).toBeCloseTo(Math.log(400), 10); // a fifth of the rows
  });

  it("says where it says no more than that columns depend", async () => {
    const one = normals(1000, 1, "one").data as Float32Array;
    const same = Float32Array.from({ length: 6000 }, (_, at) => one[Math.floor(at / 6)] as number);
    const tensor: Tensor = { dtype: "float32", shape: [1000, 6], data: same };
    const { value, limit } = await neuralDependency(tensor, { ...settings, batchSize: 64 });
    expect(value).toBeGreaterThan(limit);
  });

  it("refuses too few rows", async () => {
    await expect(neuralDependency(normals(20, 3, "few"))).rejects.toThrow(/20 rows are too few/);
  });
});

describe("maps", () => {
  /** Three clusters along one direction of 6. */
  const clusters = (): Tensor => {
    const cloud = normals(90, 6, "cloud");
    const data = Float32Array.from(cloud.data as Float32Array, (value, at) =>
      at % 6 === 2 ? 0.1 * value + 8 * (Math.floor(at / 6) % 3) : 0.1 * value,
    );
    return { ...cloud, data } as Tensor;
  };
  /** Of rows i with i mod 3 = cluster, along one axis. */
  const centre = (points: Tensor, cluster: number, axis: number): number => {
    let sum = 0;
    for (let row = cluster; row < 90; row += 3) sum += Number(points.data[2 * row + axis]) / 30;
    return sum;
  };

  it("by principal components keep distances along the largest variance", () => {
    const { points, shares } = principalMap(clusters());
    for (const cluster of [0, 1, 2]) {
      expect(centre(points, cluster, 0)).toBeCloseTo(8 * (cluster - 1), 1);
    }
    // Variances 8²·⅔ + 0.1² of 6 elements, and 5 of about 0.1².
    expect(shares?.[0]).toBeGreaterThan(0.998);
    expect((shares?.[1] ?? 1) * 64 * (2 / 3)).toBeLessThan(0.03);
    // More numbers than rows: the same plane by inner products.
    const few = Float32Array.from((clusters().data as Float32Array).subarray(0, 30));
    const tall = principalMap({ dtype: "float32", shape: [5, 6], data: few } as Tensor);
    const spreads = [0, 1, 2, 3, 4].map((row) => Number(tall.points.data[2 * row]));
    expect(Math.max(...spreads) - Math.min(...spreads)).toBeCloseTo(16, 0);
    expect(() => principalMap(normals(2, 6, "two"))).toThrow(/at least 3 vectors/);
  });

  it("by neighbours keep clusters apart, and are the same for the same seed", async () => {
    const { points } = await neighbourMap(clusters(), { neighbours: 10, seed: 1 });
    const again = await neighbourMap(clusters(), { neighbours: 10, seed: 1 });
    expect(again.points.data).toEqual(points.data);
    const at = (row: number): [number, number] => [
      Number(points.data[2 * row]),
      Number(points.data[2 * row + 1]),
    ];
    const gap = (a: readonly number[], b: readonly number[]): number =>
      Math.hypot((a[0] as number) - (b[0] as number), (a[1] as number) - (b[1] as number));
    const centres = [0, 1, 2].map((c) => [centre(points, c, 0), centre(points, c, 1)]);
    for (let row = 0; row < 90; row++) {
      const own = gap(at(row), centres[row % 3] as number[]);
      for (const other of [1, 2]) {
        expect(own).toBeLessThan(gap(at(row), centres[(row + other) % 3] as number[]));
      }
    }
  });
});
