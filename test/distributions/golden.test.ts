// Against PyTorch and mpmath in float64, tails of 30 standard deviations and logits of ±80 included.
import { describe, expect, it } from "vitest";
import {
  Bernoulli,
  Categorical,
  type Distribution,
  ExpRelaxedOneHotCategorical,
  kl,
  LogitRelaxedBernoulli,
  Normal,
  OneHotCategorical,
  RelaxedBernoulli,
  RelaxedOneHotCategorical,
} from "../../src/distributions/index.ts";
import { log, slice, squeeze, sum } from "../../src/ops/index.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";

const golden = readGolden("distributions");

/** The golden arrays of a family as inputs of a program, by the rest of their name. */
function inputsOf(family: string): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  for (const [name, { shape, dtype, data }] of Object.entries(golden)) {
    if (!name.startsWith(`${family}.`)) continue;
    found[name.slice(family.length + 1).replace(".", "_")] = tensorOf(
      Array.from(data, Number),
      shape,
      dtype,
    );
  }
  return found;
}

/** Equal to 1e-11, relative or absolute, whichever is more. */
function expectClose(found: Tensor, family: string, what: string): void {
  const wanted = golden[`${family}.${what}`]!;
  expect(found.shape, what).toEqual(wanted.shape);
  for (const [i, value] of Array.from(found.data, Number).entries()) {
    const exact = Number(wanted.data[i]);
    expect(Math.abs(value - exact), `${family}.${what}[${i}]`).toBeLessThanOrEqual(
      1e-11 * Math.max(1, Math.abs(exact)),
    );
  }
}

type Make = (x: Record<string, Value>, prefix: string) => Distribution;

const families: Record<string, [make: Make, quantities: readonly string[]]> = {
  normal: [
    (x, prefix) => Normal({ mean: x[`${prefix}loc`]!, std: x[`${prefix}scale`]! }),
    ["logProb", "entropy", "mean", "variance", "kl"],
  ],
  bernoulli: [
    (x, prefix) => Bernoulli({ logits: x[`${prefix}logits`]! }),
    ["logProb", "entropy", "mean", "variance", "kl"],
  ],
  categorical: [
    (x, prefix) => Categorical({ logits: x[`${prefix}logits`]! }),
    ["logProb", "entropy", "kl"],
  ],
  oneHotCategorical: [
    (x) => OneHotCategorical({ logits: x.logits! }),
    ["logProb", "entropy", "mean", "variance"],
  ],
};

describe.each(Object.entries(families))("%s", (family, [make, quantities]) => {
  const inputs = inputsOf(family);

  it(`has the ${quantities.join(", ")} of the reference`, () => {
    const program = trace((x) => {
      const p = make(x, "");
      const found: Record<string, Value> = {
        logProb: p.logProb(x.value!),
        entropy: p.entropy(),
        mean: p.mean(),
        variance: p.variance(),
      };
      if (quantities.includes("kl")) found.kl = kl(p, make(x, "other_"));
      return found;
    }, inputs);
    const found = evaluate(program, inputs) as Record<string, Tensor>;
    for (const what of quantities) expectClose(found[what]!, family, what);
  });
});

it("normal by logVariance agrees in the tails", () => {
  const inputs = inputsOf("normal");
  const program = trace((x) => {
    const forms = (prefix: string): Distribution =>
      Normal({ mean: x[`${prefix}loc`]!, logVariance: log(x[`${prefix}scale`]!).mul(2) });
    return { logProb: forms("").logProb(x.value!), kl: kl(forms(""), forms("other_")) };
  }, inputs);
  const found = evaluate(program, inputs);
  expectClose(found.logProb, "normal", "logProb");
  expectClose(found.kl, "normal", "kl");
});

it("a certain coin keeps the relative precision of its entropy", () => {
  const inputs = inputsOf("bernoulli");
  const entropy = evaluate(
    trace((x) => Bernoulli({ logits: x.logits! }).entropy(), inputs),
    inputs,
  ) as unknown as Tensor;
  const exact = golden["bernoulli.entropy"]!.data;
  for (const [i, h] of Array.from(entropy.data, Number).entries()) {
    expect(h / Number(exact[i])).toBeCloseTo(1, 11);
  }
});

/** The densities of a family with a temperature of its own in every row. */
function rows(family: string, density: (t: Value, logits: Value, value: Value) => Value): void {
  const inputs = inputsOf(family);
  const count = inputs.temperature!.shape[0]!;
  const program = trace((x) => {
    const row = (name: string, i: number): Value => squeeze(slice(x[name]!, 0, i, i + 1), 0);
    return Array.from({ length: count }, (_, i) =>
      density(row("temperature", i), row("logits", i), row("value", i)),
    );
  }, inputs);
  const found = evaluate(program, inputs) as readonly Tensor[];
  expectClose(
    tensorOf(
      found.map(({ data }) => Number(data[0])),
      [count],
      "float64",
    ),
    family,
    "logProb",
  );
}

describe("relaxed densities", () => {
  it("of one-hot vectors are those of the reference, directly and by logarithms", () => {
    rows("relaxedOneHotCategorical", (temperature, logits, x) =>
      RelaxedOneHotCategorical({ temperature, logits }).logProb(x),
    );
    rows("relaxedOneHotCategorical", (temperature, logits, x) =>
      ExpRelaxedOneHotCategorical({ temperature, logits })
        .logProb(log(x))
        .sub(sum(log(x))),
    );
  });

  it("of coins are those of the reference, directly and by log-odds", () => {
    rows("relaxedBernoulli", (temperature, logits, x) =>
      RelaxedBernoulli({ temperature, logits }).logProb(x),
    );
    rows("relaxedBernoulli", (temperature, logits, x) => {
      const [logX, logNotX] = [log(x), log(x.neg().add(1))];
      const y = LogitRelaxedBernoulli({ temperature, logits }).logProb(logX.sub(logNotX));
      return y.sub(logX).sub(logNotX);
    });
  });
});
