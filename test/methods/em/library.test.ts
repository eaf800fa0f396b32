// Library calls beside a training: rows that arrive in batches, known mixtures, k-means++.
import { describe, expect, it } from "vitest";
import { gaussianMixtureOf, kMeansPlusPlus } from "../../../src/methods/em/index.ts";
import { compileFunction, openPartialFit } from "../../../src/run/index.ts";
import { dim, spec, tensor } from "../../../src/tensor/index.ts";
import {
  blobs,
  float64,
  methodFor,
  numbers,
  relativeGap,
  rows,
  splitOf,
  trainOn,
  type Weights,
} from "./data.ts";

const columns = { x: spec("float64", [dim("B"), 2]) };

describe("openPartialFit", () => {
  it("is online EM: the numbers of a training on the same batches", async () => {
    const x = blobs(300, { seed: 2 });
    const parameters = JSON.stringify({
      weights: [0.3, 0.7],
      means: [...x.slice(0, 4)],
      covariances: [1, 0, 0, 1, 2, 0, 0, 2],
    });
    const options = { components: 2, algorithm: "online", parameters };
    const method = await methodFor("gaussian-mixture", options, columns);
    const online = openPartialFit(method, { threads: 1 });
    const losses: number[] = [];
    for (let i = 0; i < 4; i++) {
      losses.push((await online.partialFit({ x: rows(x, 2) })).loss as number);
    }
    const weights = online.weights() as unknown as Weights;
    await online.release();
    // Batches of all rows, in whatever order.
    const trained = await trainOn("gaussian-mixture", options, splitOf({ x: float64([2], x) }), {
      ...{ steps: 4, batchSize: 300 },
    });
    expect(online.steps).toBe(4);
    expect(losses[3]).toBeLessThan(losses[0] as number);
    expect(relativeGap(trained.losses, losses)).toBeLessThan(1e-12);
    for (const name of ["weights", "means", "covariances"]) {
      const gap = relativeGap(numbers(trained.weights[name]), numbers(weights[name]));
      expect(gap, name).toBeLessThan(1e-10);
    }
  });

  it("refuses methods of several phases", async () => {
    const method = await methodFor("gaussian-mixture", { starts: 2 }, columns);
    expect(() => openPartialFit(method)).toThrow(/2 phases, one is wanted/);
  });
});

describe("gaussianMixtureOf", () => {
  const known = {
    weights: [0.25, 0.75],
    means: [
      [0, 1],
      [2, -1],
    ],
    covariances: [
      [
        [1, 0.5],
        [0.5, 2],
      ],
      [
        [0.5, 0],
        [0, 0.5],
      ],
    ],
  };

  it("scores rows by the given parameters, where some are missing as well", async () => {
    const { method, weights } = gaussianMixtureOf(known);
    const encode = await compileFunction(method, "encode", weights, { threads: 1 });
    const x = rows([0.5, 0, Number.NaN, 0], 2);
    const { logDensity } = await encode.run({ x });
    await encode.release();
    // N(x; μ₁, Σ₁) with |Σ₁| = 1.75 and d = (0.5, −1): dᵀΣ⁻¹d = (2·0.25 + 0.5 + 1)/1.75.
    const first = Math.exp(-1 / 1.75) / (2 * Math.PI * Math.sqrt(1.75));
    const second = Math.exp(-(1.5 ** 2 + 1)) / Math.PI;
    expect(numbers(logDensity)[0]).toBeCloseTo(Math.log(0.25 * first + 0.75 * second), 12);
    const normal = (d: number, variance: number): number =>
      Math.exp((-d * d) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);
    const marginal = 0.25 * normal(-1, 2) + 0.75 * normal(1, 0.5);
    expect(numbers(logDensity)[1]).toBeCloseTo(Math.log(marginal), 12);
  });

  it("says what does not fit", () => {
    expect(() => gaussianMixtureOf({ ...known, weights: [0.5, 0.6] })).toThrow(/sum to 1/);
    expect(() => gaussianMixtureOf(known, "tied")).toThrow(/covariances must be \[1, 2, 2\]/);
    const flat = [
      ...known.covariances.slice(0, 1),
      [
        [1, 1],
        [1, 1],
      ],
    ];
    expect(() => gaussianMixtureOf({ ...known, covariances: flat })).toThrow(
      /component 1 is not positive/,
    );
  });
});

describe("kMeansPlusPlus", () => {
  const x = blobs(200, { seed: 3, clusters: 4, apart: 30 });

  it("finds a centre in every one of clusters that lie far apart", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { centres, labels } = kMeansPlusPlus(rows(x, 2), 4, { seed });
      expect(centres.shape).toEqual([4, 2]);
      // The clusters take turns in the rows.
      expect(new Set(labels.slice(0, 4)).size).toBe(4);
      expect(labels.every((label, i) => label === labels[i % 4])).toBe(true);
    }
  });

  it("wants as many rows as centres, all finite", () => {
    expect(() => kMeansPlusPlus(rows([1, 2], 2), 2)).toThrow(/at least 2 rows/);
    expect(() => kMeansPlusPlus(tensor(Float64Array.of(Number.NaN, 1), [1, 2]), 1)).toThrow(
      /finite/,
    );
  });
});

it("takes weights of float32 as of float64", async () => {
  const x = blobs(60, { seed: 4 });
  const weight = Array.from({ length: 60 }, (_, i) => i % 3);
  const wide = splitOf({ x: float64([2], x), weight: float64([], weight) });
  const narrow = splitOf({
    x: float64([2], x),
    weight: { dtype: "float32", shape: [], data: Float32Array.from(weight) },
  });
  const a = await trainOn("gaussian-mixture", {}, wide, { steps: 4 });
  const b = await trainOn("gaussian-mixture", {}, narrow, { steps: 4 });
  expect(relativeGap(a.losses, b.losses)).toBe(0);
});
