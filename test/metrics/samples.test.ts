// Figures of generated samples against references in NumPy, SciPy and scikit-learn, and what they promise besides.
import { describe, expect, it } from "vitest";
import {
  classCounts,
  classifierAccuracyScore,
  classScore,
  createFeatureExtractor,
  extrapolate,
  featureStatistics,
  frechetAtInfinity,
  frechetDistance,
  kernelDistance,
  manifoldFigures,
  modeFigures,
  projectedWasserstein,
  sampleFigures,
  slicedWasserstein,
} from "../../src/metrics/index.ts";
import { exportModel } from "../../src/onnx/index.ts";
import { mean } from "../../src/ops/index.ts";
import { dim, fillNormal, spec, type Tensor, tensor } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";

const golden = readGolden("metrics");
const array = (name: string): Tensor => {
  const { data, shape } = golden[`samples.${name}`] as { data: Float64Array; shape: number[] };
  return tensor(data as Float64Array<ArrayBuffer>, shape);
};
const number = (name: string): number => Number(array(name).data[0]);
const [x, y] = [array("x"), array("y")];
const threads = 1;

const rows = (set: Tensor, from: number, to: number): Tensor => {
  const size = set.shape[1] as number;
  return tensor((set.data as Float64Array).slice(from * size, to * size), [to - from, size]);
};

/** Normal vectors times `scale`, their first element moved by `shift`. */
function normals(path: string, count: number, size: number, shift = 0, scale = 1): Tensor {
  const data = new Float64Array(count * size);
  fillNormal(data, { seed: 1, step: 0, path });
  return tensor(
    data.map((v, i) => scale * v + (i % size === 0 ? shift : 0)),
    [count, size],
  );
}

describe("kernel distance", () => {
  it("of one subset is the unbiased estimator", async () => {
    const found = await kernelDistance(rows(x, 0, 45), y, { subsetSize: 45, threads });
    expect(found.distance / number("kernel")).toBeCloseTo(1, 12);
    expect(found).toMatchObject({ subsets: 1, subsetSize: 45, standardError: undefined });
  });

  it("of sets alike is within its standard error of 0, of others far beyond, at any number of samples", async () => {
    const real = normals("real", 2000, 8);
    const same = await kernelDistance(real, normals("same", 2000, 8), { threads });
    expect(same).toMatchObject({ subsets: 10, subsetSize: 200 });
    expect(Math.abs(same.distance)).toBeLessThan(4 * (same.standardError as number));
    const moved = normals("moved", 2000, 8, 0.7);
    const other = await kernelDistance(real, moved, { threads });
    expect(other.distance).toBeGreaterThan(6 * (other.standardError as number));
    const few = await kernelDistance(rows(real, 0, 400), rows(moved, 0, 400), { threads });
    expect(Math.abs(few.distance - other.distance)).toBeLessThan(
      3 * Math.hypot(few.standardError as number, other.standardError as number),
    );
  });

  it("refuses vectors of two sizes, and subsets larger than the sets", async () => {
    await expect(kernelDistance(x, normals("x", 9, 5))).rejects.toThrow(/one size, got 6 and 5/);
    await expect(kernelDistance(x, y, { subsetSize: 50 })).rejects.toThrow(
      "kernelDistance: subsets of 50 do not fit sets of 60 and 45. Use 2 to 45.",
    );
  });
});

