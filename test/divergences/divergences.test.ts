// What every entry of the table promises: conjugates by numerical maximisation, derivatives by differences,
// optimal critics that attain the divergence, values against SciPy and quadrature.
import { describe, expect, it } from "vitest";
import {
  alphaDivergence,
  divergences,
  type FDivergence,
  findDivergence,
  finiteDivergence,
  hinge,
  normalDivergence,
  variationalEstimate,
} from "../../src/divergences/index.ts";
import { normalQuantile } from "../../src/ops/index.ts";
import { tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";

const golden = readGolden("divergences");
const alphas = readGoldenMeta("divergences").alphas as number[];
const all: readonly FDivergence[] = [
  ...Object.values(divergences),
  ...alphas.map(alphaDivergence),
  alphaDivergence(3),
];

type Arrays = Readonly<Record<string, { values: ArrayLike<number>; shape?: readonly number[] }>>;

/** A function of traced values on float64 numbers of the host. */
function apply(f: (x: Record<string, Value>) => Value, arrays: Arrays): number[] {
  const given = Object.fromEntries(
    Object.entries(arrays).map(([name, { values, shape }]) => [
      name,
      tensorOf(values, shape ?? [values.length], "float64"),
    ]),
  );
  const program = trace((x) => ({ y: f(x as unknown as Record<string, Value>) }), given);
  return Array.from(evaluate(program, given).y.data as Float64Array);
}

const on = (f: (x: Value) => Value, values: readonly number[]): number[] =>
  apply(({ x }) => f(x as Value), { x: { values } });

const grid = (from: number, to: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** Numbers of the domain of f*, up to its upper end where that belongs to it. */
function insideDomain({ conjugateDomain: { high, closed } }: FDivergence): number[] {
  if (high === Infinity) return [-3, -2, -1, -0.3, 0, 0.4, 1.2];
  const below = [-3, -1, -0.4, -0.1, -0.01].map((d) => high + d);
  return closed ? [...below, high] : below;
}

describe.each(all)("$name", (d) => {
  it("has a convex generator with f(1) = 0, and the limits that it states", () => {
    expect(on(d.generator, [1])[0]).toBeCloseTo(0, 14);
    const u = grid(0.05, 6, 300);
    const f = on(d.generator, u);
    for (let i = 1; i < f.length - 1; i++) {
      const bend = (f[i - 1] as number) - 2 * (f[i] as number) + (f[i + 1] as number);
      expect(bend).toBeGreaterThan(-1e-12);
    }
    const [near, far] = [1e-14, 1e14];
    const [atNear, atFar] = on(d.generator, [near, far]) as [number, number];
    if (Number.isFinite(d.atZero)) expect(atNear).toBeCloseTo(d.atZero, 3);
    else expect(atNear).toBeGreaterThan(8);
    if (Number.isFinite(d.slopeAtInfinity)) expect(atFar / far).toBeCloseTo(d.slopeAtInfinity, 3);
    else expect(atFar / far).toBeGreaterThan(8);
    expect(d.upperBound).toBe(d.atZero + d.slopeAtInfinity);
  });

  it("has the conjugate that maximisation over u finds", () => {
    // Far enough for the suprema at infinity, near enough that u·t − f(u) keeps its digits.
    const logU = grid(-24, 24, 96_001);
    const u = logU.map(Math.exp);
    const f = on(d.generator, u);
    const ts = insideDomain(d);
    const found = on(d.conjugate, ts);
    for (const [i, t] of ts.entries()) {
      let best = -d.atZero;
      for (let k = 0; k < u.length; k++) {
        best = Math.max(best, t * (u[k] as number) - (f[k] as number));
      }
      const off = Math.abs((found[i] as number) - best);
      expect(off, `t = ${t}`).toBeLessThan(2e-5 * (1 + Math.abs(best)));
    }
  });

  it("has no finite conjugate above its domain", () => {
    const { high } = d.conjugateDomain;
    if (high === Infinity) return;
    const t = high + 0.05;
    const far = on((u) => u.mul(t).sub(d.generator(u)), [1e3, 1e6, 1e9]);
    expect(far[2]).toBeGreaterThan(1e6);
    expect(far[2] as number).toBeGreaterThan(100 * (far[1] as number));
  });

  it("takes outputs into the domain, rising, with penalty f*(activation)", () => {
    const v = grid(-6, 6, 49);
    const t = on(d.activation, v);
    for (let i = 1; i < t.length; i++) expect(t[i]).toBeGreaterThan(t[i - 1] as number);
    expect(Math.max(...t)).toBeLessThanOrEqual(d.conjugateDomain.high);
    const penalties = on(d.penalty, v);
    for (const [i, conjugate] of on(d.conjugate, t).entries()) {
      const penalty = penalties[i] as number;
      expect(Math.abs(penalty - conjugate)).toBeLessThan(1e-10 * (1 + Math.abs(conjugate)) ** 2);
    }
    for (const far of on(d.penalty, [-40, 40])) expect(Number.isFinite(far)).toBe(true);
  });

  it("has f' of the ratio as its optimal critic, which optimal outputs reach", () => {
    const l = [-2.5, -1, -0.2, 0.3, 1, 2.2];
    const h = 1e-5;
    const moved = (by: number): number[] =>
      on(
        d.generator,
        l.map((x) => Math.exp(x) + by),
      );
    const [up, down] = [moved(h), moved(-h)];
    const critic = on(d.optimalCritic, l);
    for (const [i, t] of critic.entries()) {
      const slope = ((up[i] as number) - (down[i] as number)) / (2 * h);
      expect(Math.abs(t - slope)).toBeLessThan(1e-5 * (1 + Math.abs(t)));
    }
    for (const [i, t] of on((x) => d.activation(d.optimalOutput(x)), l).entries()) {
      expect(t).toBeCloseTo(critic[i] as number, 12);
    }
  });

  it("is attained by the optimal critic, and by no other exceeded", () => {
    const outcomes = 6;
    const masses = (seed: number): number[] => {
      const raw = grid(1, outcomes, outcomes).map((i) => 1.1 + Math.sin(seed * i * 1.7 + i * i));
      const total = raw.reduce((s, x) => s + x, 0);
      return raw.map((x) => x / total);
    };
    const [p, q] = [masses(1), masses(2.3)];
    const ratio = p.map((x, i) => Math.log(x / (q[i] as number)));
    const exact = apply(({ p: a, q: b }) => finiteDivergence(d, a as Value, b as Value), {
      p: { values: p },
      q: { values: q },
    })[0] as number;
    const boundOf = (outputs: readonly number[]): number => {
      const [reward, penalty] = [on(d.activation, outputs), on(d.penalty, outputs)];
      const expectation = (w: number[], x: number[]) =>
        w.reduce((s, weight, i) => s + weight * (x[i] as number), 0);
      return expectation(p, reward) - expectation(q, penalty);
    };
    const optimal = on(d.optimalOutput, ratio);
    expect(boundOf(optimal)).toBeCloseTo(exact, 10);
    for (const amount of [-0.7, -0.2, 0.1, 0.5]) {
      const other = optimal.map((v, i) => v + amount * Math.cos(3 * i));
      expect(boundOf(other)).toBeLessThanOrEqual(exact + 1e-12);
    }
  });
});

describe("values", () => {
  const shaped = ({ data, shape }: { data: ArrayLike<unknown>; shape: readonly number[] }) => ({
    values: Array.from(data, Number),
    shape,
  });
  const named = Object.keys(golden)
    .filter((key) => key.startsWith("finite."))
    .map((key) => key.slice(7));
  const find = (name: string): FDivergence => all.find((d) => d.name === name) as FDivergence;

  it.each(named)("of %s agree with the references over outcomes and between normals", (name) => {
    const d = find(name);
    const { p, q, normals } = golden as Record<string, (typeof golden)[string]>;
    const found = apply(({ a, b }) => finiteDivergence(d, a as Value, b as Value), {
      a: shaped(p as never),
      b: shaped(q as never),
    });
    for (const [i, value] of Array.from(golden[`finite.${name}`]?.data as Float64Array).entries()) {
      expect(Math.abs((found[i] as number) - value)).toBeLessThan(1e-12 * (1 + value));
    }
    const table = Array.from(normals?.data as Float64Array);
    const column = (at: number) => table.filter((_, i) => i % 4 === at);
    const [m1, s1, m2, s2] = [0, 1, 2, 3].map((at) => ({ values: column(at), shape: [3, 1] }));
    const wanted = Array.from(golden[`normal.${name}`]?.data as Float64Array);
    if (d.power === undefined) return;
    const arrays = { m1, s1, m2, s2 } as unknown as Arrays;
    const between = apply(
      (x) =>
        normalDivergence(
          d,
          { mean: x.m1 as Value, std: x.s1 as Value },
          { mean: x.m2 as Value, std: x.s2 as Value },
        ),
      arrays,
    );
    for (const [i, value] of wanted.entries()) {
      expect(Math.abs((between[i] as number) - value)).toBeLessThan(1e-10 * (1 + value));
    }
  });

  it("of the total variation between normals of one scale", () => {
    const d = divergences["total-variation"];
    const wanted = golden["normal.total-variation"]?.data[0] as number;
    const arrays = { m: { values: [0] }, n: { values: [0.7] }, s: { values: [1] } };
    const [found] = apply(
      ({ m, n, s }) =>
        normalDivergence(
          d,
          { mean: m as Value, std: s as Value },
          { mean: n as Value, std: s as Value },
        ),
      arrays,
    );
    expect(found).toBeCloseTo(wanted, 6); // erf to float32's digits
  });

  it("are 0 for equals, and the upper bound for distributions without overlap", () => {
    for (const d of all) {
      const between = (p: number[], q: number[]): number | undefined =>
        apply(({ p: a, q: b }) => finiteDivergence(d, a as Value, b as Value), {
          p: { values: p },
          q: { values: q },
        })[0];
      expect(between([0.3, 0.7, 0], [0.3, 0.7, 0])).toBeCloseTo(0, 14);
      const apart = between([0.4, 0.6, 0, 0], [0, 0, 0.5, 0.5]) as number;
      if (d.upperBound === Infinity) expect(apart).toBe(Infinity);
      else expect(apart).toBeCloseTo(d.upperBound, 12);
    }
  });

  it("obey the known inequalities and relations", () => {
    const { p, q } = golden;
    const of = (d: FDivergence): number[] =>
      apply(({ a, b }) => finiteDivergence(d, a as Value, b as Value), {
        a: shaped(p as never),
        b: shaped(q as never),
      });
    const [kl, js] = [of(divergences.kl), of(divergences["jensen-shannon"])];
    const [tv, hellinger] = [
      of(divergences["total-variation"]),
      of(divergences["squared-hellinger"]),
    ];
    const chi = of(divergences.pearson);
    const related: readonly (readonly [number[], number, number])[] = [
      [hellinger, 0.5, 0.5],
      [chi, 2, 2],
      [of(divergences.neyman), -1, 2],
    ];
    for (const [values, alpha, factor] of related) {
      const power = of(alphaDivergence(alpha));
      for (const [i, v] of values.entries()) {
        expect(v).toBeCloseTo(factor * (power[i] as number), 10);
      }
    }
    for (const [i, variation] of tv.entries()) {
      const [k, h, c, j] = [kl[i], hellinger[i], chi[i], js[i]] as [number, number, number, number];
      expect(variation).toBeLessThanOrEqual(Math.sqrt(k / 2)); // Pinsker
      expect(h / 2).toBeLessThanOrEqual(variation); // Le Cam
      expect(variation).toBeLessThanOrEqual(Math.sqrt(h * (1 - h / 4)));
      expect(k).toBeLessThanOrEqual(Math.log1p(c));
      expect(j).toBeLessThanOrEqual(Math.LN2 * variation); // Lin
    }
  });
});

describe("variationalEstimate", () => {
  it("is the exact value within its error, at samples of two normals and the optimal critic", () => {
    const count = 40_000;
    // Midpoints of equal probability in place of draws: the error is far below the standard error.
    const quantiles = on(normalQuantile, grid(0.5 / count, 1 - 0.5 / count, count));
    const shift = 0.6;
    const [p, q] = [quantiles.map((z) => z + shift), quantiles];
    const logRatio = (x: number): number => shift * x - shift ** 2 / 2;
    for (const d of Object.values(divergences)) {
      if (d.power === undefined) continue;
      const mass = { m: { values: [shift] }, n: { values: [0] }, s: { values: [1] } };
      const [exact] = apply(
        ({ m, n, s }) =>
          normalDivergence(
            d,
            { mean: m as Value, std: s as Value },
            { mean: n as Value, std: s as Value },
          ),
        mass,
      ) as [number];
      const outputs = (xs: number[]) => ({ values: on(d.optimalOutput, xs.map(logRatio)) });
      const given = { a: outputs(p), b: outputs(q) };
      const estimate = (field: "value" | "standardError") =>
        apply(
          ({ a, b }) => variationalEstimate(d, a as Value, b as Value)[field],
          given,
        )[0] as number;
      expect(Math.abs(estimate("value") - exact)).toBeLessThan(estimate("standardError"));
      expect(estimate("standardError")).toBeLessThan(0.05);
    }
  });
});

it("has a hinge whose best critic is a sign, and leaves 2 − 2·TV", () => {
  // Outcomes of P are 0, 0, 0, 1, of Q are 0, 1, 1, 1: TV is a half.
  const lossOf = ([a, b]: readonly [number, number]): number =>
    apply(({ real, fake }) => hinge.critic({ real: real as Value, fake: fake as Value }), {
      real: { values: [a, a, a, b] },
      fake: { values: [a, b, b, b] },
    })[0] as number;
  expect(lossOf([1, -1])).toBe(1);
  for (const a of grid(-2, 2, 9)) {
    for (const b of grid(-2, 2, 9)) expect(lossOf([a, b])).toBeGreaterThanOrEqual(1);
  }
  const fooled = apply(({ x }) => hinge.generator({ fake: x as Value }), {
    x: { values: [1, -4] },
  });
  expect(fooled).toEqual([1.5]);
});

it("names what there is when asked for what there is not", () => {
  expect(findDivergence("kl")).toBe(divergences.kl);
  expect(() => findDivergence("wasserstein")).toThrow(
    /no divergence "wasserstein".*jensen-shannon/,
  );
  expect(() => alphaDivergence(Number.NaN)).toThrow(/finite number, got NaN/);
  expect(alphaDivergence(1)).toBe(divergences.kl);
  expect(alphaDivergence(0)).toBe(divergences["reverse-kl"]);
});

it("refuses pairs without a closed form, and outcomes that differ", () => {
  const given = { x: { values: [0.5, 0.5] }, y: { values: [0.2, 0.3, 0.5] } };
  expect(() => apply(({ x, y }) => finiteDivergence(divergences.kl, x!, y!), given)).toThrow(
    /same K/,
  );
  const js = divergences["jensen-shannon"];
  const normal = ({ x }: Record<string, Value>) =>
    normalDivergence(js, { mean: x!, std: x! }, { mean: x!, std: x! });
  expect(() => apply(normal, given)).toThrow(/no closed form|not at all/);
});
