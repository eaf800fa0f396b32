// What the families with implicit gradients promise: unbiased gradients, draws that stay finite at
// extreme parameters, and clear errors.
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  Beta,
  Binomial,
  Dirichlet,
  type Distribution,
  Gamma,
  InverseGamma,
  kl,
  MultivariateNormal,
  NegativeBinomial,
  Poisson,
  StudentT,
  TruncatedNormal,
} from "../../src/distributions/index.ts";
import { broadcastTo, constant, expandDims, sum } from "../../src/ops/index.ts";
import { spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";

const numbers = ({ data }: Tensor): number[] => Array.from(data, Number);

/** Mean and standard error of numbers. */
function estimate(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((s, v) => s + v, 0) / values.length;
  const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length;
  return { mean, error: Math.sqrt(variance / values.length) };
}

describe("implicit gradients are unbiased", () => {
  const draws = 3000;
  // d/dθ E[x²] in closed form
  const cases: [name: string, make: (theta: Value) => Distribution, at: number, wanted: number][] =
    [
      ["Gamma, a below 1", (a) => Gamma({ concentration: a, rate: 2 }), 0.4, (2 * 0.4 + 1) / 4],
      ["Gamma, a above 1", (a) => Gamma({ concentration: a, rate: 2 }), 7, (2 * 7 + 1) / 4],
      [
        "InverseGamma",
        (a) => InverseGamma({ concentration: a, scale: 3 }),
        9,
        9 * -(1 / (8 ** 2 * 7) + 1 / (8 * 7 ** 2)),
      ],
      [
        "StudentT",
        (df) => StudentT({ degreesOfFreedom: df, location: 0, scale: 1 }),
        12,
        -2 / 10 ** 2,
      ],
      // E[x²] = a(a + 1)/((a + b)(a + b + 1)) at b = 2
      [
        "Beta towards alpha",
        (a) => Beta({ alpha: a, beta: 2 }),
        1.5,
        (4 * (3.5 * 4.5) - 3.75 * (2 * 3.5 + 1)) / (3.5 * 4.5) ** 2,
      ],
      [
        "Beta towards beta",
        (b) => Beta({ alpha: 1.5, beta: b }),
        2,
        (-3.75 * (2 * 3.5 + 1)) / (3.5 * 4.5) ** 2,
      ],
    ];

  it.each(cases)("%s", (_name, make, at, wanted) => {
    const theta = tensorOf(new Array<number>(draws).fill(at), [draws], "float64");
    const program = trace(
      ({ theta }) => {
        const x = make(theta).pathwiseSample(new Key("x"));
        return { slopes: gradients(sum(x.square()), [theta])[0]! };
      },
      { theta },
    );
    const { mean, error } = estimate(numbers(evaluate(program, { theta }).slopes));
    expect(error).toBeLessThan(0.2 * Math.abs(wanted));
    expect(Math.abs(mean - wanted)).toBeLessThan(4 * error);
  });

  it("Dirichlet, towards each concentration", () => {
    const a = [0.6, 2, 3.5];
    const total = 6.1;
    const theta = tensorOf(Array.from({ length: draws }, () => a).flat(), [draws, 3], "float64");
    const program = trace(
      ({ theta }) => {
        const x = Dirichlet({ concentration: theta }).pathwiseSample(new Key("x"));
        const weights = constant(tensorOf([1, 0, -2], [3], "float64"));
        return { slopes: gradients(sum(x.square().mul(weights)), [theta])[0]! };
      },
      { theta },
    );
    const slopes = numbers(evaluate(program, { theta }).slopes);
    // E[xₖ²] = aₖ(aₖ + 1)/(A(A + 1))
    const below = total * (total + 1);
    const second = (k: number): number => (a[k]! * (a[k]! + 1)) / below;
    for (const k of [0, 1, 2]) {
      const own = (j: number): number => (j === k ? (2 * a[j]! + 1) / below : 0);
      const common = (j: number): number => (-second(j) * (2 * total + 1)) / below;
      const wanted = own(0) + common(0) - 2 * (own(2) + common(2));
      const { mean, error } = estimate(slopes.filter((_, i) => i % 3 === k));
      expect(Math.abs(mean - wanted)).toBeLessThan(4 * error);
    }
  });
});

describe("draws in float32 stay inside of the support, with finite densities and gradients", () => {
  const cases: Record<string, [make: (x: Value) => Distribution, at: number[]]> = {
    Gamma: [(x) => Gamma({ concentration: x, rate: 1 }), [1e-3, 0.1, 1e4]],
    Beta: [(x) => Beta({ alpha: x, beta: 0.01 }), [1e-2, 0.1, 500]],
    Dirichlet: [
      (x) => Dirichlet({ concentration: broadcastTo(expandDims(x, -1), [...x.shape, 3]) }),
      [1e-2, 0.1, 1e3],
    ],
    StudentT: [(x) => StudentT({ degreesOfFreedom: x, location: 0, scale: 1 }), [0.1, 1, 1e4]],
    TruncatedNormal: [
      (x) => TruncatedNormal({ mean: 0, std: 1, low: x, high: Number.POSITIVE_INFINITY }),
      [-30, 0, 30],
    ],
  };

  it.each(Object.entries(cases))("%s", (_name, [make, at]) => {
    const theta = tensorOf(at, [at.length]);
    const program = trace(
      ({ theta }) => {
        const p = make(theta);
        const x = p.pathwiseSample(new Key("x"), [300]);
        const logProb = p.logProb(x);
        return { x, logProb, slope: gradients(sum(x).add(sum(logProb)), [theta])[0]! };
      },
      { theta },
    );
    const { x, logProb, slope } = evaluate(program, { theta });
    for (const v of [x, logProb, slope].flatMap(numbers)) expect(Number.isFinite(v)).toBe(true);
  });

  it("a tail of 30 standard deviations is drawn from, and not its end repeated", () => {
    const program = trace(
      ({ x }) => {
        const p = TruncatedNormal({ mean: x, std: 1, low: 30, high: Number.POSITIVE_INFINITY });
        return { x: p.sample(new Key("x"), [2000]), mean: p.mean() };
      },
      { x: spec("float32", []) },
    );
    const found = evaluate(program, { x: tensorOf([0], []) });
    const values = numbers(found.x);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(30);
    // 30 + 1/30 − 2/30³ + …
    const { mean, error } = estimate(values);
    expect(Math.abs(mean - 30.0332593)).toBeLessThan(4 * error);
    expect(new Set(values).size).toBeGreaterThan(1000);
  });
});

describe("what cannot be is one line that says so", () => {
  const attempt = (build: (x: Value) => unknown) => () =>
    trace(
      ({ x }) => {
        build(x);
        return x;
      },
      { x: spec("float32", [2, 3]) },
    );

  it.each<[name: string, build: (x: Value) => unknown, message: RegExp]>([
    [
      "a rate of 0",
      (x) => Gamma({ concentration: x, rate: 0 }),
      /^Gamma: rate must be above 0, got 0/,
    ],
    ["a concentration below 0", () => Beta({ alpha: -1, beta: 1 }), /^Beta: alpha must be above 0/],
    [
      "one category",
      (x) => Dirichlet({ concentration: sum(x, -1, { keepDims: true }) }),
      /^Dirichlet: .*at least 2/,
    ],
    [
      "many throws",
      (x) => Binomial({ total: 5000, logits: x }),
      /^Binomial: total must be a whole number 1 … 1024, got 5000/,
    ],
    ["half a throw", (x) => Binomial({ total: 2.5, logits: x }), /^Binomial: total .* got 2\.5/],
    [
      "two forms",
      (x) => Poisson({ rate: x, logRate: x } as unknown as { rate: Value }),
      /^Poisson: wants exactly one of rate or logRate/,
    ],
    [
      "ends in the wrong order",
      (x) => TruncatedNormal({ mean: x, std: 1, low: 2, high: 1 }),
      /^TruncatedNormal: low must be below high, got 2 and 1/,
    ],
    [
      "a matrix that is not square",
      (x) => MultivariateNormal({ mean: 0, covariance: x }),
      /^MultivariateNormal: covariance must be square matrices/,
    ],
    [
      "a covariance that is not positive definite",
      () => MultivariateNormal({ mean: 0, covariance: constant(tensorOf([1, 2, 2, 1], [2, 2])) }),
      /^MultivariateNormal: covariance must be symmetric and positive definite/,
    ],
    [
      "a mean of another size",
      (x) => MultivariateNormal({ mean: sum(x, 1), variance: x }),
      /the mean must be \[\.\.\., 3\]/,
    ],
    [
      "different totals",
      (x) =>
        kl(NegativeBinomial({ total: 2, logits: x }), NegativeBinomial({ total: 3, logits: x })),
      /closed form for the same total only/,
    ],
    [
      "no pathwise gradient",
      (x) => Poisson({ rate: x }).pathwiseSample(new Key("x")),
      /^Poisson has no pathwise sample\. Use/,
    ],
  ])("%s", (_name, build, message) => {
    expect(attempt(build)).toThrow(message);
  });
});