describe("precision, recall, density and coverage", () => {
  it.each([3, 5])("with %i neighbours are those of a search pair by pair", async (neighbours) => {
    const found = await manifoldFigures(x, y, { neighbours, threads });
    const want = Array.from(array(`manifold.${neighbours}`).data, Number);
    const got = [found.precision, found.recall, found.density, found.coverage];
    for (const [i, v] of got.entries()) expect(v).toBeCloseTo(want[i] as number, 12);
  });

  it("tell a loss of variety from a loss of quality", async () => {
    const real = normals("real", 300, 4);
    const narrow = await manifoldFigures(real, normals("narrow", 300, 4, 0, 0.3), { threads });
    const wide = await manifoldFigures(real, normals("wide", 300, 4, 0, 3), { threads });
    expect(narrow.precision).toBeGreaterThan(0.95);
    expect(narrow.recall).toBeLessThan(0.3);
    expect(wide.precision).toBeLessThan(0.5);
    expect(wide.recall).toBeGreaterThan(0.9);
  });

  it("refuse more neighbours than there are", async () => {
    await expect(manifoldFigures(x, y, { neighbours: 45 })).rejects.toThrow(/Use 1 to 44/);
  });
});

describe("scores of a classifier", () => {
  it("the class score is exp of the mean divergence from the marginal", () => {
    expect(classScore(array("logits"), { parts: 1 }).score).toBeCloseTo(number("score"), 12);
  });

  it("is the number of classes where all are sure and equally common, and 1 where nothing is", () => {
    const sure = Float64Array.from({ length: 400 }, (_, i) => (i % 4 === (i >> 2) % 4 ? 2000 : 0));
    expect(classScore(tensor(sure, [100, 4]), { parts: 1 }).score).toBeCloseTo(4, 10);
    expect(classScore(tensor(new Float64Array(400), [100, 4])).score).toBeCloseTo(1, 12);
    expect(classCounts(tensor(sure, [100, 4]))).toEqual([25, 25, 25, 25]);
  });

  it("the accuracy score is that on real rows, of a classifier of generated ones", async () => {
    const labelled = (path: string, gap: number) => {
      const vectors = normals(path, 200, 3);
      const labels = Array.from({ length: 200 }, (_, i) => i % 2);
      const data = (vectors.data as Float64Array).map((v, i) =>
        i % 3 === 0 && labels[Math.floor(i / 3)] === 1 ? v + gap : v,
      );
      return { vectors: tensor(data as Float64Array<ArrayBuffer>, [200, 3]), labels };
    };
    const real = labelled("real", 6);
    expect(await classifierAccuracyScore(labelled("fake", 6), real, { threads })).toBeGreaterThan(
      0.98,
    );
    // Generated classes that are exchanged teach the wrong thing.
    expect(await classifierAccuracyScore(labelled("wrong", -6), real, { threads })).toBeLessThan(
      0.6,
    );
  });
});

describe("sliced Wasserstein distance", () => {
  it("of sets of other sizes is that of their quantile functions", () => {
    expect(projectedWasserstein(x, y, array("directions"))).toBeCloseTo(number("sliced"), 10);
    expect(projectedWasserstein(y, x, array("directions"))).toBeCloseTo(number("sliced"), 10);
  });

  it("of a shift by s is s·√(E cos²) = s/√D, and of equal sets 0", () => {
    const set = normals("set", 500, 4);
    const moved = normals("set", 500, 4, 2);
    expect(slicedWasserstein(set, moved, { projections: 2000 })).toBeCloseTo(1, 1);
    expect(slicedWasserstein(set, set)).toBe(0);
  });
});

describe("Fréchet distance of infinitely many samples", () => {
  it("is where the line through the distances of several sizes meets 1/n = 0", () => {
    const sizes = Array.from(array("sizes").data, Number);
    const real = featureStatistics(x);
    const distances = sizes.map((n) => frechetDistance(real, featureStatistics(rows(y, 0, n))));
    for (const [i, v] of distances.entries()) {
      expect(v / Number(array("distances").data[i])).toBeCloseTo(1, 8);
    }
    expect(extrapolate(sizes, distances)).toBeCloseTo(number("infinite"), 6);
  });

  it("is nearer to the truth than that of all samples", () => {
    // Samples of the very distribution: the distance is 0, all of what is found is bias.
    const real = { count: 1, mean: new Float64Array(16), covariance: new Float64Array(256) };
    for (let i = 0; i < 16; i++) real.covariance[17 * i] = 1;
    const fake = normals("fake", 600, 16);
    const plain = frechetDistance(real, featureStatistics(fake));
    const { distance, sizes } = frechetAtInfinity(real, fake);
    expect(sizes).toHaveLength(15);
    expect([sizes[0], sizes[14]]).toEqual([60, 600]);
    expect(plain).toBeGreaterThan(0.05);
    expect(Math.abs(distance)).toBeLessThan(0.3 * plain);
  });
});

