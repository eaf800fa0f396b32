import { describe, expect, it } from "vitest";
import { luFactor, luSolve } from "../../src/numerics/index.ts";
import {
  compileExpression,
  type Expression,
  generalSolution,
  parseExpression,
  type SymbolicEquation,
  type SymbolicSolution,
  type SymbolicSystem,
  symbolicScalarSolution,
  symbolicSolution,
  toText,
} from "../../src/ode/index.ts";

type Interval = readonly [number, number];
const inside = ([start, end]: Interval, count = 7) =>
  Array.from({ length: count }, (_, i) => start + ((end - start) * (i + 0.5)) / count);
const numbersOf = (x: readonly Expression[], variable: string) => {
  const f = x.map((e) => compileExpression(e, variable));
  return (t: number) => f.map((component) => component(t));
};

/** Weights of a and b with a·f + b·g = h at two times, and the worst gap at others. */
function fit(
  f: (t: number) => number,
  g: (t: number) => number,
  h: (t: number) => number,
  at: readonly number[],
) {
  const [s, t, ...others] = at as [number, number, ...number[]];
  const weights = luSolve(
    luFactor(Float64Array.of(f(s), g(s), f(t), g(t)), 2),
    Float64Array.of(h(s), h(t)),
  );
  const gaps = others.map((x) => Math.abs(weights[0]! * f(x) + weights[1]! * g(x) - h(x)));
  return { weights, gap: Math.max(...gaps) };
}

/**
 * Every column, and the particular solution, is what numeric integration makes of its value in the middle; and the
 * determinant is a constant times the Wronskian.
 */
function comparesWithNumbers(solution: SymbolicSolution, system: SymbolicSystem): void {
  const { variable = "t", interval } = system;
  const read = (e: string | Expression) =>
    compileExpression(typeof e === "string" ? parseExpression(e, [variable]) : e, variable);
  const A = system.A.map((row) => row.map(read));
  const b = system.inhomogeneity?.map(read);
  const general = generalSolution({
    A: (t) => A.map((row) => row.map((f) => f(t))),
    interval,
    tolerance: 1e-12,
    ...(b === undefined ? {} : { inhomogeneity: (t: number) => b.map((f) => f(t)) }),
  });
  const middle = (interval[0] + interval[1]) / 2;
  const zero = general.initialValue(
    system.A.map(() => 0),
    middle,
  );
  for (const column of solution.columns) {
    const x = numbersOf(column, variable);
    // Without the inhomogeneity: the solution through x less that through 0.
    const follow = general.initialValue(x(middle), middle);
    for (const t of inside(interval)) {
      const size = Math.hypot(...x(t));
      for (const [i, value] of x(t).entries()) {
        expect((follow(t)[i]! - zero(t)[i]! - value) / size).toBeCloseTo(0, 9);
      }
    }
  }
  const particular = numbersOf(solution.particular, variable);
  const follow = general.initialValue(particular(middle), middle);
  if (b !== undefined) {
    for (const t of inside(interval)) {
      for (const [i, value] of particular(t).entries()) expect(follow(t)[i]).toBeCloseTo(value, 8);
    }
  }
  const w = compileExpression(solution.wronskian, variable);
  const ratios = inside(interval).map((t) => {
    const rows = solution.columns.map((column) => numbersOf(column, variable)(t));
    const { sign, factors } = luFactor(Float64Array.from(rows.flat()), rows.length);
    const n = rows.length;
    return rows.reduce((product, _, i) => product * factors[i * n + i]!, sign) / w(t);
  });
  for (const ratio of ratios) expect(ratio / ratios[0]!).toBeCloseTo(1, 9);
}

/** The companion system of an equation given by texts. */
function companion(
  equation: SymbolicEquation & { coefficients: readonly string[]; forcing?: string },
): SymbolicSystem {
  const { coefficients, forcing, variable = "t", interval } = equation;
  const n = coefficients.length - 1;
  const A = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) =>
      i < n - 1 ? (j === i + 1 ? "1" : "0") : `-(${coefficients[j]})/(${coefficients[n]})`,
    ),
  );
  const b = A.map((_, i) => (i < n - 1 ? "0" : `(${forcing ?? "0"})/(${coefficients[n]})`));
  return { A, variable, interval, ...(forcing === undefined ? {} : { inhomogeneity: b }) };
}

