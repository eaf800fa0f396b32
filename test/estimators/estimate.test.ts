// The table of estimators, what works with what, and the reasons given where it does not.
import { describe, expect, it } from "vitest";
import {
  Bernoulli,
  Categorical,
  type Distribution,
  Independent,
  Normal,
  OneHotCategorical,
  RelaxedOneHotCategorical,
} from "../../src/distributions/index.ts";
import {
  definitionOf,
  type EstimatorName,
  estimate,
  estimatorNames,
  estimatorsFor,
  type Objective,
} from "../../src/estimators/index.ts";
import { cast, constant, full, sum } from "../../src/ops/index.ts";
import { dim } from "../../src/tensor/index.ts";
import { Key, trace, type Value } from "../../src/trace/index.ts";

const within = <T>(build: () => T): T => {
  let result: T | undefined;
  trace(() => {
    result = build();
    return {};
  }, {});
  return result as T;
};

const coins = (count: number, batch = 5): Distribution =>
  Independent(Bernoulli({ logits: full([batch, count], 0.3) }), 1);
const normals = (): Distribution => Independent(Normal({ mean: full([5, 2], 0), std: 1 }), 1);
const oneHots = (latents: number, classes: number): Distribution =>
  Independent(OneHotCategorical({ logits: full([5, latents, classes], 0) }), 1);

/** Σ of an event's elements. */
const total =
  (q: () => Distribution): Objective =>
  (z) =>
    q().eventShape.reduce<Value>((s) => sum(s, -1), cast(z, "float32"));

it.each(estimatorNames)("%s is described, with its source", (name) => {
  const { summary, source, targets, leastSamples } = definitionOf(name);
  expect(summary.length).toBeGreaterThan(10);
  expect(source).toMatch(/\(?\d{4}\)?/);
  expect(new Set(targets).size).toBe(targets.length);
  expect(leastSamples).toBeGreaterThanOrEqual(1);
});

describe("supports", () => {
  const any = ["score-function", "vimco"];
  const relaxations = ["gumbel-softmax", "st-gumbel-softmax", "straight-through"];
  const discrete = [...any, ...relaxations, "rebar", "relax", "muprop"];
  const paths = [...any, "pathwise", "doubly-reparameterized"];
  const cases: [string, () => Distribution, string[]][] = [
    ["3 coins", () => coins(3), [...discrete, "exact", "arm"]],
    ["13 coins, 8192 outcomes", () => coins(13), [...discrete, "arm"]],
    ["one coin of many", () => Bernoulli({ logits: full([5], 0) }), [...discrete, "exact", "arm"]],
    ["2 one-hot vectors of 4", () => oneHots(2, 4), [...discrete, "exact"]],
    ["32 one-hot vectors of 10", () => oneHots(32, 10), discrete],
    ["indices", () => Categorical({ logits: full([5, 4], 0) }), [...any, "exact"]],
    ["normals", normals, [...paths, "muprop"]],
    [
      "relaxed one-hot vectors",
      () => RelaxedOneHotCategorical({ logits: full([5, 4], 0), temperature: 0.5 }),
      paths,
    ],
  ];
  it.each(cases)("%s", (_name, q, expected) => {
    expect(within(() => estimatorsFor(q())).sort()).toEqual([...expected].sort());
  });

  it.each(cases)("%s: what is not refused gives a number for each row", (_name, q, expected) => {
    for (const name of expected as EstimatorName[]) {
      const key = new Key("z");
      const network = (z: Value): Value => total(q)(z, "relaxed");
      const options = name === "relax" ? { key, control: { network } } : { key };
      const { surrogate } = within(() => estimate(name, q(), total(q), options));
      expect(surrogate.shape, name).toEqual([5]);
    }
  });
});

it("takes a free batch", () => {
  const B = dim("B");
  const traced = trace(
    ({ logits }) => {
      const q = Independent(Bernoulli({ logits }), 1);
      return estimate("vimco", q, (z) => sum(z, -1), { key: new Key("z"), samples: 3 });
    },
    { logits: { dtype: "float32", shape: [B, 2] } } as const,
  );
  expect(traced.outputs.surrogate.shape).toEqual([B]);
});

describe("refuses, and says why:", () => {
  const cases: [string, EstimatorName, () => Distribution, object, RegExp][] = [
    ["normals enumerated", "exact", normals, {}, /outcomes cannot be counted.*pathwise/],
    ["10^32 outcomes", "exact", () => oneHots(32, 10), {}, /10\^32 outcomes, and at most 4096/],
    ["a path through coins", "pathwise", () => coins(2), {}, /no differentiable.*score-function/],
    ["a relaxed normal", "gumbel-softmax", normals, {}, /needs the logits of a Bernoulli or/],
    ["arm of categories", "arm", () => oneHots(1, 3), {}, /logits of a Bernoulli/],
    ["the mean of an index", "muprop", () => Categorical({ logits: full([5, 4], 0) }), {}, /mean/],
    ["vimco of an objective", "vimco", normals, { target: "objective" }, /target of vimco is the/],
    [
      "rebar of a bound",
      "rebar",
      () => coins(2),
      { target: "multi-sample bound" },
      /the target of rebar is the objective.*vimco/,
    ],
    ["one sample for vimco", "vimco", normals, { samples: 1 }, /at least 2, got 1/],
    ["half a sample", "pathwise", normals, { samples: 0.5 }, /whole number/],
    ["a baseline of a path", "pathwise", normals, { baseline: { kind: "none" } }, /no baseline/],
    ["samples of a sum", "exact", () => coins(2), { samples: 2 }, /exact takes no samples/],
    ["temperature 0", "gumbel-softmax", () => coins(2), { temperature: 0 }, /above 0/],
    ["a control of τ < 0", "rebar", () => coins(2), { control: { temperature: -1 } }, /above 0/],
    ["relax without a network", "relax", () => coins(2), {}, /wants control.network/],
    ["rebar without f", "rebar", () => coins(2), { control: { scale: 0 } }, /use relax/],
    [
      "leave-one-out of one",
      "score-function",
      () => coins(2),
      { baseline: { kind: "leave-one-out" } },
      /at least 2 samples, got 1/,
    ],
    [
      "leave-one-out of a bound",
      "score-function",
      () => coins(2),
      { samples: 3, target: "multi-sample bound", baseline: { kind: "leave-one-out" } },
      /Use vimco/,
    ],
    ["a name", "reinforce" as EstimatorName, normals, {}, /no estimator "reinforce".*vimco/],
  ];
  it.each(cases)("%s", (_name, name, q, options, message) => {
    const key = new Key("z");
    expect(() => within(() => estimate(name, q(), total(q), { key, ...options }))).toThrow(message);
  });

  it("an f that does not give a number for each sample of each row", () => {
    const apart = (): Distribution => Bernoulli({ logits: full([5, 3], 0) });
    const key = new Key("z");
    expect(() => within(() => estimate("arm", apart(), (z) => sum(z, -1), { key }))).toThrow(
      /must give floating-point \[1, 5, 3\].*got float32\[1, 5\].*wrap q in Independent/,
    );
  });

  it("an average that is no state of one", () => {
    const options = {
      key: new Key("z"),
      get baseline() {
        return { kind: "moving-average", average: constant(0) } as const;
      },
    };
    const q = (): Distribution => coins(2);
    expect(() => within(() => estimate("score-function", q(), total(q), options))).toThrow(
      /state of a moving average is \[2\].*initialAverage/,
    );
  });
});
