import { describe, expect, it } from "vitest";
import { checkGradient } from "../../src/autodiff/index.ts";
import {
  Bernoulli,
  Categorical,
  type Distribution,
  Independent,
  kl,
  Normal,
  OneHotCategorical,
  RelaxedBernoulli,
} from "../../src/distributions/index.ts";
import { exp, full, mean, sum } from "../../src/ops/index.ts";
import { dim, item, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";

const wave = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(3.7 * (from + i)));

const a = tensorOf(wave(1, 6), [2, 3], "float64");
const b = tensorOf(wave(20, 6), [2, 3], "float64");

const pairs: Record<string, (x: Value) => Distribution> = {
  "Normal by logVariance": (x) => Normal({ mean: x, logVariance: x.mul(0.7) }),
  "Normal by std": (x) => Normal({ mean: x, std: x.square().add(0.5) }),
  Bernoulli: (x) => Bernoulli({ logits: x }),
  Categorical: (x) => Categorical({ logits: x }),
  OneHotCategorical: (x) => OneHotCategorical({ logits: x }),
  "Independent Normal": (x) => Independent(Normal({ mean: x, std: 0.8 }), 1),
  "Independent Bernoulli": (x) => Independent(Bernoulli({ logits: x })),
};

describe.each(Object.entries(pairs))("kl of %s", (_name, make) => {
  it("is the mean of log p − log q over samples, and 0 from itself", () => {
    const program = trace(
      ({ a, b }) => {
        const [p, q] = [make(a), make(b)];
        const x = p.sample(new Key("x"), [5000]);
        const difference = p.logProb(x).sub(q.logProb(x));
        const exact = kl(p, q);
        const estimate = mean(difference, 0);
        const error = mean(difference.sub(estimate).square(), 0);
        expect(exact.shape).toEqual(p.batchShape);
        return { exact, estimate, error, self: kl(p, p) };
      },
      { a, b },
    );
    const { exact, estimate, error, self } = evaluate(program, { a, b });
    for (const [i, value] of Array.from(exact.data, Number).entries()) {
      expect(value).toBeGreaterThan(0);
      const allowed = 5 * Math.sqrt(Number(error.data[i]) / 5000);
      expect(Math.abs(value - Number(estimate.data[i]))).toBeLessThanOrEqual(allowed);
      expect(Number(self.data[i])).toBeCloseTo(0, 12);
    }
  });

  it("has the gradient of central differences", () => {
    expect(checkGradient((x, y) => sum(kl(make(x), make(y))), [a, b]).error).toBeLessThan(1e-7);
  });
});

describe("kl between the forms of a normal distribution", () => {
  it("does not depend on how the scale is given", () => {
    const program = trace(
      ({ a, b }) => {
        const p = Normal({ mean: a, logVariance: b });
        const same = Normal({ mean: a, std: p.parameters.std() });
        const standard = Normal({ mean: 0, std: 1 });
        return [kl(p, standard), kl(same, standard), kl(same, Normal({ mean: 0, logVariance: 0 }))];
      },
      { a, b },
    );
    const [first, ...others] = evaluate(program, { a, b }) as readonly Tensor[];
    for (const [i, m] of Array.from(a.data, Number).entries()) {
      const l = Number(b.data[i]);
      const vae = -0.5 * (1 + l - m * m - Math.exp(l));
      expect(Number(first?.data[i])).toBeCloseTo(vae, 12);
      for (const other of others) expect(Number(other.data[i])).toBeCloseTo(vae, 12);
    }
  });

  it("to a standard normal is as short as the formula of the variational autoencoder", () => {
    const shape = [dim("B"), 20];
    const count = (build: (m: Value, l: Value) => Value): number =>
      trace(({ m, l }) => build(m, l), {
        m: spec("float32", shape),
        l: spec("float32", shape),
      }).nodes.filter(({ op }) => op.name !== "constant").length;
    const written = count((m, l) => sum(l.add(1).sub(m.square()).sub(exp(l)), 1).mul(-0.5));
    const byKl = count((m, l) => {
      const prior = Normal({ mean: full([20], 0), std: 1 });
      return kl(Independent(Normal({ mean: m, logVariance: l }), 1), Independent(prior, 1));
    });
    expect(byKl).toBe(written);
  });

  it("works between plain numbers", () => {
    const program = trace(() => kl(Normal({ mean: 1, std: 2 }), Normal({ mean: 0, std: 1 })), {});
    expect(item(evaluate(program, {}))).toBeCloseTo(0.5 * (4 + 1 - 1 - Math.log(4)), 6);
  });
});

describe("kl with categories of probability 0", () => {
  it("is finite where the first excludes what the second does, and its gradient too", () => {
    const logits = tensorOf([0, 1, Number.NEGATIVE_INFINITY], [3], "float64");
    const f = (x: Value, y: Value): Value =>
      kl(Categorical({ logits: x }), Categorical({ logits: y }));
    const other = tensorOf([1, 0, Number.NEGATIVE_INFINITY], [3], "float64");
    const program = trace((xs) => f(...(xs as unknown as [Value, Value])), [logits, other]);
    const p = 1 / (1 + Math.E);
    expect(item(evaluate(program, [logits, other]))).toBeCloseTo(p * -1 + (1 - p) * 1, 12);
  });
});

describe("kl without a closed form", () => {
  const attempt = (build: (x: Value) => Value) => () => trace(({ x }) => build(x), { x: a });

  it("names both distributions", () => {
    expect(
      attempt((x) =>
        kl(
          RelaxedBernoulli({ temperature: 1, logits: x }),
          Independent(Normal({ mean: x, std: 1 })),
        ),
      ),
    ).toThrow(/kl: RelaxedBernoulli from Independent\(Normal\) has no closed form\. Average/);
  });

  it("says when only one of the two is wrapped", () => {
    const standard = Normal({ mean: 0, std: 1 });
    expect(attempt((x) => kl(Independent(Normal({ mean: x, std: 1 }), 1), standard))).toThrow(
      /kl: Independent\(Normal\) from Normal has no closed form\. Wrap both/,
    );
  });

  it("says when events differ", () => {
    const base = (x: Value): Distribution => Bernoulli({ logits: x });
    expect(attempt((x) => kl(Independent(base(x), 1), Independent(base(x), 2)))).toThrow(
      /1 independent axes.* 2/,
    );
  });
});
