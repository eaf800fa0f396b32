import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import * as distributions from "../../../src/distributions/index.ts";
import {
  type Family,
  families,
  fitMaximumLikelihood,
  fitRowsMaximumLikelihood,
} from "../../../src/methods/em/index.ts";
import { sum } from "../../../src/ops/index.ts";
import { type Tensor, type Tree, tensor } from "../../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../../src/trace/index.ts";
import { readGolden } from "../../golden/read.ts";
import { rows, uniforms } from "./data.ts";

const golden = readGolden("em");
const numbers = (name: string): number[] =>
  Array.from((golden[name] as { data: Float64Array }).data);

const observations: Record<Family, readonly number[]> = {
  normal: [1, 2.5, -0.5, 4],
  "log-normal": [0.5, 2, 3, 1.2],
  "half-normal": [0.5, 2, 0, 1.2],
  exponential: [0.1, 2, 0.7, 1.1],
  laplace: [-3, 0.2, 1, 1.5, 7],
  poisson: [0, 3, 1, 2, 2],
  bernoulli: [1, 0, 1, 1],
  geometric: [0, 4, 1, 2],
  gamma: [0.5, 2, 3, 1.2],
  "inverse-gamma": [0.5, 2, 3, 1.2],
  beta: [0.1, 0.35, 0.8, 0.6, 0.97],
};
/** Families whose maximum is where the gradient is 0; at the median of a Laplace distribution there is none. */
const smooth = {
  normal: distributions.Normal,
  "log-normal": distributions.LogNormal,
  "half-normal": distributions.HalfNormal,
  exponential: distributions.Exponential,
  poisson: distributions.Poisson,
  bernoulli: distributions.Bernoulli,
  geometric: distributions.Geometric,
  gamma: distributions.Gamma,
  "inverse-gamma": distributions.InverseGamma,
  beta: distributions.Beta,
} as unknown as Record<string, (options: unknown) => distributions.Distribution>;

