import { describe, expect, it } from "vitest";
import { families, fitMaximumLikelihood } from "../../../src/methods/em/maximum-likelihood.ts";
import { readGolden } from "../../golden/read.ts";

const golden = readGolden("em");
const numbers = (name: string): number[] =>
  Array.from((golden[name] as { data: Float64Array }).data);

const observations: Record<(typeof families)[number], readonly number[]> = {
  normal: [1, 2.5, -0.5, 4],
  "log-normal": [0.5, 2, 3, 1.2],
  exponential: [0.1, 2, 0.7, 1.1],
  laplace: [-3, 0.2, 1, 1.5, 7],
  poisson: [0, 3, 1, 2, 2],
  bernoulli: [1, 0, 1, 1],
  geometric: [0, 4, 1, 2],
  gamma: [0.5, 2, 3, 1.2],
};

describe("fitMaximumLikelihood", () => {
  it.each([
    ["gamma", 1e-8],
    ["log-normal", 1e-12],
    ["laplace", 0.05],
  ] as const)("agrees with SciPy: %s", (family, tolerance) => {
    const { parameters, logLikelihood } = fitMaximumLikelihood(family, numbers("positive"));
    const expected = numbers(family);
    for (const [i, value] of Object.values(parameters).entries()) {
      // Of an even count, every median between the middle two is as likely.
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(tolerance);
    }
    expect(logLikelihood).toBeCloseTo(expected.at(-1) as number, 8);
  });

  it.each(families)("counts weights like repetitions: %s", (family) => {
    const x = observations[family];
    const weights = x.map((_, i) => 1 + (i % 3));
    const weighted = fitMaximumLikelihood(family, x, weights);
    const repeated = fitMaximumLikelihood(
      family,
      x.flatMap((v, i) => Array<number>(weights[i] as number).fill(v)),
    );
    for (const [name, value] of Object.entries(weighted.parameters)) {
      expect(value).toBeCloseTo(repeated.parameters[name] as number, 10);
    }
    expect(weighted.logLikelihood).toBeCloseTo(repeated.logLikelihood, 10);
  });

  it("refuses what is outside of the support, and what has no maximum", () => {
    expect(() => fitMaximumLikelihood("poisson", [1.5])).toThrow(/wants counts.*got 1.5/);
    expect(() => fitMaximumLikelihood("normal", [2, 2])).toThrow(/no maximum/);
    expect(() => fitMaximumLikelihood("normal", [1, 2], [0, 0])).toThrow(/weight above 0/);
  });
});
