import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  Categorical,
  ExpRelaxedOneHotCategorical,
  gumbelSoftmax,
  OneHotCategorical,
  RelaxedBernoulli,
  RelaxedOneHotCategorical,
} from "../../src/distributions/index.ts";
import { argMax, greater, sum } from "../../src/ops/index.ts";
import { dim, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";

const draws = 20_000;
const logits = tensorOf([0.3, -1.1, 1.7, 0, -0.2], [5]);

const one = (build: (x: Value) => Value, x: Tensor): Tensor =>
  evaluate(
    trace(({ x }) => ({ y: build(x) }), { x }),
    { x },
    { seed: 11, step: 0 },
  ).y;

const softmaxOf = (values: readonly number[]): number[] => {
  const weights = values.map(Math.exp);
  const total = weights.reduce((s, w) => s + w, 0);
  return weights.map((w) => w / total);
};

/** Pearson's χ² of counts with k − 1 degrees of freedom stays below its 1 − 10⁻⁵ quantile. */
function expectFrequencies(indices: readonly number[], probs: readonly number[]): void {
  const counts = probs.map((_, k) => indices.filter((i) => i === k).length);
  expect(counts.reduce((s, n) => s + n, 0)).toBe(indices.length);
  const statistic = probs.reduce((s, p, k) => {
    const wanted = p * indices.length;
    return s + (counts[k]! - wanted) ** 2 / wanted;
  }, 0);
  const quantiles = [0, 19.5, 23.0, 25.9, 28.5];
  expect(statistic).toBeLessThan(quantiles[probs.length - 1]!);
}

describe("the Gumbel maximum", () => {
  const probs = softmaxOf(Array.from(logits.data, Number));
  const samplers: Record<string, (x: Value) => Value> = {
    Categorical: (x) => Categorical({ logits: x }).sample(new Key("x"), [draws]),
    OneHotCategorical: (x) =>
      argMax(OneHotCategorical({ logits: x }).sample(new Key("x"), [draws])),
    "RelaxedOneHotCategorical at 5": (x) =>
      argMax(RelaxedOneHotCategorical({ temperature: 5, logits: x }).sample(new Key("x"), [draws])),
    "ExpRelaxedOneHotCategorical at 0.01": (x) =>
      argMax(
        ExpRelaxedOneHotCategorical({ temperature: 0.01, logits: x }).sample(new Key("x"), [draws]),
      ),
  };

  it.each(Object.entries(samplers))("of %s has the frequencies of the softmax", (_name, sample) => {
    expectFrequencies(Array.from(one(sample, logits).data, Number), probs);
  });

  it("of a relaxed coin lies above ½ as often as the coin falls on 1", () => {
    const coin = tensorOf([0.8], []);
    const sides = one(
      (x) =>
        greater(RelaxedBernoulli({ temperature: 2, logits: x }).sample(new Key("x"), [draws]), 0.5),
      coin,
    );
    const p = 1 / (1 + Math.exp(-0.8));
    expectFrequencies(Array.from(sides.data, Number), [1 - p, p]);
  });
});

describe("gumbelSoftmax", () => {
  const batch = dim("B");
  const rows = tensorOf(
    Array.from({ length: 24 }, (_, i) => Math.sin(5 * i)),
    [6, 4],
  );
  const build = (hard: boolean, temperature: number) =>
    trace(
      ({ x, weights }) => {
        const z = gumbelSoftmax({ logits: x, temperature, key: new Key("z"), hard });
        const [gradient] = gradients(sum(z.mul(weights)), [x]);
        return { z, gradient: gradient! };
      },
      { x: spec("float32", [batch, 4]), weights: spec("float32", [batch, 4]) },
    );
  const run = (hard: boolean, temperature: number) =>
    evaluate(build(hard, temperature), {
      x: rows,
      weights: tensorOf(Array.from(rows.data, Number).reverse(), [6, 4]),
    });

  it("in the straight-through form is exactly one-hot, with the gradient of the soft form", () => {
    const [hard, soft] = [run(true, 0.7), run(false, 0.7)];
    expect(hard.gradient).toEqual(soft.gradient);
    expect(Array.from(soft.gradient.data, Number).some((v) => v !== 0)).toBe(true);
    for (let r = 0; r < 6; r++) {
      const row = Array.from(hard.z.data, Number).slice(4 * r, 4 * r + 4);
      const relaxed = Array.from(soft.z.data, Number).slice(4 * r, 4 * r + 4);
      expect(row.toSorted()).toEqual([0, 0, 0, 1]);
      expect(row.indexOf(1)).toBe(relaxed.indexOf(Math.max(...relaxed)));
      expect(relaxed.reduce((s, v) => s + v, 0)).toBeCloseTo(1, 6);
    }
  });

  it("stays finite at a temperature of 0.01", () => {
    const { z, gradient } = run(false, 0.01);
    expect([...z.data, ...gradient.data].map(Number).every(Number.isFinite)).toBe(true);
  });

  it("has exact log-densities of its samples in logarithms where the simplex has rounded", () => {
    const { y, logProb } = evaluate(
      trace(
        ({ x }) => {
          const p = ExpRelaxedOneHotCategorical({ temperature: 0.01, logits: x });
          const y = p.sample(new Key("y"));
          return { y, logProb: p.logProb(y) };
        },
        { x: rows },
      ),
      { x: rows },
    );
    expect(Math.min(...Array.from(y.data, Number))).toBeLessThan(-104); // exp rounds to 0 below
    expect(Array.from(logProb.data, Number).every(Number.isFinite)).toBe(true);
  });
});
