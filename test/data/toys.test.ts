import { expect, it } from "vitest";
import { loadDataset } from "../../src/data/index.ts";
import { verifyDataset } from "../../src/data/registry.ts";
import { blobParts, toys } from "../../src/data/toys.ts";

const pointsOf = async (name: string, options = {}): Promise<[number, number][]> => {
  const { train } = await loadDataset(name, { toySize: 4000, validation: 0, ...options });
  const data = train.columns.x?.data as Float32Array;
  return Array.from({ length: train.length }, (_, i) => [
    data[2 * i] as number,
    data[2 * i + 1] as number,
  ]);
};

const round = (value: number, unit: number): number => Math.round(value / unit) * unit;

it.each(toys.map(({ name }) => name))(
  "%s is divided, repeatable, and a prefix of more",
  async (name) => {
    const small = await loadDataset(name, { toySize: 1200 });
    expect([small.train, small.validation, small.test].map(({ length }) => length)).toEqual([
      1100, 100, 300,
    ]);
    expect(small.train.columns.x).toMatchObject({ dtype: "float32", shape: [2] });
    expect(await loadDataset(name, { toySize: 1200 })).toEqual(small);
    expect((await pointsOf(name)).slice(0, 50)).toEqual(
      (await pointsOf(name, { toySize: 50 })).slice(0, 50),
    );
    expect(await pointsOf(name, { seed: 1 })).not.toEqual(await pointsOf(name));
    expect(small.test.columns.x?.data.slice(0, 8)).not.toEqual(
      small.train.columns.x?.data.slice(0, 8),
    );
  },
);

/** Number of the 4000 points by place. */
async function countBy(name: string, place: (x: number, y: number) => string): Promise<number[]> {
  const counts = new Map<string, number>();
  for (const [x, y] of await pointsOf(name)) {
    counts.set(place(x, y), (counts.get(place(x, y)) ?? 0) + 1);
  }
  return [...counts.values()];
}

it.each([
  [
    "eight-gaussians",
    8,
    (x: number, y: number) =>
      `${round(Math.atan2(y, x) + 2 * Math.PI, Math.PI / 4) % (2 * Math.PI)}`,
  ],
  ["grid-25", 25, (x: number, y: number) => `${round(x, 2) + 0},${round(y, 2) + 0}`],
  ["checkerboard", 8, (x: number, y: number) => `${Math.floor(x)},${Math.floor(y)}`],
] as const)("%s has %i equal parts", async (name, parts, place) => {
  const counts = await countBy(name, place);
  expect(counts).toHaveLength(parts);
  const [mean, deviation] = [4000 / parts, Math.sqrt(4000 / parts)];
  for (const count of counts) expect(Math.abs(count - mean)).toBeLessThan(5 * deviation);
});

it("points lie as far from their curve as the noise says", async () => {
  const deviation = (distances: number[]): number =>
    Math.sqrt(distances.reduce((sum, d) => sum + d * d, 0) / distances.length);
  const moons = (await pointsOf("two-moons")).map(([x, y]) =>
    Math.min(...[Math.hypot(x, y), Math.hypot(x - 1, y - 0.5)].map((r) => Math.abs(r - 1))),
  );
  expect(deviation(moons)).toBeCloseTo(0.1, 2);
  const ring = (await pointsOf("eight-gaussians")).map(([x, y]) => Math.hypot(x, y) - 2);
  expect(deviation(ring)).toBeCloseTo(0.05, 2);
  // Nearer to the middle, the spiral is not across the radius.
  const turns = (await pointsOf("spiral"))
    .filter(([x, y]) => Math.hypot(x, y) > 0.6)
    .map(([x, y]) => {
      const part = (Math.atan2(y, x) / (2 * Math.PI) + 1) % 1;
      return Math.min(...[0, 1, 2].map((turn) => Math.abs(Math.hypot(x, y) - part - turn)));
    });
  expect(deviation(turns)).toBeCloseTo(0.05, 2);
});

it("they have neither files nor images", async () => {
  await expect(verifyDataset("spiral")).rejects.toThrow(/generated when it is used/);
  await expect(loadDataset("spiral", { imageSize: 8 })).rejects.toThrow(/points, not images/);
  await expect(loadDataset("spiral", { toySize: 0 })).rejects.toThrow(/toySize must be/);
});

it("blobs have the weights, means and covariances that they say, and labels", async () => {
  const { train, classes } = await loadDataset("blobs", { toySize: 20000, validation: 0 });
  const [x, label] = ["x", "label"].map((name) => Array.from(train.columns[name]!.data, Number));
  expect(classes).toHaveLength(blobParts.length);
  for (const [part, { weight, mean, factor }] of blobParts.entries()) {
    const [a, b, c] = factor;
    const rows = label!.flatMap((of, i) => (of === part ? [[x![2 * i]!, x![2 * i + 1]!]] : []));
    const n = rows.length;
    expect(Math.abs(n / 20000 - weight)).toBeLessThan(
      5 * Math.sqrt((weight * (1 - weight)) / 20000),
    );
    const centre = [0, 1].map((k) => rows.reduce((sum, row) => sum + row[k]!, 0) / n);
    const covariance = (i: number, j: number): number =>
      rows.reduce((sum, row) => sum + (row[i]! - centre[i]!) * (row[j]! - centre[j]!), 0) / n;
    const [vx, vy] = [a * a, b * b + c * c];
    expect(Math.abs(centre[0]! - mean[0])).toBeLessThan(5 * Math.sqrt(vx / n));
    expect(Math.abs(centre[1]! - mean[1])).toBeLessThan(5 * Math.sqrt(vy / n));
    // A sample variance has the relative deviation √(2/n), a covariance at most that of its variances.
    const slack = 5 * Math.sqrt(2 / n);
    expect(Math.abs(covariance(0, 0) - vx)).toBeLessThan(slack * vx);
    expect(Math.abs(covariance(1, 1) - vy)).toBeLessThan(slack * vy);
    expect(Math.abs(covariance(0, 1) - a * b)).toBeLessThan(slack * Math.sqrt(vx * vy));
  }
});

it("points are float64 on request, the same ones", async () => {
  const [single, double] = await Promise.all(
    (["float32", "float64"] as const).map((dtype) => loadDataset("spiral", { toySize: 30, dtype })),
  );
  expect(double!.train.columns.x!.dtype).toBe("float64");
  expect(Float32Array.from(double!.train.columns.x!.data as Float64Array)).toEqual(
    single!.train.columns.x!.data,
  );
});
