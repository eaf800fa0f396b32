import { describe, expect, it } from "vitest";
import { boundaryValue, floquet, generalSolution, scalarSolution } from "../../src/ode/index.ts";

describe("x²(2 − x)y″ + 2xy′ − 2y = e^{−x}x²(2 − x)² from y₁ = x", () => {
  const equation = {
    coefficients: (x: number) => [-2, 2 * x, x * x * (2 - x)],
    forcing: (x: number) => Math.exp(-x) * (x * (2 - x)) ** 2,
    known: [(x: number) => [x, 1]],
    interval: [0.2, 1.8] as const,
  };
  const particular = (x: number) => Math.exp(-x) * (2 / x - x);
  const slope = (x: number) => Math.exp(-x) * (x - 1 - 2 / x - 2 / x ** 2);
  const points = [0.2, 0.5, 0.9, 1.4, 1.8];

  it("finds y₂ = 1 − 1/x", () => {
    const { forcing: _, ...homogeneous } = equation;
    const y = scalarSolution(homogeneous).initialValue([0, 1], 1);
    for (const x of points) {
      expect(y(x)[0]).toBeCloseTo(1 - 1 / x, 11);
      expect(y(x)[1]).toBeCloseTo(1 / x ** 2, 10);
    }
  });

  it("finds the particular solution e^{−x}(2/x − x)", () => {
    const y = scalarSolution(equation).initialValue([particular(1), slope(1)], 1);
    for (const x of points) expect(y(x)[0]).toBeCloseTo(particular(x), 11);
  });

  it("meets boundary values", () => {
    const y = scalarSolution(equation).boundaryValue([
      { at: 0.2, weights: [1, 0], value: particular(0.2) },
      { at: 1.8, weights: [1, 2], value: particular(1.8) + 2 * slope(1.8) },
    ]);
    for (const x of points) expect(y(x)[0]).toBeCloseTo(particular(x), 10);
  });

  it("stops at the singular point", () => {
    expect(() => scalarSolution({ ...equation, interval: [0, 1] })).toThrow(
      "leading coefficient vanishes at t = 0",
    );
    expect(() => scalarSolution({ ...equation, interval: [1, 3] })).toThrow(
      /vanishes at t = 2|cannot be resolved near t = (2|1\.99)/,
    );
  });
});

describe("scalar equations", () => {
  it("have Abel's Wronskian", () => {
    // ÿ + cos t ẏ + y = 0: W = W₀ exp −sin t
    const { wronskian } = scalarSolution({
      coefficients: (t) => [1, Math.cos(t), 1],
      interval: [0, 9],
    });
    for (const t of [1, 4, 9])
      expect(wronskian(t) / wronskian(0)).toBeCloseTo(Math.exp(-Math.sin(t)), 11);
  });

  it("of order 4 are solved from one, two or three solutions", () => {
    // y⁗ = y: e^t, e^{−t}, cos t, sin t
    const all = [
      (t: number) => [1, 1, 1, 1].map((x) => x * Math.exp(-t) * (-1) ** 0),
      (t: number) => [Math.cos(t), -Math.sin(t), -Math.cos(t), Math.sin(t)],
      (t: number) => [Math.sin(t), Math.cos(t), -Math.sin(t), -Math.cos(t)],
    ];
    all[0] = (t) => [1, -1, 1, -1].map((x) => x * Math.exp(-t));
    for (const count of [1, 2, 3]) {
      const { initialValue } = scalarSolution({
        coefficients: () => [-1, 0, 0, 0, 1],
        known: all.slice(0, count),
        interval: [0, 5],
      });
      expect(initialValue([1, 1, 1, 1])(5)[2]! / Math.exp(5)).toBeCloseTo(1, 11);
    }
  });

  it("have no solution, or many, at an eigenvalue", () => {
    const { boundaryValue: solve } = scalarSolution({
      coefficients: () => [1, 0, 1],
      interval: [0, Math.PI],
    });
    const ends = (value: number) => [
      { at: 0, weights: [1, 0], value: 0 },
      { at: Math.PI, weights: [1, 0], value },
    ];
    expect(() => solve(ends(1))).toThrow("do not determine a solution");
    const { boundaryValue: near } = scalarSolution({
      coefficients: () => [1.1, 0, 1],
      interval: [0, Math.PI],
    });
    expect(near(ends(1))(Math.PI)[0]).toBeCloseTo(1, 12);
  });

  it("refuse conditions of another number or size", () => {
    const general = generalSolution({ A: () => [[1]], interval: [0, 1] });
    expect(() => boundaryValue(general, [])).toThrow("1 conditions are needed");
    expect(() => boundaryValue(general, [{ at: 0, weights: [1, 2], value: 0 }])).toThrow(
      "2 weights for 1 components",
    );
    expect(() => scalarSolution({ coefficients: () => [1], interval: [0, 1] })).toThrow(
      "[a_0, …, a_n]",
    );
  });
});

describe("Floquet multipliers", () => {
  it("of a turning frame with decays are e^{−period·decay}", () => {
    // A = R D Rᵀ + Ṙ Rᵀ with R of period 2π: Φ(2π) = e^{2πD}.
    const A = (t: number) => {
      const [c, s] = [Math.cos(t), Math.sin(t)];
      return [
        [-0.2 * c * c - 0.5 * s * s, 0.3 * c * s - 1],
        [0.3 * c * s + 1, -0.2 * s * s - 0.5 * c * c],
      ];
    };
    const { multipliers, growthRate, exponents } = floquet({ A, period: 2 * Math.PI });
    expect(multipliers[0]!.re).toBeCloseTo(Math.exp(-0.4 * Math.PI), 11);
    expect(multipliers[1]!.re).toBeCloseTo(Math.exp(-Math.PI), 11);
    expect(growthRate).toBeCloseTo(-0.2, 11);
    expect(exponents[1]!.re).toBeCloseTo(-0.5, 11);
  });

  it("of Mathieu's equation lie on the circle where it is stable, and multiply to 1", () => {
    const mathieu = (a: number, q: number) => (t: number) => [
      [0, 1],
      [-(a - 2 * q * Math.cos(2 * t)), 0],
    ];
    const stable = floquet({ A: mathieu(2.5, 0.5), period: Math.PI });
    for (const { re, im } of stable.multipliers) expect(Math.hypot(re, im)).toBeCloseTo(1, 10);
    const unstable = floquet({ A: mathieu(1, 0.5), period: Math.PI });
    expect(unstable.growthRate).toBeGreaterThan(0.1);
    const [first, second] = unstable.multipliers;
    expect(first!.re * second!.re).toBeCloseTo(1, 10);
  });

  it("refuse what is not a period", () => {
    const A = (t: number) => [[Math.cos(t)]];
    expect(() => floquet({ A, period: 3 })).toThrow("3 is not a period of A");
    expect(() => floquet({ A, period: -1 })).toThrow("positive");
  });
});