describe("fitMaximumLikelihood", () => {
  it.each(["gamma", "log-normal", "laplace", "half-normal", "inverse-gamma", "beta"] as const)(
    "agrees with SciPy: %s",
    (family) => {
      const [x, expected] = [numbers(family === "beta" ? "shares" : "positive"), numbers(family)];
      const { parameters, logLikelihood } = fitMaximumLikelihood(family, x);
      expect(logLikelihood).toBeCloseTo(expected.at(-1) as number, 8);
      // Of an even count, every median between the middle two is as likely.
      const tolerance = family === "laplace" ? 0.05 : 1e-5;
      for (const [i, value] of Object.values(parameters).entries()) {
        expect(Math.abs(value - (expected[i] as number))).toBeLessThan(tolerance);
      }
    },
  );

  it.each(Object.keys(smooth) as Family[])("ends where the gradient is 0: %s", (family) => {
    const x = observations[family];
    const { parameters, logLikelihood } = fitMaximumLikelihood(family, x);
    const scalars = Object.fromEntries(
      Object.entries(parameters).map(([name, v]) => [name, tensor(Float64Array.of(v), [])]),
    );
    const inputs = { x: tensor(Float64Array.from(x), [x.length]), parameters: scalars };
    const program = trace((given) => {
      const { x: value, parameters: p } = given as unknown as {
        x: Value;
        parameters: Record<string, Value>;
      };
      const total = sum(smooth[family]?.(p).logProb(value) as Value);
      return { total, slopes: gradients(total, Object.values(p)) };
    }, inputs);
    const { total, slopes } = evaluate(program, inputs as Tree<Tensor>) as unknown as {
      total: Tensor;
      slopes: readonly Tensor[];
    };
    expect(logLikelihood).toBeCloseTo(total.data[0] as number, 12);
    for (const slope of slopes) expect(Math.abs(slope.data[0] as number)).toBeLessThan(1e-9);
  });

  it.each(families)("counts weights like repetitions: %s", (family) => {
    const x = observations[family];
    const weights = x.map((_, i) => i % 3);
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

  it("takes observations that are certain", () => {
    expect(fitMaximumLikelihood("bernoulli", [1, 1])).toEqual({
      parameters: { probs: 1 },
      logLikelihood: 0,
    });
    expect(fitMaximumLikelihood("poisson", [0, 0]).parameters.rate).toBe(0);
  });

  it("refuses what is outside of the support, and what has no maximum", () => {
    expect(() => fitMaximumLikelihood("poisson", [1.5])).toThrow(/wants counts.*got 1.5/);
    expect(() => fitMaximumLikelihood("normal", [2, 2])).toThrow(/no maximum/);
    expect(() => fitMaximumLikelihood("gamma", [2, 2])).toThrow(/no maximum/);
    expect(() => fitMaximumLikelihood("beta", [0.5, 0.5])).toThrow(/no maximum/);
    expect(() => fitMaximumLikelihood("normal", [1, 2], [0, 0])).toThrow(/weight above 0/);
    expect(() => fitMaximumLikelihood("normal", [1, 2], [1])).toThrow(/2 observations, but 1/);
  });
});

describe("fitRowsMaximumLikelihood", () => {
  const x = rows([0, 1, 2, 4, 5, 3, -1, 0], 2);

  it("finds mean and covariance of a multivariate normal, by weights", () => {
    const weights = [1, 2, 0, 1];
    const { parameters, logLikelihood } = fitRowsMaximumLikelihood(
      "multivariate-normal",
      x,
      weights,
    );
    const { mean, covariance } = parameters as Record<"mean" | "covariance", Tensor>;
    expect([...mean.data]).toEqual([0.75, 2.25]);
    expect([...covariance.data]).toEqual([1.6875, 2.3125, 2.3125, 3.1875]);
    // At the maximum, log-likelihood is −½ N (log |2πΣ| + D).
    const determinant = 1.6875 * 3.1875 - 2.3125 ** 2;
    const expected = -2 * (Math.log((2 * Math.PI) ** 2 * determinant) + 2);
    expect(logLikelihood).toBeCloseTo(expected, 10);
  });

  it("finds the concentrations of a Dirichlet distribution, two of which are a beta's", () => {
    const shares = numbers("shares");
    const pairs = rows(
      shares.flatMap((p) => [p, 1 - p]),
      2,
    );
    const { parameters, logLikelihood } = fitRowsMaximumLikelihood("dirichlet", pairs);
    const beta = fitMaximumLikelihood("beta", shares);
    expect((parameters.concentration as Tensor).data[0]).toBeCloseTo(
      beta.parameters.alpha as number,
      9,
    );
    expect((parameters.concentration as Tensor).data[1]).toBeCloseTo(
      beta.parameters.beta as number,
      9,
    );
    expect(logLikelihood).toBeCloseTo(beta.logLikelihood, 9);
  });

  it("finds the frequencies of categories", () => {
    const hot = rows([1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0], 3);
    const { parameters, logLikelihood } = fitRowsMaximumLikelihood("categorical", hot);
    expect([...(parameters.probs as Tensor).data]).toEqual([0.75, 0.25, 0]);
    expect(logLikelihood).toBeCloseTo(3 * Math.log(0.75) + Math.log(0.25), 12);
  });

  it("refuses rows that a family has not, or that have no maximum", () => {
    const flat = rows(
      [...uniforms(6, 1)].flatMap((u) => [u, 2 * u]),
      2,
    );
    const fit = fitRowsMaximumLikelihood;
    expect(() => fit("multivariate-normal", flat)).toThrow(/do not spread/);
    expect(() => fit("dirichlet", x)).toThrow(/sum to 1, row 0/);
    expect(() => fit("categorical", x)).toThrow(/one-hot rows, row 1/);
    expect(() => fit("dirichlet", tensor(Float64Array.of(1), [1]))).toThrow(/rows \[N, D\]/);
  });
});
