import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  Bernoulli,
  Categorical,
  Cauchy,
  Exponential,
  Geometric,
  Gumbel,
  gumbelSoftmax,
  HalfNormal,
  Independent,
  Laplace,
  Logistic,
  LogitRelaxedBernoulli,
  Multinomial,
  Normal,
  OneHotCategorical,
  RelaxedBernoulli,
  RelaxedOneHotCategorical,
  Uniform,
} from "../../src/distributions/index.ts";
import { constant, full, sum } from "../../src/ops/index.ts";
import { dim, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";

const one = (build: (x: Value) => Value, x: Tensor): Tensor =>
  evaluate(
    trace(({ x }) => ({ y: build(x) }), { x }),
    { x },
  ).y;

describe("parameters that cannot be", () => {
  const attempt = (build: (x: Value) => unknown) => () =>
    trace(
      ({ x }) => {
        build(x);
        return x;
      },
      { x: spec("float32", [2, 3]) },
    );
  const missing = {} as { logits: Value };

  const cases: [string, (x: Value) => unknown, RegExp][] = [
    [
      "both forms",
      (x) => Bernoulli({ logits: x, probs: x } as unknown as { logits: Value }),
      /^Bernoulli: wants exactly one of logits or probs, got logits and probs/,
    ],
    [
      "no form",
      () => Categorical(missing),
      /^Categorical: wants exactly one of logits or probs, got none/,
    ],
    [
      "no scale",
      (x) => Normal({ mean: x } as unknown as { mean: Value; std: number }),
      /^Normal: wants exactly one of std or logVariance/,
    ],
    ["a std of 0", (x) => Normal({ mean: x, std: 0 }), /^Normal: std must be above 0, got 0/],
    [
      "a temperature of 0",
      (x) => gumbelSoftmax({ logits: x, temperature: 0, key: new Key("z") }),
      /^gumbelSoftmax: the temperature must be above 0, got 0/,
    ],
    [
      "a temperature that is NaN",
      (x) => RelaxedBernoulli({ temperature: Number.NaN, logits: x }),
      /^RelaxedBernoulli: the temperature must be above 0/,
    ],
    [
      "a negative temperature",
      (x) => LogitRelaxedBernoulli({ temperature: -1, logits: x }),
      /above 0, got -1/,
    ],
    [
      "temperatures of a shape",
      (x) => RelaxedOneHotCategorical({ temperature: x, logits: x }),
      /must be a scalar, got float32\[2, 3\]/,
    ],
    [
      "a free number of categories",
      () =>
        trace(({ x }) => OneHotCategorical({ logits: x }).mean(), {
          x: spec("float32", [3, dim("K")]),
        }),
      /^OneHotCategorical: logits must be .* fixed number/,
    ],
    [
      "shapes that do not fit",
      (x) => OneHotCategorical({ logits: x }).logProb(sum(x, -1, { keepDims: true })),
      /^OneHotCategorical\.logProb: wants a value of \[\.\.\.batch, 3\], got \[2, 1\]/,
    ],
    [
      "categories that are not integers",
      (x) => Categorical({ logits: x }).logProb(sum(x, -1)),
      /wants integer categories/,
    ],
    [
      "a scale of 0",
      (x) => Laplace({ location: x, scale: 0 }),
      /^Laplace: scale must be above 0, got 0\. \(at .*parameters\.test\.ts:/,
    ],
    [
      "a negative scale among the constants",
      (x) => Gumbel({ location: x, scale: constant(tensorOf([1, -2, 3], [3])) }),
      /^Gumbel: scale must be above 0, got -2/,
    ],
    [
      "a scale of NaN",
      () => HalfNormal({ scale: Number.NaN }),
      /^HalfNormal: scale must be above 0, got NaN/,
    ],
    [
      "a location of NaN",
      (x) => Cauchy({ location: Number.NaN, scale: x }),
      /^Cauchy: location must be finite, got NaN/,
    ],
    [
      "an infinite mean",
      (x) => Normal({ mean: full([3], Number.POSITIVE_INFINITY), std: x }),
      /^Normal: mean must be finite, got Infinity/,
    ],
    [
      "both forms of a scale",
      (x) => Logistic({ location: x, scale: 1, logScale: 0 } as never),
      /^Logistic: wants exactly one of scale or logScale, got scale and logScale/,
    ],
    ["a rate of 0", () => Exponential({ rate: 0 }), /^Exponential: rate must be above 0, got 0/],
    [
      "an empty interval",
      () => Uniform({ low: 1, high: 1 }),
      /^Uniform: low must be below high, got 1 and 1/,
    ],
    [
      "probabilities beyond 1",
      () => Bernoulli({ probs: constant(tensorOf([0.5, 1.2], [2])) }),
      /^Bernoulli: probs must be from 0 to 1, got 1\.2/,
    ],
    [
      "logits taken for probabilities",
      () => Categorical({ probs: constant(tensorOf([-1, 2], [2])) }),
      /^Categorical: probs must be at least 0, got -1/,
    ],
    [
      "logits that are NaN",
      (_x) => {
        const logits = constant(tensorOf([0, Number.NaN], [2]));
        return gumbelSoftmax({ logits, temperature: 1, key: new Key("z") });
      },
      /^gumbelSoftmax: logits must be a number or −∞, got NaN/,
    ],
    [
      "a probability of 0 that success never has",
      () => Geometric({ probs: constant(tensorOf([0], [1])) }),
      /^Geometric: probs must be above 0/,
    ],
    [
      "integer parameters",
      () => Bernoulli({ logits: constant(tensorOf([1], [1], "int32")) }),
      /^Bernoulli: logits must be floating-point, got int32\[1\]/,
    ],
    [
      "half a draw",
      (x) => Multinomial({ total: 1.5, logits: x }),
      /^Multinomial: total must be a whole number above 0, got 1\.5/,
    ],
    [
      "a value outside of the support",
      () => Exponential({ rate: 1 }).logProb(constant(-1)),
      /^Exponential\.logProb: the value must be at least 0, got -1\. It lies outside/,
    ],
    [
      "a value outside of an interval",
      () => Uniform({ low: 0, high: 2 }).logProb(full([4], 3)),
      /^Uniform\.logProb: the value must be from 0 to 2, got 3/,
    ],
    [
      "half a failure",
      (x) => Geometric({ logits: x }).logProb(constant(0.5)),
      /^Geometric\.logProb: the value must be a whole number of at least 0, got 0\.5/,
    ],
    [
      "weights that do not sum to 1",
      (x) => {
        const value = constant(tensorOf([0.5, 0.5, 0.5], [3]));
        return RelaxedOneHotCategorical({ temperature: 1, logits: x }).logProb(value);
      },
      /^RelaxedOneHotCategorical\.logProb: .* with the sum 1 .*, got \[0\.5, 0\.5, 0\.5\]/,
    ],
    [
      "a probability beyond 1",
      (x) => Laplace({ location: x, scale: 1 }).icdf(constant(1.5)),
      /^Laplace\.icdf: the probability must be from 0 to 1, got 1\.5/,
    ],
    [
      "a cdf of vectors",
      (x) => Independent(Normal({ mean: x, std: 1 }), 1).cdf(x),
      /^Independent\(Normal\): the cdf has no closed form/,
    ],
    [
      "a mean that does not exist",
      (x) => Cauchy({ location: x, scale: 1 }).mean(),
      /^Cauchy: the mean does not exist/,
    ],
    [
      "too many events",
      (x) => Independent(Bernoulli({ logits: full([17], 0).add(sum(x)) })).enumerate(),
      /^Independent\(Bernoulli\): the events are too many/,
    ],
    [
      "too many axes",
      (x) => Independent(Normal({ mean: x, std: 1 }), 3),
      /^Independent: axes must be 0 … 2 for Normal with batch \[2, 3\], got 3/,
    ],
  ];

  it.each(cases)("%s: one line that says so", (_name, build, message) => {
    let text = "";
    try {
      attempt(build)();
    } catch (error) {
      text = (error as Error).message;
    }
    expect(text).toMatch(message);
    expect(text).not.toContain("\n");
  });
});

describe("probabilities at the ends", () => {
  it("keep log-probabilities and gradients finite in float32", () => {
    const probs = tensorOf([0, 1, 0.5, 1e-30], [4]);
    const coins = trace(
      ({ x }) => {
        const p = Bernoulli({ probs: x });
        const total = p.logProb(x).add(p.entropy());
        return { total, mean: p.mean(), gradient: gradients(sum(total), [x])[0]! };
      },
      { x: probs },
    );
    const found = evaluate(coins, { x: probs });
    expect(found.mean.data).toEqual(probs.data);
    const impossible = one((x) => Bernoulli({ probs: x }).logProb(x.neg().add(1)), probs);
    for (const v of [...found.total.data, ...found.gradient.data, ...impossible.data]) {
      expect(Number.isFinite(Number(v))).toBe(true);
    }
    const choice = tensorOf([0, 1, 0], [3]);
    const dice = trace(
      ({ x }) => {
        const p = OneHotCategorical({ probs: x });
        const total = p.logProb(x).add(p.entropy());
        return { total, gradient: gradients(total, [x])[0]! };
      },
      { x: choice },
    );
    const { total, gradient } = evaluate(dice, { x: choice });
    expect(Number(total.data[0])).toBeCloseTo(0, 6);
    expect(Array.from(gradient.data, Number).every(Number.isFinite)).toBe(true);
  });
});

describe("Categorical.logProb", () => {
  const logits = tensorOf([0.3, -1.1, 1.7, 0, -0.2], [5]);
  const labelled = (label: number): Tensor =>
    one(
      (x) => Categorical({ logits: x }).logProb(constant(tensorOf([label], [1], "int32"))),
      logits,
    );

  it("is −∞ for a category that a logit of −∞ excludes, and leaves the others alone", () => {
    const masked = tensorOf([0, Number.NEGATIVE_INFINITY, 0], [3]);
    const found = one(
      (x) => Categorical({ logits: x }).logProb(constant(tensorOf([0, 1, 2], [3], "int64"))),
      masked,
    );
    expect(Number(found.data[1])).toBe(Number.NEGATIVE_INFINITY);
    expect(Number(found.data[0])).toBeCloseTo(-Math.LN2, 6);
  });

  it("refuses a category that does not exist", () => {
    expect(Number.isFinite(Number(labelled(4).data[0]))).toBe(true);
    expect(() => labelled(5)).toThrow(/value must be a whole number from 0 to 4, got 5/);
  });
});
