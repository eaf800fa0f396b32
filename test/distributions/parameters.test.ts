import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  Bernoulli,
  Categorical,
  gumbelSoftmax,
  Independent,
  LogitRelaxedBernoulli,
  Normal,
  OneHotCategorical,
  RelaxedBernoulli,
  RelaxedOneHotCategorical,
} from "../../src/distributions/index.ts";
import { constant, sum } from "../../src/ops/index.ts";
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
    expect(() => labelled(5)).toThrow(/index 5 is outside/);
  });
});
