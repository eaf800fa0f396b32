// Estimators from a matrix of scores: by their formulas in float64, at optimal critics, and with their gradients.
import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import { boundNames, boundOf, initialMean } from "../../../src/methods/mi/bounds.ts";
import { criticKinds, criticOf, offDiagonal } from "../../../src/methods/mi/critics.ts";
import { combineBatches } from "../../../src/methods/mi/estimator.ts";
import { ModelBuffer, Scope } from "../../../src/nn/index.ts";
import { fillNormal, item, type Tensor, type Tree, tensorOf } from "../../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../../src/trace/index.ts";

const batch = 12;

function matrix(scale: number, seed = 1): number[] {
  const values = new Float64Array(batch * batch);
  fillNormal(values, { seed, step: 0, path: "scores" });
  return Array.from(values, (v, at) => scale * (v + (at % (batch + 1) === 0 ? 2 : 0)));
}

const scoresOf = (values: readonly number[]): Tensor => tensorOf(values, [batch, batch], "float64");

function read<K extends string>(
  build: (scores: Value) => Record<K, Value>,
  values: readonly number[],
): Record<K, number> {
  const given = { scores: scoresOf(values) };
  const program = trace(({ scores }) => build(scores as Value), given);
  const found = evaluate(program as never, given) as Record<K, Tensor>;
  return Object.fromEntries(
    Object.entries(found).map(([name, value]) => [name, item(value as Tensor)]),
  ) as Record<K, number>;
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((s, v) => s + v, 0) / values.length;

/** The estimators as their papers print them, on plain numbers. */
function printed(name: string, s: readonly number[], tau: number): number {
  const positive = s.filter((_, at) => at % (batch + 1) === 0);
  const negative = s.filter((_, at) => at % (batch + 1) !== 0);
  const joint = meanOf(positive);
  const clipped = negative.map((v) =>
    Math.min(Math.max(Math.exp(v), Math.exp(-tau)), Math.exp(tau)),
  );
  const rows = positive.map((_, i) => s.slice(i * batch, (i + 1) * batch));
  const values: Record<string, number> = {
    dv: joint - Math.log(meanOf(negative.map(Math.exp))),
    nwj: joint - meanOf(negative.map((v) => Math.exp(v - 1))),
    jsd: joint + 1 - meanOf(negative.map(Math.exp)),
    smile: joint - Math.log(meanOf(clipped)),
    infonce: meanOf(
      positive.map((v, i) => Math.log(Math.exp(v) / meanOf((rows[i] as number[]).map(Math.exp)))),
    ),
  };
  return values[name === "mine" ? "dv" : name] as number;
}

it("offDiagonal gives every element beside the diagonal, once", () => {
  const given = {
    scores: tensorOf(
      Array.from({ length: 16 }, (_, i) => i),
      [4, 4],
    ),
  };
  const program = trace(({ scores }) => ({ rest: offDiagonal(scores as Value) }), given);
  const rest = Array.from(evaluate(program, given).rest.data as Float32Array);
  expect(rest).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14]);
});

describe.each(boundNames)("%s", (name) => {
  it("is the published formula", () => {
    for (const scale of [0.3, 1.5, 4]) {
      const values = matrix(scale);
      const bound = boundOf(name, 2);
      const { joint, marginal } = read((s) => ({ ...bound.statistics(s) }), values);
      const wanted = printed(name, values, 2);
      expect(Math.abs(bound.value(joint, marginal) - wanted)).toBeLessThan(
        1e-9 * (1 + Math.abs(wanted)),
      );
    }
  });

  it("has the slope of its value towards the marginal part", () => {
    const { value, slope } = boundOf(name);
    const h = 1e-6;
    for (const at of [-1, 0.4, 2]) {
      const difference = (value(1, at + h) - value(1, at - h)) / (2 * h);
      expect(slope(at)).toBeCloseTo(difference, 6);
    }
  });
});

it("infonce stays below log B, at scores that tell all pairs apart", () => {
  const bound = boundOf("infonce");
  const { joint, marginal } = read((s) => ({ ...bound.statistics(s) }), matrix(200));
  expect(bound.limit?.(batch)).toBe(Math.log(batch));
  expect(bound.value(joint, marginal)).toBeLessThanOrEqual(Math.log(batch) + 1e-9);
});

it("at the optimal critic of a finite joint distribution, estimates are the information", () => {
  // Every pair of 2 × 2 outcomes with probabilities n/16: true pairs from the joint table, independent ones from
  // the product of its margins, by enumeration in place of samples.
  const joint = [6, 2, 2, 6].map((n) => n / 16);
  const ratio = joint.map((p) => Math.log(p / 0.25));
  const information = joint.reduce((s, p, i) => s + p * (ratio[i] as number), 0);
  const expectation = (weights: readonly number[], f: (l: number) => number): number =>
    ratio.reduce((s, l, i) => s + (weights[i] as number) * f(l), 0);
  const product = [0.25, 0.25, 0.25, 0.25];
  const at = (shift: number) => ({
    joint: expectation(joint, (l) => l + shift),
    marginal: Math.log(expectation(product, (l) => Math.exp(l + shift))),
  });
  for (const [name, shift] of [
    ["dv", 0],
    ["dv", 3],
    ["nwj", 1],
    ["jsd", 0],
  ] as const) {
    const parts = at(shift);
    expect(boundOf(name).value(parts.joint, parts.marginal)).toBeCloseTo(information, 12);
  }
});