describe("modes", () => {
  const modes = {
    modes: [
      [[0, 0]],
      [[4, 0]],
      [
        [0, 4],
        [4, 4],
      ],
    ],
    deviation: 0.5,
  };

  it("count good samples at the nearest one, those of a curve at all of its points", () => {
    const points = tensor(
      Float64Array.of(0, 0, 0.1, 1.4, 1.6, 0, 4, 0, 4, 4, 0, 4.5, 9, 9),
      [7, 2],
    );
    expect(modeFigures(points, modes, { least: 0.2 })).toEqual({
      ...{ covered: 2, modes: 3, counts: [2, 1, 2] },
      good: 5 / 7,
    });
  });

  it("want 20 of 2500 samples unless told otherwise", () => {
    const points = (second: number): Tensor =>
      tensor(
        Float64Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 && i < 2 * second ? 4 : 0)),
        [2500, 2],
      );
    expect(modeFigures(points(19), modes).covered).toBe(1);
    expect(modeFigures(points(20), modes).covered).toBe(2);
  });

  it("refuse points of another size", () => {
    expect(() => modeFigures(x, modes)).toThrow(/points of 6 numbers, as the samples are, got 2/);
  });
});

describe("all figures together", () => {
  it("are those of each metric", async () => {
    const figures = await sampleFigures(x, y, { threads, infinite: true });
    expect(figures.density).toBeCloseTo(Number(array("manifold.5").data[2]), 12);
    expect(figures.frechetDistance).toBe(
      frechetDistance(featureStatistics(x), featureStatistics(y)),
    );
    expect(figures.frechetAtInfinity).toBeLessThan(figures.frechetDistance * 1.5);
    expect(Object.keys(figures)).toHaveLength(9);
  });
});

describe("an extractor that the user names", () => {
  const model = (channels: number) =>
    exportModel(
      ({ pixels }) => ({
        inner: mean(pixels as Value, [2, 3]),
        other: (pixels as Value).mul(2),
      }),
      { weights: {}, pixels: spec("float32", [dim("B"), channels, 4, 4]) },
      { name: "means" },
    ).bytes as Uint8Array<ArrayBuffer>;
  const grey = tensor(new Uint8Array(32).fill(51), [2, 1, 4, 4]);

  it.each([
    ["unit", 0.2],
    ["symmetric", -0.6],
    ["bytes", 51],
  ] as const)("takes numbers of the scale %s, and grey images as colour", async (scale, want) => {
    const options = { threads, scale, output: "inner" };
    const extractor = await createFeatureExtractor(model(3), options);
    const { shape, data } = await extractor.features(grey);
    expect(shape).toEqual([2, 3]);
    for (const v of data) expect(Number(v)).toBeCloseTo(want, 5);
    await extractor.release();
  });

  it("says which outputs there are, and which images it takes", async () => {
    await expect(createFeatureExtractor(model(3))).rejects.toThrow(
      'the extractor has no output "features". Choose from inner, other.',
    );
    const extractor = await createFeatureExtractor(model(1), { output: "other" });
    const wide = tensor(new Uint8Array(40), [2, 1, 4, 5]);
    await expect(extractor.features(wide)).rejects.toThrow(
      /takes images \[1, 4, 4\], got \[1, 4, 5\]/,
    );
    expect((await extractor.features(grey)).shape).toEqual([2, 16]);
    await extractor.release();
  });
});
