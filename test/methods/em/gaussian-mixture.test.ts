import { describe, expect, it } from "vitest";
import { tensor } from "../../../src/tensor/index.ts";
import {
  blobs,
  float64,
  normals,
  numbers,
  relativeGap,
  rows,
  splitOf,
  trainOn,
  uniforms,
} from "./data.ts";

const kinds = ["full", "tied", "diagonal", "spherical"] as const;

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

describe("gaussian-mixture", () => {
  it.each(kinds)("counts a row of weight 3 like three rows: %s", async (covariance) => {
    const x = blobs(90, { seed: 4 });
    const weight = Array.from({ length: 90 }, (_, i) => i % 4);
    const repeated = weight.flatMap((times, i) =>
      Array(times)
        .fill([...x.slice(2 * i, 2 * i + 2)])
        .flat(),
    );
    const parameters = JSON.stringify({
      weights: [0.5, 0.5],
      means: [...x.slice(2, 6)],
      covariances: {
        full: [1, 0, 0, 1, 1, 0, 0, 1],
        tied: [1, 0, 0, 1],
        diagonal: [1, 1, 1, 1],
        spherical: [1, 1],
      }[covariance],
    });
    const options = { components: 2, covariance, parameters, tolerance: 0 };
    const weighted = { x: float64([2], x), weight: float64([], weight) };
    const a = await trainOn("gaussian-mixture", options, splitOf(weighted), { steps: 8 });
    const b = await trainOn("gaussian-mixture", options, splitOf({ x: float64([2], repeated) }), {
      steps: 8,
    });
    expect(relativeGap(a.losses, b.losses)).toBeLessThan(1e-12);
    for (const [name, { data }] of Object.entries(a.weights)) {
      expect(relativeGap(data as Float64Array, numbers(b.weights[name])), name).toBeLessThan(1e-10);
    }
  });

  it.each(kinds)(
    "gives the log-density of its parameters, and responsibilities that sum to 1: %s",
    async (covariance) => {
      const x = blobs(60, { seed: 5 });
      const { weights, call } = await trainOn(
        "gaussian-mixture",
        { covariance },
        splitOf({ x: float64([2], x) }),
      );
      const { logDensity, latent } = await call("encode", { x: rows(x, 2) });
      const [w, m, c] = ["weights", "means", "covariances"].map((name) =>
        numbers(weights[name]),
      ) as [Float64Array, Float64Array, Float64Array];
      const matrix = (k: number): [number, number, number] => {
        const at = covariance === "full" ? 4 * k : 0;
        if (covariance === "full" || covariance === "tied") return [c[at]!, c[at + 1]!, c[at + 3]!];
        return covariance === "diagonal" ? [c[2 * k]!, 0, c[2 * k + 1]!] : [c[k]!, 0, c[k]!];
      };
      const density = (a: number, b: number): number =>
        [0, 1, 2].reduce((sum, k) => {
          const [p, q, r] = matrix(k);
          const determinant = p * r - q * q;
          const [u, v] = [a - m[2 * k]!, b - m[2 * k + 1]!];
          const square = (r * u * u - 2 * q * u * v + p * v * v) / determinant;
          return sum + (w[k]! * Math.exp(-square / 2)) / (2 * Math.PI * Math.sqrt(determinant));
        }, 0);
      const expected = Array.from({ length: 60 }, (_, n) =>
        Math.log(density(x[2 * n]!, x[2 * n + 1]!)),
      );
      expect(relativeGap(expected, numbers(logDensity))).toBeLessThan(1e-12);
      const sums = Array.from(
        { length: 60 },
        (_, n) => mean(numbers(latent).slice(3 * n, 3 * n + 3)) * 3,
      );
      expect(Math.max(...sums.map((sum) => Math.abs(sum - 1)))).toBeLessThan(1e-12);
    },
  );

  it.each(kinds)("draws samples with the moments of the mixture: %s", async (covariance) => {
    const x = blobs(300, { seed: 6 });
    const { weights, call } = await trainOn(
      "gaussian-mixture",
      { covariance },
      splitOf({ x: float64([2], x) }),
    );
    const count = 40_000;
    const drawn = (
      await call("sample", {
        noise: rows(normals(2 * count, 8), 2),
        choice: tensor(uniforms(count, 9), [count]),
      })
    ).x?.data as Float64Array;
    const [w, m] = [numbers(weights.weights), numbers(weights.means)];
    // After an M-step, mean and total variance of the mixture are those of the data, up to regCovar.
    for (const j of [0, 1]) {
      const column = (data: Float64Array): Float64Array => data.filter((_, i) => i % 2 === j);
      const centre = [0, 1, 2].reduce((sum, k) => sum + w[k]! * m[2 * k + j]!, 0);
      expect(mean(column(x))).toBeCloseTo(centre, 8);
      const spread = (v: Float64Array): number =>
        Math.sqrt(mean(column(v).map((a) => (a - centre) ** 2)));
      expect(Math.abs(mean(column(drawn)) - centre)).toBeLessThan(
        (5 * spread(x)) / Math.sqrt(count),
      );
      if (covariance === "full" || covariance === "diagonal") {
        expect(Math.abs(spread(drawn) / spread(x) - 1)).toBeLessThan(0.02);
      }
    }
  });

  it("keeps what is known: fixed means and covariances", async () => {
    const x = blobs(200, { seed: 7 });
    const parameters = {
      weights: [0.5, 0.5],
      means: [0, 0, 1, 1],
      covariances: [1, 0, 0, 1, 2, 0, 0, 2],
    };
    const options = {
      components: 2,
      parameters: JSON.stringify(parameters),
      fixed: "means, covariances",
    };
    const { weights } = await trainOn("gaussian-mixture", options, splitOf({ x: float64([2], x) }));
    expect([...numbers(weights.means)]).toEqual(parameters.means);
    expect([...numbers(weights.covariances)]).toEqual(parameters.covariances);
    expect([...numbers(weights.weights)]).not.toEqual(parameters.weights);
  });

  it("keeps the likeliest of several starts", async () => {
    const x = blobs(200, { seed: 8, clusters: 6, apart: 3 });
    const options = { components: 6, start: "random", starts: 4, tolerance: 1e-4 };
    const { result, call } = await trainOn(
      "gaussian-mixture",
      options,
      splitOf({ x: float64([2], x) }),
      { steps: 40 },
    );
    const last = new Map<string, number>();
    for (const line of result.lines) {
      if (line.kind === "train") last.set(line.phase, line.metrics.loss as number);
    }
    expect(last.size).toBe(4);
    const { negativeLogLikelihood } = await call("evaluate", { x: rows(x, 2) });
    const loss = mean(numbers(negativeLogLikelihood));
    expect(loss).toBeLessThanOrEqual(Math.min(...last.values()) + 1e-9);
  });

  it("online EM comes within 1 % of the batch likelihood in one pass", async () => {
    const x = blobs(40_000, { seed: 9, size: 3 });
    const train = splitOf({ x: float64([3], x) });
    const batch = await trainOn("gaussian-mixture", {}, train, { steps: 30, batchSize: 4000 });
    const online = await trainOn(
      "gaussian-mixture",
      { algorithm: "online", startRows: 400 },
      train,
      { steps: 99, batchSize: 400 },
    );
    const score = async ({ call }: typeof batch): Promise<number> =>
      mean(numbers((await call("evaluate", { x: rows(x, 3) })).negativeLogLikelihood));
    const [best, reached] = [await score(batch), await score(online)];
    expect(Math.abs(reached / best - 1)).toBeLessThan(0.01);
  });
});
