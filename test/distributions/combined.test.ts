// What mixtures and transformed distributions promise beyond the contract, and values outside of supports.
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  Bernoulli,
  bijectors,
  Categorical,
  type Distribution,
  Exponential,
  Geometric,
  HalfNormal,
  Independent,
  Laplace,
  LogNormal,
  Mixture,
  Multinomial,
  Normal,
  OneHotCategorical,
  Transformed,
  Uniform,
} from "../../src/distributions/index.ts";
import { constant, full, sum } from "../../src/ops/index.ts";
import { item, spec, type Tensor } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { f64 } from "./entry.ts";
import { numbers } from "./measure.ts";

const one = (build: (x: Value) => Value, x: Tensor): Tensor =>
  evaluate(
    trace(({ x }) => ({ y: build(x) }), { x }),
    { x },
    { seed: 2, step: 0 },
  ).y;

/** A mixture of two normal distributions, of weights 0.2 and 0.8. */
const pairOf = (means: Value, std = 1): Mixture =>
  Mixture({
    weights: Categorical({ probs: constant(f64([2], 0.2, 0.8)) }),
    components: Normal({ mean: means, std }),
  });

describe("a mixture", () => {
  it("chooses its components by their weights", () => {
    const x = numbers(one((m) => pairOf(m).sample(new Key("x"), [5000]), f64([2], -50, 50)));
    const share = x.filter((v) => v > 0).length / x.length;
    expect(Math.abs(share - 0.8)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / x.length));
    expect(x.every((v) => Math.abs(Math.abs(v) - 50) < 6)).toBe(true);
  });

  it("gives responsibilities by Bayes' rule", () => {
    const found = one(
      (x) => pairOf(constant(f64([2], -1, 1))).responsibilities(x),
      f64([2], 0.3, -60),
    );
    const odds = 0.25 * Math.exp(-0.5 * (1.3 ** 2 - 0.7 ** 2));
    expect(found.shape).toEqual([2, 2]);
    expect(numbers(found)[0]).toBeCloseTo(odds / (1 + odds), 12);
    expect(numbers(found)[2]).toBeCloseTo(1, 12);
  });

  it("draws anew for every member of a batch that shares its components", () => {
    const x = one(
      (logits) =>
        Mixture({
          weights: Categorical({ logits }),
          components: [
            Normal({ mean: constant(f64([], 0)), std: 1 }),
            Laplace({ location: constant(f64([], 0)), scale: 0.7 }),
          ],
        }).sample(new Key("x"), [4000]),
      f64([2, 2], 0, 0, 0, 0),
    );
    expect(x.shape).toEqual([4000, 2]);
    const values = numbers(x);
    const product =
      values.reduce((s, v, i) => (i % 2 === 0 ? s + v * values[i + 1]! : s), 0) / 4000;
    expect(Math.abs(product)).toBeLessThan(4 / Math.sqrt(4000));
  });

  it("takes values of all its components, and is −∞ with the gradient 0 outside of all", () => {
    const weights = (): Categorical => Categorical({ logits: constant(f64([2], 0, 0)) });
    const both = one(
      (scale) =>
        Mixture({
          weights: weights(),
          components: [Exponential({ scale }), Normal({ mean: full([], 0, "float64"), std: 1 })],
        }).logProb(constant(f64([], -1))),
      f64([], 2),
    );
    expect(item(both)).toBeCloseTo(Math.log(0.5) - 0.5 - 0.5 * Math.log(2 * Math.PI), 12);
    const program = trace(
      ({ low, x }) => {
        const p = Mixture({ weights: weights(), components: Uniform({ low, high: low.add(1) }) });
        const logProb = p.logProb(x);
        return { logProb, gradients: gradients(sum(logProb), [low, x]) };
      },
      { low: f64([2], 0, 5), x: f64([], 3) },
    );
    const found = evaluate(program, { low: f64([2], 0, 5), x: f64([], 3) });
    expect(item(found.logProb)).toBe(Number.NEGATIVE_INFINITY);
    expect((found.gradients as readonly Tensor[]).flatMap(numbers)).toEqual([0, 0, 0]);
  });

  it("of discrete distributions enumerates their events", () => {
    const total = one(
      (probs) =>
        sum(
          Mixture({
            weights: Categorical({ logits: full([2], 0, "float64") }),
            components: [Bernoulli({ probs }), Bernoulli({ logits: full([], 1, "float64") })],
          }).enumerate(),
        ),
      f64([], 0.3),
    );
    expect(item(total)).toBe(1);
  });
});

