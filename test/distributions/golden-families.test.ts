// Scalar families and combinators against SciPy, mpmath and PyTorch in float64, out to probabilities of
// 1e-300, and the divergences of pairs.
import { describe, expect, it } from "vitest";
import {
  bijectors,
  Categorical,
  Cauchy,
  type Distribution,
  Exponential,
  Geometric,
  Gumbel,
  HalfNormal,
  kl,
  Laplace,
  Logistic,
  LogNormal,
  Mixture,
  Multinomial,
  Normal,
  Transformed,
  Uniform,
} from "../../src/distributions/index.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";

const golden = readGolden("distributions");

type Values = Record<string, Value>;

/** The golden arrays whose names begin so, by the rest of their names. */
function under(prefix: string): Record<string, Tensor> {
  const names = Object.keys(golden).filter((name) => name.startsWith(`${prefix}.`));
  return Object.fromEntries(
    names.map((name) => {
      const { shape, dtype, data } = golden[name]!;
      return [name.slice(prefix.length + 1), tensorOf(Array.from(data, Number), shape, dtype)];
    }),
  );
}

/** Equal to 1e-10 of each number itself, however small, and 0 to 1e-15; infinities to themselves. */
function expectClose(found: Tensor, wanted: Tensor, what: string): void {
  expect(found.shape, what).toEqual(wanted.shape);
  for (const [i, value] of Array.from(found.data, Number).entries()) {
    const exact = Number(wanted.data[i]);
    if (value === exact) continue;
    const error = Math.abs(value - exact) / (exact === 0 ? 1e-5 : Math.abs(exact));
    expect(error, `${what}[${i}]: ${value}, want ${exact}`).toBeLessThanOrEqual(1e-10);
  }
}

/** Checks all quantities that the golden file has of a distribution. */
function check(
  prefix: string,
  make: (x: Values) => Distribution,
  parameters = under(prefix),
): void {
  const wanted = under(prefix);
  const quantities: Record<string, (p: Distribution, x: Values) => Value> = {
    logProb: (p, x) => p.logProb(x.value!),
    cdf: (p, x) => p.cdf(x.value!),
    icdf: (p, x) => p.icdf(x.probability!),
    entropy: (p) => p.entropy(),
    mean: (p) => p.mean(),
    variance: (p) => p.variance(),
  };
  const names = Object.keys(quantities).filter((name) => name in wanted);
  expect(names).toContain("logProb");
  const inputs = { ...parameters, ...wanted };
  const program = trace((x) => {
    const p = make(x);
    return Object.fromEntries(names.map((name) => [name, quantities[name]!(p, x)]));
  }, inputs);
  const found = evaluate(program, inputs) as Record<string, Tensor>;
  for (const name of names) expectClose(found[name]!, wanted[name]!, `${prefix}.${name}`);
}

const located = (x: Values): { location: Value; scale: Value } => ({
  location: x.location!,
  scale: x.scale!,
});

describe("every quantity, tails included, of", () => {
  const families: [string, (x: Values) => Distribution][] = [
    ["laplace", (x) => Laplace(located(x))],
    ["logistic", (x) => Logistic(located(x))],
    ["gumbel", (x) => Gumbel(located(x))],
    ["cauchy", (x) => Cauchy(located(x))],
    ["exponential", (x) => Exponential({ scale: x.scale! })],
    ["halfNormal", (x) => HalfNormal({ scale: x.scale! })],
    ["uniform", (x) => Uniform({ low: x.low!, high: x.high! })],
    ["logNormal", (x) => LogNormal(located(x))],
    ["normalTails", (x) => Normal({ mean: x.location!, std: x.scale! })],
    ["geometric", (x) => Geometric({ probs: x.probs! })],
    ["multinomial", (x) => Multinomial({ total: 12, probs: x.probs! })],
    [
      "mixture",
      (x) =>
        Mixture({
          weights: Categorical({ logits: x.logits! }),
          components: Normal({ mean: x.location!, std: x.scale! }),
        }),
    ],
  ];
  it.each(families)("%s", (prefix, make) => check(prefix, make));

  it.each([
    ["affine", bijectors.affine({ shift: 2, scale: -0.7 })],
    ["exp", bijectors.exp],
    ["sigmoid", bijectors.sigmoid],
    ["tanh", bijectors.tanh],
    ["softplus", bijectors.softplus],
  ] as const)("a normal variable through %s", (name, bijector) => {
    const { mean, std } = under("transformed") as { mean: Tensor; std: Tensor };
    const make = (x: Values): Distribution =>
      Transformed(Normal({ mean: x.mean!, std: x.std! }), bijector);
    check(`transformed.${name}`, make, { mean, std });
  });

  it("a log-normal variable through a falling power", () => {
    const { mean, std } = under("transformed") as { mean: Tensor; std: Tensor };
    const make = (x: Values): Distribution =>
      Transformed(LogNormal({ location: x.mean!, scale: x.std! }), bijectors.power(-1.5));
    check("transformed.power", make, { mean, std });
  });
});

describe("kl", () => {
  const families: Record<string, (x: Values, i: 1 | 2) => Distribution> = {
    normal: (x, i) => Normal({ mean: x[`m${i}`]!, std: x[`s${i}`]! }),
    laplace: (x, i) => Laplace({ location: x[`m${i}`]!, scale: x[`s${i}`]! }),
    logistic: (x, i) => Logistic({ location: x[`m${i}`]!, scale: x[`s${i}`]! }),
    gumbel: (x, i) => Gumbel({ location: x[`m${i}`]!, scale: x[`s${i}`]! }),
    cauchy: (x, i) => Cauchy({ location: x[`m${i}`]!, scale: x[`s${i}`]! }),
    exponential: (x, i) => Exponential({ scale: x[`s${i}`]! }),
    halfNormal: (x, i) => HalfNormal({ scale: x[`s${i}`]! }),
    uniform: (x, i) => Uniform({ low: x[`m${i}`]!, high: x[`m${i}`]!.add(x[`s${i}`]!) }),
    geometric: (x, i) => Geometric({ probs: x[`p${i}`]! }),
    logNormal: (x, i) => LogNormal({ location: x[`m${i}`]!, scale: x[`s${i}`]! }),
  };
  /** The reference takes half the scale for log-normal variables of infinite spread. */
  const narrow = (x: Values): Distribution => LogNormal({ location: x.m1!, scale: x.s1!.mul(0.5) });
  const inputs = under("kl");
  const pairs = Object.keys(inputs).filter((name) => name.includes("."));

  it.each(pairs)("of %s is that of the reference", (pair) => {
    const [first, second] = pair.split(".") as [string, string];
    const program = trace((x) => {
      const p = first === "logNormal" && second !== first ? narrow(x) : families[first]!(x, 1);
      return { kl: kl(p, families[second]!(x, 2)) };
    }, inputs);
    const { kl: found } = evaluate(program, inputs);
    const wanted = inputs[pair]!;
    for (const [i, value] of Array.from(found.data, Number).entries()) {
      const exact = Number(wanted.data[i]);
      if (value === exact) continue;
      expect(Math.abs(value - exact), `${pair}[${i}]`).toBeLessThan(1e-9 * Math.max(1, exact));
    }
  });
});
