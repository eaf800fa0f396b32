// What every distribution promises, over the table.
import { describe, expect, it } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import * as distributions from "../../src/distributions/index.ts";
import { constant, exp, sigmoid, sum } from "../../src/ops/index.ts";
import { dim, isFloat, type Tensor, type TensorSpec, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { has, numbers, run } from "./measure.ts";
import { table } from "./table.ts";

/** Weights that tell the elements of a sum apart. */
const weights = (x: Value): Value => {
  const count = (x.shape as number[]).reduce((n, d) => n * d, 1);
  const values = Array.from({ length: count }, (_, i) => Math.cos(i + 1));
  return constant(tensorOf(values, x.shape as number[], "float64"));
};

const weighed = (x: Value): Value => sum(x.mul(weights(x)));

/** Mean and standard error of each column of [rows, columns]. */
function columns(data: readonly number[], count: number): { mean: number; error: number }[] {
  const rows = data.length / count;
  return Array.from({ length: count }, (_, c) => {
    const values = Array.from({ length: rows }, (_, r) => data[r * count + c] as number);
    const mean = values.reduce((s, v) => s + v, 0) / rows;
    const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / rows;
    return { mean, error: Math.sqrt(variance / rows) };
  });
}

/** Every column's mean is within 5 of its standard errors of what is wanted. */
function expectMeans(data: readonly number[], wanted: readonly number[]): void {
  for (const [c, { mean, error }] of columns(data, wanted.length).entries()) {
    expect(Math.abs(mean - wanted[c]!)).toBeLessThanOrEqual(5 * error + 1e-9);
  }
}

it("the table has every distribution that is exported", () => {
  const exported = Object.keys(distributions).filter((name) => /^[A-Z]/.test(name));
  expect(new Set(table.map((entry) => entry.factory))).toEqual(new Set(exported));
});

describe.each(table)("$name", (entry) => {
  const draws = 3000;
  const discrete = entry.events !== undefined;
  const lacks = (member: "entropy" | "mean" | "variance"): boolean =>
    entry.lacks?.includes(member) ?? false;

  let found: { readonly x: Tensor; readonly information: Tensor } | undefined;
  /** Samples and their −log p, drawn once. */
  const drawn = (): NonNullable<typeof found> => {
    found ??= run(entry, (p) => {
      const x = p.sample(new Key("x"), [draws]);
      return { x, information: p.logProb(x).neg() };
    });
    return found;
  };

  it("has the moments of its samples", () => {
    if (lacks("mean")) {
      expect(() => run(entry, (p) => ({ mean: p.mean() }))).toThrow(
        /no closed form|does not exist/,
      );
      expect(() => run(entry, (p) => ({ variance: p.variance() }))).toThrow(
        /no closed form|does not exist/,
      );
      return;
    }
    const { mean, variance } = run(entry, (p) => ({ mean: p.mean(), variance: p.variance() }));
    const [m, v] = [numbers(mean), numbers(variance)];
    const data = numbers(drawn().x);
    expectMeans(data, m);
    expectMeans(
      data.map((value, i) => (value - m[i % m.length]!) ** 2),
      v,
    );
  });

  it("has the entropy −E log p of its samples", () => {
    if (lacks("entropy")) {
      expect(() => run(entry, (p) => ({ h: p.entropy() }))).toThrow(
        /no closed form|does not exist/,
      );
      return;
    }
    const { entropy } = run(entry, (p) => ({ entropy: p.entropy() }));
    expectMeans(numbers(drawn().information), numbers(entropy));
  });

  it("has a density that integrates to 1", () => {
    const { events, grid } = entry;
    if (events !== undefined) {
      const { total } = run(entry, (p) => ({ total: sum(exp(p.logProb(constant(events))), 0) }));
      for (const sum of numbers(total)) expect(sum).toBeCloseTo(1, 10);
    }
    if (grid === undefined) return;
    const [xs, points] = grid;
    const { density } = run(entry, (p) => ({ density: exp(p.logProb(constant(points))) }));
    const [y, count] = [numbers(density), density.shape[1]!];
    for (let c = 0; c < count; c++) {
      let area = 0;
      for (let i = 1; i < xs.length; i++) {
        area += ((xs[i]! - xs[i - 1]!) * (y[i * count + c]! + y[(i - 1) * count + c]!)) / 2;
      }
      expect(area).toBeCloseTo(1, 3);
    }
  });

  it("has log-probabilities, entropy, cdf and icdf with the gradients of central differences", () => {
    const f = (...xs: Value[]): Value => {
      const p = entry.make(...xs.slice(1));
      const parts = [p.logProb(xs[0]!)];
      if (!lacks("entropy")) parts.push(p.entropy());
      if (has(p, "cdf") && !discrete) parts.push(p.cdf(xs[0]!));
      if (has(p, "icdf")) parts.push(p.icdf(sigmoid(xs[0]!)));
      return parts.map(weighed).reduce((total, part) => total.add(part));
    };
    expect(checkGradient(f, [entry.value, ...entry.parameters]).error).toBeLessThan(1e-7);
  });

  it("samples with a gradient or says that it cannot", () => {
    const pathwise = run(entry, (p) => ({ yes: constant(Number(p.pathwise)) })).yes.data[0] === 1;
    const f = (...xs: Value[]): Value =>
      weighed(entry.make(...xs).pathwiseSample(new Key("x"), [3]));
    if (!pathwise) {
      const shapes: TensorSpec[] = [...entry.parameters];
      expect(() => trace((xs) => f(...(xs as Value[])), shapes)).toThrow(
        /no pathwise sample\. Use/,
      );
      return;
    }
    if (entry.implicit !== true) {
      expect(checkGradient(f, entry.parameters).error).toBeLessThan(1e-7);
    }
    const still = trace(
      (xs) => {
        const x = entry.make(...(xs as Value[])).sample(new Key("x"));
        return isFloat(x.dtype) ? gradients(sum(x), xs as Value[]) : [];
      },
      entry.parameters as readonly TensorSpec[],
    );
    for (const g of evaluate(still, [...entry.parameters]) as readonly Tensor[]) {
      expect(numbers(g).every((v) => v === 0)).toBe(true);
    }
  });

  it("is the same program at every batch size", () => {
    const batch = dim("B");
    const specs = entry.parameters.map(({ dtype, shape }) => ({
      dtype,
      shape: [batch, ...shape.slice(1)],
    }));
    const program = trace(
      (xs) => {
        const p = entry.make(...(xs as Value[]));
        expect(p.batchShape[0]).toBe(batch);
        const x = p.sample(new Key("x"), [4]);
        expect(x.shape).toEqual([4, ...p.batchShape, ...p.eventShape]);
        const logProb = p.logProb(x);
        expect(logProb.shape).toEqual([4, ...p.batchShape]);
        return lacks("entropy") ? { x, logProb } : { x, logProb, entropy: p.entropy() };
      },
      specs as readonly TensorSpec[],
    );
    for (const size of [1, 2, 5]) {
      const inputs = entry.parameters.map(({ dtype, shape, data }) => {
        const row = data.length / 2;
        const values = Array.from({ length: size * row }, (_, i) => Number(data[i % data.length]));
        return tensorOf(values, [size, ...shape.slice(1)], dtype);
      });
      const found = evaluate(program, inputs) as Record<string, Tensor>;
      expect(found.logProb?.shape.slice(0, 2)).toEqual([4, size]);
      expect(numbers(found.logProb!).every(Number.isFinite)).toBe(true);
      if (size === 2 && found.entropy !== undefined) {
        expect(found.entropy).toEqual(run(entry, (p) => ({ h: p.entropy() })).h);
      }
    }
  });
});