describe("combinations that cannot be", () => {
  const weights = (count: number): Categorical => Categorical({ logits: full([count], 0) });
  const normal = Normal({ mean: 0, std: 1 });
  const mixture = (count: number, components: Distribution | Distribution[]) => (): unknown =>
    Mixture({ weights: weights(count), components });
  const cases: [string, (x: Value) => unknown, RegExp][] = [
    [
      "too few components",
      mixture(3, [normal, normal]),
      /^Mixture\(Normal\): 3 weights want 3 components, got 2/,
    ],
    [
      "no axis of components",
      (x) => mixture(2, Normal({ mean: x, std: 1 }))(),
      /2 weights want components with a last batch axis of 2, got Normal with batch \[2, 3\]/,
    ],
    [
      "events of different shapes",
      (x) => mixture(2, [normal, Independent(Normal({ mean: x, std: 1 }))])(),
      /wants components of one event shape, got Normal of \[\] and Independent\(Normal\) of \[2, 3\]/,
    ],
    [
      "counts and real numbers",
      (x) => mixture(2, [Normal({ mean: x, std: 1 }), Geometric({ logits: x })])(),
      /values of Geometric and of Normal have no density in common/,
    ],
    [
      "components that would share draws",
      (x) => {
        const shared = Normal({ mean: full([2, 1], 0), std: 1 });
        return mixture(2, [Normal({ mean: x, std: 1 }), shared])();
      },
      /batch \[2, 1\] of Normal would share draws in \[2, 3\]/,
    ],
    [
      "a bijector of events without a density",
      (x) => Transformed(OneHotCategorical({ logits: x }), bijectors.exp),
      /^Transformed by exp: wants numbers that have a density, got OneHotCategorical/,
    ],
    [
      "a power of negative numbers",
      () => Transformed(normal, bijectors.power(2)),
      /^Transformed by power: wants values above 0, which those of Normal are not known to be/,
    ],
    [
      "a shift that would repeat draws",
      (x) => Transformed(normal, bijectors.affine({ shift: x })),
      /a parameter of \[2, 3\] would repeat the draws of Normal \[\]/,
    ],
    ["a scale of 0", () => bijectors.affine({ scale: 0 }), /^affine: scale must not be 0/],
    ["a power of 0", () => bijectors.power(0), /^power: the power must be finite and not 0, got 0/],
  ];

  it.each(cases)("%s", (_name, build, message) => {
    expect(() =>
      trace(
        ({ x }) => {
          build(x);
          return x;
        },
        { x: spec("float32", [2, 3]) },
      ),
    ).toThrow(message);
  });
});

describe("values outside of a support that are not known while tracing", () => {
  const families: [string, (scale: Value) => Distribution, number][] = [
    ["Exponential", (scale) => Exponential({ scale }), -0.5],
    ["HalfNormal", (scale) => HalfNormal({ scale }), -0.5],
    ["Uniform", (high) => Uniform({ low: 0, high }), 7],
    ["LogNormal", (scale) => LogNormal({ location: 0, scale }), -0.5],
    ["LogNormal at 0", (scale) => LogNormal({ location: 0, scale }), 0],
  ];

  it.each(families)("of %s are impossible, with the gradient 0", (_name, make, outside) => {
    const [scale, x] = [f64([], 2), f64([2], outside, Number.NaN)];
    const program = trace(
      ({ scale, x }) => {
        const logProb = make(scale).logProb(x);
        return { logProb, cdf: make(scale).cdf(x), gradient: gradients(sum(logProb), [x])[0]! };
      },
      { scale, x },
    );
    const { logProb, cdf, gradient } = evaluate(program, { scale, x });
    expect(numbers(logProb)).toEqual([Number.NEGATIVE_INFINITY, Number.NaN]);
    expect(numbers(cdf)[0]).toBe(outside > 0 ? 1 : 0);
    expect(numbers(gradient)[0]).toBe(0);
  });

  it("of Multinomial are counts that do not add up", () => {
    const counts = f64([2, 2], 1, 1, 2, 7);
    const found = one(
      (x) => Multinomial({ total: 2, logits: full([2], 0, "float64") }).logProb(x),
      counts,
    );
    expect(numbers(found)).toEqual([expect.closeTo(Math.log(0.5), 12), Number.NEGATIVE_INFINITY]);
  });
});