describe("x²(2 − x)y″ + 2xy′ − 2y = e^{−x}x²(2 − x)² from y₁ = x, which SymPy's issue 23351 leaves open", () => {
  const equation = {
    coefficients: ["-2", "2*x", "x^2*(2 - x)"],
    forcing: "exp(-x)*x^2*(2 - x)^2",
    known: ["x"],
    variable: "x",
    interval: [0.2, 1.8] as const,
  };

  it("has y₂ = 1 − 1/x and the particular solution e^{−x}(2/x − x), up to what may be added", async () => {
    const solution = await symbolicScalarSolution(equation);
    expect(solution).toMatchObject({
      method: "reduction",
      elementary: true,
      verification: "symbolic",
    });
    const [first, second] = solution.columns.map(([y]) => compileExpression(y!, "x"));
    expect(toText(solution.columns[0]![0]!)).toBe("x");
    const particular = compileExpression(solution.particular[0]!, "x");
    const wanted = (x: number) => 1 - 1 / x;
    const places = inside(equation.interval, 9);
    // y₂ = a·x + b·(1 − 1/x)
    const fresh = fit((x) => x, wanted, second!, places);
    expect(fresh.gap).toBeLessThan(1e-13);
    expect(Math.abs(fresh.weights[1]!)).toBeGreaterThan(1e-3);
    const rest = fit(first!, wanted, (x) => particular(x) - Math.exp(-x) * (2 / x - x), places);
    expect(rest.gap).toBeLessThan(1e-13);
    comparesWithNumbers(solution, companion(equation));
  });

  it("is the same beyond the singular point x = 2", async () => {
    const solution = await symbolicScalarSolution({ ...equation, interval: [2.2, 5] });
    const second = compileExpression(solution.columns[1]![0]!, "x");
    expect(
      fit(
        (x) => x,
        (x) => 1 - 1 / x,
        second,
        inside([2.2, 5]),
      ).gap,
    ).toBeLessThan(1e-13);
  });
});

const equations: [name: string, equation: Parameters<typeof companion>[0], elementary: boolean][] =
  [
    [
      "Bessel of order 1/2",
      { coefficients: ["t^2 - 1/4", "t", "t^2"], known: ["sin(t)/sqrt(t)"], interval: [1, 6] },
      true,
    ],
    [
      "Legendre of degree 1",
      { coefficients: ["2", "-2*t", "1 - t^2"], known: ["t"], interval: [0.1, 0.9] },
      true,
    ],
    [
      "Euler-Cauchy of order 3",
      { coefficients: ["-2", "2*t", "-t^2", "t^3"], known: ["t", "t^2"], interval: [1, 3] },
      true,
    ],
    [
      "Hermite of degree 1",
      { coefficients: ["2", "-2*t", "1"], known: ["t"], interval: [0.5, 2] },
      false,
    ],
    [
      "an oscillator in resonance",
      { coefficients: ["1", "0", "1"], forcing: "cos(t)", interval: [0, 9] },
      true,
    ],
    [
      "an oscillator pushed by 1/cos",
      { coefficients: ["1", "0", "1"], forcing: "1/cos(t)", interval: [-1, 1] },
      true,
    ],
    [
      "decays with roots of a quadratic",
      { coefficients: ["1", "3", "1"], forcing: "t", interval: [0, 4] },
      true,
    ],
    [
      "order 4, no solution known",
      { coefficients: ["-1", "0", "0", "0", "1"], interval: [0, 2] },
      true,
    ],
    ["order 1", { coefficients: ["cos(t)", "1"], forcing: "cos(t)", interval: [0, 5] }, true],
    [
      "order 1, not elementary",
      { coefficients: ["-2*t", "1"], forcing: "1", interval: [0, 2] },
      false,
    ],
  ];

describe("scalar equations", () => {
  it.each(equations)("%s", async (_name, equation, elementary) => {
    const solution = await symbolicScalarSolution(equation);
    expect(solution.elementary).toBe(elementary);
    comparesWithNumbers(solution, companion(equation));
  });
});