describe("mine", () => {
  const slopes = (values: readonly number[], log: readonly [number, number]) => {
    const given = { scores: scoresOf(values).data, shape: [batch, batch] };
    const scores = tensorOf(given.scores as Float64Array, given.shape, "float32");
    const before = tensorOf(log, [2]);
    const program = trace(
      ({ scores: s, before: b }) => {
        const average = new ModelBuffer(b as Value, "average");
        const scope = new Scope({ key: new Key("k"), train: true, updates: true });
        const training = boundOf("mine").training as NonNullable<
          ReturnType<typeof boundOf>["training"]
        >;
        const objective = training(s as Value, average, scope);
        const { average: next } = scope.nextBuffers({ average: average.value });
        return { objective, gradient: gradients(objective, [s as Value])[0] as Value, next };
      },
      { scores, before },
    );
    return evaluate(program as never, { scores, before }) as unknown as Record<
      "objective" | "gradient" | "next",
      Tensor
    >;
  };

  it("begins with the gradient of dv, and has the average below it later", () => {
    const values = matrix(1);
    const negative = values.filter((_, at) => at % (batch + 1) !== 0);
    const mean = meanOf(negative.map(Math.exp));
    const start = slopes(values, [-1e4, -1e4]);
    expect(item(start.objective)).toBeCloseTo(printed("dv", values, 1), 5);
    const off = Array.from(start.gradient.data as Float32Array)[1] as number;
    expect(off).toBeCloseTo(-Math.exp(values[1] as number) / (mean * negative.length), 6);
    const [logSum, logWeight] = Array.from(start.next.data as Float32Array) as [number, number];
    expect(logSum - logWeight).toBeCloseTo(Math.log(mean), 5);
    // An average of 10 that has gathered nearly all weight.
    const later = slopes(values, [Math.log(10), 0]);
    const average = 0.99 * 10 + 0.01 * mean;
    const weighed = Array.from(later.gradient.data as Float32Array)[1] as number;
    expect(weighed).toBeCloseTo(-Math.exp(values[1] as number) / (average * negative.length), 6);
  });

  it("starts without weight", () => {
    const program = trace(() => ({ start: initialMean() }), {});
    expect(Math.exp((evaluate(program, {}).start.data as Float32Array)[1] as number)).toBe(0);
  });
});

describe.each(criticKinds)("the %s critic", (kind) => {
  it("scores every pair by itself", () => {
    const critic = criticOf(kind, { sizes: [3, 2], hidden: 5, embedding: 4 });
    const draw = (path: string, shape: number[]): Tensor => {
      const data = new Float32Array(shape.reduce((a, b) => a * b));
      fillNormal(data, { seed: 2, step: 0, path });
      return { dtype: "float32", shape, data };
    };
    const [x, y] = [draw("x", [4, 3]), draw("y", [4, 2])];
    const init = trace(() => critic.init(new Key("critic")) as Tree<Value>, {});
    const params = evaluate(init, {}) as Tree<Tensor>;
    const scores = (xs: Tensor, ys: Tensor): number[] => {
      const program = trace(
        (given) => ({
          s: critic.scores(given.params as never, given.x as Value, given.y as Value),
        }),
        { params, x: xs, y: ys },
      );
      return Array.from(
        evaluate(program, { params, x: xs, y: ys } as never).s.data as Float32Array,
      );
    };
    const all = scores(x, y);
    expect(all).toHaveLength(16);
    const row = (t: Tensor, i: number): Tensor => {
      const size = t.shape[1] as number;
      const data = (t.data as Float32Array).slice(i * size, (i + 1) * size);
      return { dtype: "float32", shape: [1, size], data };
    };
    for (const [i, j] of [
      [0, 0],
      [1, 3],
      [3, 2],
    ] as const) {
      expect(scores(row(x, i), row(y, j))[0]).toBeCloseTo(all[i * 4 + j] as number, 5);
    }
  });
});

describe("combineBatches", () => {
  it("pools exponentials, and its error is that of the batches' spread", () => {
    const batches = [0.4, 0.9, 0.1, 0.7, 0.3, 0.6].map((v, i) => ({
      joint: 2 + v,
      marginal: Math.log(1 + 0.3 * i),
    }));
    const dv = combineBatches(boundOf("dv"), batches);
    const mean = meanOf(batches.map(({ marginal }) => Math.exp(marginal)));
    expect(dv.value).toBeCloseTo(meanOf(batches.map((b) => b.joint)) - Math.log(mean), 12);
    // The jackknife needs no derivative.
    const without = batches.map(
      (_, i) =>
        combineBatches(
          boundOf("dv"),
          batches.filter((_b, j) => j !== i),
        ).value,
    );
    const centre = meanOf(without);
    const jackknife = Math.sqrt((5 / 6) * without.reduce((s, v) => s + (v - centre) ** 2, 0));
    expect(Math.abs(dv.standardError / jackknife - 1)).toBeLessThan(0.1);
  });
});
