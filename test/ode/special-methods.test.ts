// Methods for stiff, semilinear and linear systems.
import { describe, expect, it } from "vitest";
import {
  arraySpace,
  etd1,
  etdrk2,
  etdrk3,
  etdrk4,
  generalSolution,
  integrate,
  integrateExponential,
  integrateExponentialAsync,
  integrateStiff,
  magnus,
  matrixPart,
  radauIIA5,
  scalarPart,
} from "../../src/ode/index.ts";
import { readGolden } from "../golden/read.ts";

const golden = readGolden("ode");
const order = (errors: readonly number[]) => Math.log2(errors.at(-2)! / errors.at(-1)!);

describe("Radau IIA 5", () => {
  it("has the order conditions of its stages: Σ_j a_ij c_j^{q−1} = c_i^q/q for q = 1, 2, 3", () => {
    const { nodes, stages } = radauIIA5;
    for (const q of [1, 2, 3]) {
      for (const [i, row] of stages.entries()) {
        const sum = row.reduce((s, a, j) => s + a * nodes[j]! ** (q - 1), 0);
        expect(sum).toBeCloseTo(nodes[i]! ** q / q, 14);
      }
    }
  });

  it("converges with order 5 where the system is not stiff", () => {
    const f = (t: number, y: Float64Array) => [y[1]! * Math.cos(t), -y[0]! - t * y[1]!];
    const problem = { f, interval: [0, 2], y0: [1, 0.3] } as const;
    const exact = integrate(problem, { tolerance: { relative: 1e-13, absolute: 1e-14 } });
    const errors = [0.2, 0.1, 0.05].map((h) => {
      // A loose tolerance with a short longest step makes steps equal; Newton still converges well below.
      const path = integrateStiff(problem, {
        tolerance: { relative: 1e-9, absolute: 1e9 },
        firstStep: h,
        maxStep: h,
      });
      return Math.abs(path.states.at(-1)![0]! - exact.states.at(-1)![0]!);
    });
    expect(order(errors)).toBeGreaterThan(4.6);
  });

  it("follows Robertson's reaction as SciPy does", () => {
    const f = (_t: number, y: Float64Array) => {
      const [a, b, c] = [0.04 * y[0]!, 1e4 * y[1]! * y[2]!, 3e7 * y[1]! ** 2];
      return [-a + b, a - b - c, c];
    };
    const tolerance = { relative: 1e-8, absolute: 1e-12 };
    const path = integrateStiff({ f, interval: [0, 4000], y0: [1, 0, 0] }, { tolerance });
    const want = golden.robertson!.data;
    for (const [i, t] of [0.4, 40, 4000].entries()) {
      const y = path.at(t);
      for (let j = 0; j < 3; j++) {
        expect(Math.abs(y[j]! / Number(want[3 * i + j]) - 1)).toBeLessThan(1e-5);
      }
      expect(y[0]! + y[1]! + y[2]!).toBeCloseTo(1, 9);
    }
    expect(path.counts.accepted).toBeLessThan(1500);
  });

  it("follows van der Pol's oscillator through its jumps as SciPy does, with its Jacobian or without", () => {
    const f = (_t: number, y: Float64Array) => [y[1]!, 1000 * (1 - y[0]! ** 2) * y[1]! - y[0]!];
    const jacobian = (_t: number, y: Float64Array) => [
      [0, 1],
      [-2000 * y[0]! * y[1]! - 1, 1000 * (1 - y[0]! ** 2)],
    ];
    const problem = { f, interval: [0, 2000], y0: [2, 0] } as const;
    const tolerance = { relative: 1e-6, absolute: 1e-9 };
    for (const options of [{ tolerance }, { tolerance, jacobian }]) {
      const path = integrateStiff(problem, options);
      for (const [i, t] of [500, 1500].entries()) {
        expect(path.at(t)[0]).toBeCloseTo(Number(golden.vanDerPol!.data[2 * i]), 3);
      }
      expect(path.counts.accepted).toBeLessThan(2000);
    }
  });

  it("takes few steps at an eigenvalue ratio of 1e6, where an explicit method takes millions", () => {
    const f = (t: number, y: Float64Array) => [
      -1e6 * (y[0]! - Math.cos(t)) - Math.sin(t),
      y[0]! - y[1]!,
    ];
    const problem = { f, interval: [0, 10], y0: [2, 0] } as const;
    const path = integrateStiff(problem, { tolerance: { relative: 1e-6, absolute: 1e-8 } });
    expect(path.at(7.3)[0]).toBeCloseTo(Math.cos(7.3), 6);
    expect(path.derivative(7.3)[0]).toBeCloseTo(-Math.sin(7.3), 4);
    expect(path.counts.accepted).toBeLessThan(200);
    expect(() => integrate(problem, { maxSteps: 5000, dense: false })).toThrow("integrateStiff");
  });

  it("refuses a Jacobian of another size", () => {
    const problem = { f: () => [1, 1], interval: [0, 1] as const, y0: [0, 0] };
    expect(() => integrateStiff(problem, { jacobian: () => [[1]] })).toThrow("must be [2, 2]");
  });
});

