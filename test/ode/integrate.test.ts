import { describe, expect, it } from "vitest";
import {
  arraySpace,
  bogackiShampine,
  dop853,
  dormandPrince,
  euler,
  heun,
  integrate,
  integrateAsync,
  rungeKutta4,
  type Tableau,
  type VectorSpace,
} from "../../src/ode/index.ts";
import { readGolden } from "../golden/read.ts";

const tableaux = [euler, heun, bogackiShampine, rungeKutta4, dormandPrince, dop853];
const golden = readGolden("ode");

const lotka = (_t: number, y: Float64Array) => [y[0]! * (1.5 - y[1]!), y[1]! * (y[0]! - 3)];
const kepler = (_t: number, y: Float64Array) => {
  const cube = Math.hypot(y[0]!, y[1]!) ** 3;
  return [y[2]!, y[3]!, -y[0]! / cube, -y[1]! / cube];
};
const problems = {
  lotka: { f: lotka, interval: [0, 6], y0: [1, 1] },
  kepler: { f: kepler, interval: [0, 6], y0: [0.6, 0, 0, 1.5275252316519465] },
} as const;

/** −slope of log error over log steps, by least squares. */
function measuredOrder(errors: readonly number[], steps: readonly number[]): number {
  const x = steps.map(Math.log);
  const y = errors.map(Math.log);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const above = x.reduce((sum, v, i) => sum + (v - mx) * (y[i]! - my), 0);
  return -above / x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
}

describe.each(tableaux)("$name", (method: Tableau) => {
  // Nonlinear and explicit in t, so that no order condition drops out.
  const problem = {
    f: (t: number, y: Float64Array) => [y[1]! * Math.cos(t) + 0.1 * y[0]! ** 2, -y[0]! - t * y[1]!],
    interval: [0, 2] as const,
    y0: [1, 0.3],
  };
  const exact = integrate(problem, { tolerance: { relative: 1e-14, absolute: 1e-15 } });

  it("converges with its order", () => {
    const steps = method.order >= 8 ? [6, 8, 11, 14, 18] : [40, 80, 160];
    const errors = steps.map((count) => {
      const end = integrate(problem, { method, steps: count }).states.at(-1)!;
      return Math.hypot(end[0]! - exact.states.at(-1)![0]!, end[1]! - exact.states.at(-1)![1]!);
    });
    expect(Math.round(measuredOrder(errors, steps))).toBe(method.order);
  });

  it("has dense output one order below at least, and its derivative", () => {
    const wanted = method.dense === undefined ? Math.min(3, method.order) : method.order - 1;
    const worst = (count: number) => {
      const path = integrate(problem, { method, steps: count });
      let [value, slope] = [0, 0];
      for (let i = 0; i <= 50; i++) {
        const t = i / 25;
        value = Math.max(value, Math.abs(path.at(t)[0]! - exact.at(t)[0]!));
        const f = problem.f(t, exact.at(t));
        slope = Math.max(slope, Math.abs(path.derivative(t)[0]! - f[0]!));
      }
      return { value, slope };
    };
    const steps = method.order >= 8 ? [4, 6, 9] : [20, 40, 80];
    const found = steps.map(worst);
    expect(
      measuredOrder(
        found.map(({ value }) => value),
        steps,
      ),
    ).toBeGreaterThan(wanted - 0.3);
    expect(
      measuredOrder(
        found.map(({ slope }) => slope),
        steps,
      ),
    ).toBeGreaterThan(Math.min(method.order, wanted) - 1.4);
  });

  it("sums its rows to its nodes and its weights to 1", () => {
    const rows = [...method.stages, ...(method.extra?.stages ?? [])];
    const nodes = [...method.nodes, ...(method.extra?.nodes ?? [])];
    for (const [i, row] of rows.entries()) {
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(nodes[i]!, 12);
    }
    expect(method.weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 13);
    for (const row of method.error?.rows ?? []) {
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 13);
    }
  });
});

describe("against SciPy", () => {
  const pairs = [
    ["RK23", bogackiShampine],
    ["RK45", dormandPrince],
    ["DOP853", dop853],
  ] as const;
  for (const label of ["lotka", "kepler"] as const) {
    it.each(pairs)(`${label} by %s takes the same steps`, (name, method) => {
      const times = golden[`${label}/${name}/times`]!.data as Float64Array;
      const path = integrate(problems[label], {
        method,
        tolerance: { relative: 1e-5, absolute: 1e-8 },
        firstStep: 0.01,
      });
      // The last steps before the end are fitted otherwise. Tiny error estimates are mostly rounding, which
      // moves steps in the seventh digit.
      for (const [i, t] of times.slice(0, -2).entries()) expect(path.times[i]).toBeCloseTo(t, 6);
      const [t, ...y] = golden[`${label}/${name}/dense`]!.data as Float64Array;
      for (const [i, value] of path.at(t!).entries()) expect(value).toBeCloseTo(y[i]!, 7);
    });

    it(`${label} to twelve digits`, () => {
      const path = integrate(problems[label], {
        tolerance: { relative: 1e-13, absolute: 1e-15 },
      });
      const want = golden[`${label}/exact`]!;
      const width = want.shape[1]!;
      for (let i = 0; i < want.shape[0]!; i++) {
        for (const [j, value] of path.at(i / 2).entries()) {
          expect(value).toBeCloseTo(Number(want.data[i * width + j]), 9);
        }
      }
    });
  }
});

