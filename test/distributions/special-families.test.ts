// Families that need special functions against SciPy and PyTorch in float64, tails included.
import { describe, expect, it } from "vitest";
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
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";

const golden = readGolden("special-distributions");

type Values = Record<string, Value>;

/** The golden arrays of a family, by the rest of their names; those of the other one apart. */
function under(prefix: string): Record<string, Tensor> {
  const names = Object.keys(golden).filter((name) => name.startsWith(`${prefix}.`));
  return Object.fromEntries(
    names.map((name) => {
      const { shape, dtype, data } = golden[name]!;
      return [name.slice(prefix.length + 1), tensorOf(Array.from(data, Number), shape, dtype)];
    }),
  );
}

const otherOf = (x: Values): Values =>
  Object.fromEntries(
    Object.entries(x).flatMap(([name, v]) =>
      name.startsWith("other.") ? [[name.slice(6), v]] : [],
    ),
  );

const quantities: Record<
  string,
  (p: Distribution, x: Values, make: (x: Values) => Distribution) => Value
> = {
  logProb: (p, x) => p.logProb(x.value!),
  cdf: (p, x) => p.cdf(x.value!),
  entropy: (p) => p.entropy(),
  mean: (p) => p.mean(),
  variance: (p) => p.variance(),
  kl: (p, x, make) => kl(p, make(otherOf(x))),
};

/** Largest error, relative above 1e-6 of the reference and absolute below (of cdfs: above 1e-90). */
function expectClose(found: Tensor, wanted: Tensor, what: string): void {
  expect(found.shape, what).toEqual(wanted.shape);
  const floor = what.endsWith(".cdf") ? 1e-90 : 1e-6;
  for (const [i, value] of Array.from(found.data, Number).entries()) {
    const exact = Number(wanted.data[i]);
    const error = Math.abs(value - exact) / Math.max(Math.abs(exact), floor);
    expect(error, `${what}[${i}]: ${value}, want ${exact}`).toBeLessThan(1e-8);
  }
}

const families: Record<string, (x: Values) => Distribution> = {
  gamma: (x) => Gamma({ concentration: x.concentration!, rate: x.rate! }),
  inverseGamma: (x) => InverseGamma({ concentration: x.concentration!, scale: x.scale! }),
  beta: (x) => Beta({ alpha: x.alpha!, beta: x.beta! }),
  dirichlet: (x) => Dirichlet({ concentration: x.concentration! }),
  studentT: (x) =>
    StudentT({ degreesOfFreedom: x.degreesOfFreedom!, location: x.location!, scale: x.scale! }),
  truncatedNormal: (x) =>
    TruncatedNormal({ mean: x.centre!, std: x.spread!, low: x.low!, high: x.high! }),
  poisson: (x) => Poisson({ rate: x.rate! }),
  negativeBinomial: (x) => NegativeBinomial({ total: x.total!, probs: x.probs! }),
  binomial: (x) => Binomial({ total: 40, probs: x.probs! }),
};

describe.each(Object.entries(families))("%s", (family, make) => {
  const inputs = under(family);
  const names = Object.keys(quantities).filter((name) => name in inputs);

  it(`has the ${names.join(", ")} of the reference`, () => {
    const program = trace((x) => {
      const p = make(x);
      return Object.fromEntries(names.map((name) => [name, quantities[name]!(p, x, make)]));
    }, inputs);
    const found = evaluate(program, inputs) as Record<string, Tensor>;
    for (const name of names) expectClose(found[name]!, inputs[name]!, `${family}.${name}`);
  });
});

describe("MultivariateNormal", () => {
  const inputs = under("mvn");
  const lowRank = under("lowRank");
  const prior = (x: Values): Distribution =>
    MultivariateNormal({ mean: 0, covariance: x["other.covariance"]! });
  const all = (p: Distribution, x: Values): Values => ({
    logProb: p.logProb(x.value!),
    entropy: p.entropy(),
    variance: p.variance(),
    kl: kl(p, prior(x)),
  });

  it.each(["covariance", "scaleTril", "precision"] as const)("by %s agrees", (form) => {
    const program = trace((x) => {
      const given = { [form]: x[form]! } as { covariance: Value };
      return all(MultivariateNormal({ mean: x.mean!, ...given }), x);
    }, inputs);
    const found = evaluate(program, inputs) as Record<string, Tensor>;
    for (const name of Object.keys(found)) expectClose(found[name]!, inputs[name]!, `mvn.${name}`);
  });

  it("of low rank agrees", () => {
    const given: Record<string, Tensor> = {
      ...inputs,
      factor: lowRank.factor!,
      diagonal: lowRank.diagonal!,
    };
    const program = trace((x: Values) => {
      const covariance = { lowRank: { factor: x.factor!, diagonal: x.diagonal! } };
      return all(MultivariateNormal({ mean: x.mean!, ...covariance }), x);
    }, given);
    const found = evaluate(program, given) as Record<string, Tensor>;
    for (const name of Object.keys(found))
      expectClose(found[name]!, lowRank[name]!, `lowRank.${name}`);
  });
});