describe("Magnus integrators", () => {
  const A = (t: number) => [
    [0, 1 + 0.3 * Math.sin(t)],
    [-2 - Math.cos(2 * t), -0.1 * t],
  ];
  const exact = generalSolution({ A, interval: [0, 3], tolerance: 1e-13 }).propagator(3);
  const error = (got: number[][]) =>
    Math.hypot(...got.flatMap((row, i) => row.map((x, j) => x - exact[i]![j]!)));

  it.each([2, 4, 6] as const)("of order %i converge with it", (p) => {
    const errors = [8, 16, 32].map((steps) =>
      error(magnus(A, [0, 3], { order: p, steps }).propagator(3)),
    );
    expect(Math.abs(order(errors) - p)).toBeLessThan(0.15);
    for (const tolerance of [1e-5, 1e-8]) {
      const { propagator, times, rejected } = magnus(A, [0, 3], { order: p, tolerance });
      expect(error(propagator(3))).toBeLessThan(20 * tolerance * times.length);
      expect(rejected).toBeLessThan(times.length);
    }
  });

  it.each([2, 4, 6] as const)(
    "of order %i keep lengths where A is antisymmetric, at any step",
    (p) => {
      const turning = (t: number) => [
        [0, t, -1],
        [-t, 0, Math.cos(t)],
        [1, -Math.cos(t), 0],
      ];
      const x = magnus(turning, [0, 20], { order: p, steps: 25 }).solution([1, 2, 2]);
      for (const t of [0.4, 7.7, 20]) expect(Math.hypot(...x(t))).toBeCloseTo(3, 12);
    },
  );

  it("run backwards, and refuse NaN and times outside", () => {
    const forth = magnus(A, [0, 3], { order: 6, tolerance: 1e-10 });
    const back = magnus(A, [3, 0], { order: 6, tolerance: 1e-10 });
    const [[a, b], [c, d]] = [forth.propagator(3)[0]!, back.propagator(0).map((row) => row[0]!)];
    expect(a! * c! + b! * d!).toBeCloseTo(1, 8);
    expect(() => forth.propagator(4)).toThrow("outside");
    expect(() => magnus(() => [[Number.NaN]], [0, 1])).toThrow("not finite");
  });
});

describe("exponential integrators", () => {
  const L = [
    [-3, 1],
    [0, -1],
  ];
  const f = (t: number, y: Float64Array) => Float64Array.of(Math.sin(t) * y[1]!, Math.cos(y[0]!));
  const whole = (t: number, y: Float64Array) => {
    const slope = f(t, y);
    return [-3 * y[0]! + y[1]! + slope[0]!, -y[1]! + slope[1]!];
  };
  const y0 = Float64Array.of(1, 0.5);
  const exact = integrate(
    { f: whole, interval: [0, 2], y0 },
    { tolerance: { relative: 1e-13, absolute: 1e-14 } },
  );
  const problem = { linear: matrixPart(L), f, interval: [0, 2] as const, y0 };

  it.each([etd1, etdrk2, etdrk3, etdrk4])("$name converges with its order", (method) => {
    const errors = [64, 128].map((steps) => {
      const y = integrateExponential(problem, { method, steps }).states.at(-1)!;
      return Math.hypot(y[0]! - exact.states.at(-1)![0]!, y[1]! - exact.states.at(-1)![1]!);
    });
    expect(Math.abs(order(errors) - method.order)).toBeLessThan(0.15);
  });

  it.each([etd1, etdrk2, etdrk3, etdrk4])(
    "$name is exact for a constant N, however stiff",
    (method) => {
      const linear = scalarPart(-1e4, arraySpace);
      const constant = { linear, f: () => Float64Array.of(3), interval: [0, 1] as const };
      const path = integrateExponential(
        { ...constant, y0: Float64Array.of(5) },
        { method, steps: 3 },
      );
      expect(path.states.at(-1)![0]).toBeCloseTo(3e-4, 15);
    },
  );

  it("serve promises with the same numbers", async () => {
    const host = integrateExponential(problem, { steps: 5 });
    const late = { ...problem, f: async (t: number, y: Float64Array) => f(t, y) };
    const path = await integrateExponentialAsync(late, arraySpace, { steps: 5 });
    expect(path.states).toEqual(host.states);
    expect(host.evaluations).toBe(20);
  });
});