const systems: [name: string, system: SymbolicSystem][] = [
  [
    "a turning frame with decays",
    {
      A: [
        ["-1/5*cos(t)^2 - 1/2*sin(t)^2", "3/10*cos(t)*sin(t) - 1"],
        ["3/10*cos(t)*sin(t) + 1", "-1/5*sin(t)^2 - 1/2*cos(t)^2"],
      ],
      known: [["exp(-t/5)*cos(t)", "exp(-t/5)*sin(t)"]],
      interval: [0, 6],
    },
  ],
  [
    "a triangular system of 3",
    {
      A: [
        ["0", "1", "0"],
        ["0", "1/t", "t"],
        ["0", "0", "-1"],
      ],
      known: [
        ["1", "0", "0"],
        ["t^2/2", "t", "0"],
      ],
      interval: [1, 3],
    },
  ],
  [
    "a Jordan block",
    {
      A: [
        ["1", "1", "0"],
        ["0", "1", "1"],
        ["0", "0", "1"],
      ],
      interval: [0, 2],
    },
  ],
  [
    "constant coefficients with a force",
    {
      A: [
        ["0", "1"],
        ["-2", "-2"],
      ],
      inhomogeneity: ["t", "exp(-t)"],
      interval: [0, 3],
    },
  ],
];

describe("systems", () => {
  it.each(systems)("%s", async (_name, system) => {
    const solution = await symbolicSolution(system);
    expect(solution.elementary).toBe(true);
    expect(solution.columns).toHaveLength(system.A.length);
    comparesWithNumbers(solution, system);
  });

  it("are written out as text and LaTeX with their constants", async () => {
    const circle = {
      A: [
        ["0", "1"],
        ["-1", "0"],
      ],
      known: [["cos(t)", "-sin(t)"]],
      interval: [0, 1] as const,
    };
    const { text, latex } = await symbolicSolution(circle);
    expect(text).toBe("C1*[cos(t), -sin(t)] + C2*[sin(t), cos(t)]");
    expect(latex).toBe(
      "C_{1} \\begin{pmatrix} \\cos\\left(t\\right) \\\\ -\\sin\\left(t\\right) \\end{pmatrix} + " +
        "C_{2} \\begin{pmatrix} \\sin\\left(t\\right) \\\\ \\cos\\left(t\\right) \\end{pmatrix}",
    );
  });
});

describe("refusals", () => {
  const oscillator = { coefficients: ["1", "0", "1"], interval: [0, 2] as const };
  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      "no solution",
      () => symbolicScalarSolution({ ...oscillator, known: ["t"] }),
      /known\[0\] is not a solution: at t = 0\.\d+ its derivative is \S+ from/,
    ],
    [
      "dependent ones",
      () => symbolicScalarSolution({ ...oscillator, known: ["cos(t)", "2*cos(t)"] }),
      /not independent at t =/,
    ],
    [
      "too few",
      () => symbolicScalarSolution({ coefficients: ["-t", "0", "1"], interval: [0, 2] }),
      /1 independent solution must be known, got 0.*generalSolution/,
    ],
    [
      "no expression",
      () => symbolicScalarSolution({ ...oscillator, forcing: "cos(" }),
      /character 5/,
    ],
    [
      "another variable",
      () => symbolicScalarSolution({ ...oscillator, variable: "x", forcing: "cos(t)" }),
      /"t" is unknown/,
    ],
    ["sizes of A", () => symbolicSolution({ A: [["1", "2"]], interval: [0, 1] }), /must be square/],
    [
      "sizes of b",
      () => symbolicSolution({ A: [["1"]], inhomogeneity: ["1", "2"], interval: [0, 1] }),
      /the inhomogeneity must have 1 components, got 2/,
    ],
    [
      "sizes of a known one",
      () => symbolicSolution({ A: [["1"]], known: [["1", "2"]], interval: [0, 1] }),
      /known\[0\] must have 1 components/,
    ],
    [
      "a leading 0",
      () => symbolicScalarSolution({ coefficients: ["1", "t - t"], interval: [0, 1] }),
      /leading coefficient is zero/,
    ],
    [
      "the interval",
      () => symbolicSolution({ A: [["1"]], interval: [1, 0] }),
      /two finite times in rising order/,
    ],
  ])("of %s say why", async (_name, run, message) => {
    await expect(run()).rejects.toThrow(message);
  });
});