describe("integrate", () => {
  const circle = { f: (_t: number, y: Float64Array) => [y[1]!, -y[0]!], y0: [0, 1] };

  it("keeps the error near the tolerance", () => {
    for (const relative of [1e-4, 1e-7, 1e-10]) {
      for (const method of [heun, bogackiShampine, dormandPrince, dop853]) {
        if (method === heun && relative < 1e-4) continue;
        const path = integrate(
          { ...circle, interval: [0, 10] },
          { method, tolerance: { relative, absolute: relative } },
        );
        const error = Math.abs(path.states.at(-1)![0]! - Math.sin(10));
        expect(error).toBeLessThan(100 * relative);
      }
    }
  });

  it("runs backwards", () => {
    const path = integrate({ ...circle, interval: [3, -3], y0: [Math.sin(3), Math.cos(3)] });
    expect(path.at(-2.5)[0]).toBeCloseTo(Math.sin(-2.5), 5);
  });

  it("finds events, in their direction, and stops at terminal ones", () => {
    const tolerance = { relative: 1e-10, absolute: 1e-12 };
    const value = (_t: number, y: Float64Array) => y[0]!;
    const all = integrate({ ...circle, interval: [0, 20] }, { tolerance, events: [{ value }] });
    expect(all.events.map(({ t }) => t / Math.PI)).toHaveLength(6);
    for (const [i, { t }] of all.events.entries()) expect(t).toBeCloseTo((i + 1) * Math.PI, 8);
    const falling = integrate(
      { ...circle, interval: [0, 20] },
      { tolerance, events: [{ value, direction: -1, terminal: true }] },
    );
    expect(falling.stopped).toBe(true);
    expect(falling.times.at(-1)).toBeCloseTo(Math.PI, 8);
    expect(() => falling.at(4)).toThrow("outside");
  });

  it("goes where promises are, with the same numbers", async () => {
    let open = 0;
    const later = <T>(value: T): Promise<T> => {
      open++;
      return Promise.resolve(value);
    };
    const space: VectorSpace<Float64Array> = {
      combine: (c, v) => later(arraySpace.combine(c, v) as Float64Array),
      scaledNorm: (e, a, b, t) => later(arraySpace.scaledNorm(e, a, b, t) as number),
    };
    const problem = { interval: [0, 5] as const, y0: Float64Array.of(0, 1) };
    const path = await integrateAsync(
      { ...problem, f: (_t, y) => later(Float64Array.of(y[1]!, -y[0]!)) },
      space,
      { events: [{ value: (_t, y) => later(y[0]!) }] },
    );
    const host = integrate(
      { ...circle, interval: [0, 5] },
      { events: [{ value: (_t, y) => y[0]! }] },
    );
    expect(path.times).toEqual(host.times);
    expect(path.states).toEqual(host.states);
    expect(path.events.map(({ t }) => t)).toEqual(host.events.map(({ t }) => t));
    expect(await path.at(2.2)).toEqual(host.at(2.2));
    expect(open).toBeGreaterThan(100);
  });

  it("fails with the promise that fails", async () => {
    const f = () => Promise.reject(new Error("device lost"));
    const problem = { f, interval: [0, 1] as const, y0: Float64Array.of(1) };
    await expect(integrateAsync(problem, arraySpace)).rejects.toThrow("device lost");
    const late = () => Promise.resolve(Float64Array.of(1));
    expect(() => integrate({ ...problem, f: late as never })).toThrow("integrateAsync");
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "a blow-up",
      () => integrate({ f: (_t, y) => [y[0]! ** 2], interval: [0, 2], y0: [1] }),
      /step size fell .* t = (0\.99|1)/,
    ],
    [
      "NaN at the start",
      () => integrate({ f: () => [Number.NaN], interval: [0, 1], y0: [1] }),
      /not finite at the start/,
    ],
    [
      "NaN on the way",
      () => integrate({ f: (t) => [t > 0.5 ? Number.NaN : 1], interval: [0, 1], y0: [1] }),
      /t = 0\.(49|5)/,
    ],
    [
      "sizes",
      () => integrate({ f: () => [1, 2], interval: [0, 1], y0: [1] }),
      /f returned 2 numbers .* for 1 in y0/,
    ],
    [
      "the interval",
      () => integrate({ f: () => [1], interval: [1, 1], y0: [1] }),
      /two different finite ends/,
    ],
    [
      "no error estimate",
      () => integrate({ f: () => [1], interval: [0, 1], y0: [1] }, { method: rungeKutta4 }),
      /rk4 has no error estimate/,
    ],
    [
      "too many steps",
      () => integrate({ ...circle, interval: [0, 1e4] }, { maxSteps: 50 }),
      /50 steps led only to/,
    ],
    [
      "the order of times",
      () => integrate({ ...circle, interval: [0, 1] }, { steps: [0.6, 0.5, 1] }),
      /in order/,
    ],
    [
      "tolerances",
      () => integrate({ ...circle, interval: [0, 1] }, { tolerance: { relative: -1 } }),
      /must not be negative/,
    ],
    [
      "time outside",
      () => integrate({ ...circle, interval: [0, 1] }).at(2),
      /t = 2 is outside of \[0, 1\]/,
    ],
    [
      "no dense output",
      () => integrate({ ...circle, interval: [0, 1] }, { dense: false }).at(0.5),
      /dense: false/,
    ],
  ])("refuses %s with the reason", (_name, run, message) => {
    expect(run).toThrow(message);
  });
});
