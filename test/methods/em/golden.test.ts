import { describe, expect, it } from "vitest";
import { readGolden } from "../../golden/read.ts";
import { float64, relativeGap, splitOf, trainOn } from "./data.ts";

const golden = readGolden("em");
const numbers = (name: string): Float64Array => golden[name]?.data as Float64Array;
const nested = (name: string): unknown => [...numbers(name)];

describe("a Gaussian mixture from the start of scikit-learn's", () => {
  const train = splitOf({ x: float64([3], numbers("x")) });

  it.each(["full", "tied", "diagonal", "spherical"])(
    "follows its log-likelihood to 1e-8, and ends with its parameters: %s",
    async (covariance) => {
      const parameters = JSON.stringify({
        weights: nested("weights"),
        means: nested("means"),
        covariances: nested(`${covariance}.start`),
      });
      const { losses, weights, result } = await trainOn(
        "gaussian-mixture",
        { components: 3, covariance, parameters, tolerance: 0 },
        train,
        { steps: 30, batchSize: 64 },
      );
      const path = losses.map((loss) => -loss);
      expect(path).toHaveLength(30);
      expect(relativeGap(path, numbers(`${covariance}.path`))).toBeLessThan(1e-8);
      for (const part of ["weights", "means", "covariances"]) {
        const ours = weights[part]?.data as Float64Array;
        expect(relativeGap(ours, numbers(`${covariance}.${part}`)), part).toBeLessThan(1e-8);
      }
      const { metrics } = result.lines.at(-1) as (typeof result.lines)[number];
      const { bic, loss } = metrics as { bic: number; loss: number };
      const penalty = numbers(`${covariance}.bicPenalty`)[0] as number;
      expect(bic - 2 * train.length * loss).toBeCloseTo(penalty, 8);
    },
  );
});
