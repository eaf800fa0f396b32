import { describe, expect, it } from "vitest";
import {
  compileExpression,
  generalSolution,
  parseExpression,
  type SymbolicSystem,
  symmetries,
} from "../../src/ode/index.ts";

/** The value of a text at t and x. */
function evaluated(text: string, t: number, x: readonly number[]): number {
  const filled = x.reduce((part, value, i) => part.replaceAll(`x${i + 1}`, `(${value})`), text);
  return compileExpression(parseExpression(filled, ["t"]), "t")(t);
}

const numbers = (texts: readonly string[], t: number) =>
  texts.map((text) => evaluated(text, t, []));

const rotating: SymbolicSystem = {
  A: [
    ["-1/5*cos(t)^2 - 1/2*sin(t)^2", "3/10*cos(t)*sin(t) - 1"],
    ["3/10*cos(t)*sin(t) + 1", "-1/5*sin(t)^2 - 1/2*cos(t)^2"],
  ],
  known: [["exp(-t/5)*cos(t)", "exp(-t/5)*sin(t)"]],
  interval: [0.1, 1.2],
};
const triangular: SymbolicSystem = {
  A: [
    ["0", "1", "t"],
    ["0", "1/t", "1"],
    ["0", "0", "-1"],
  ],
  known: [
    ["1", "0", "0"],
    ["t^2/2", "t", "0"],
  ],
  interval: [1, 3],
};
const half: SymbolicSystem = { ...triangular, known: triangular.known!.slice(0, 1) };

describe.each([
  ["a turning frame, n = 2, k = 1", rotating],
  ["a triangular system, n = 3, k = 2", triangular],
  ["the same, k = 1", half],
])("%s", (_name, system) => {
  const { generators, invariants, reduced, reducedMatrix } = symmetries(system);
  const known = system.known as string[][];
  const translations = generators.filter(({ kind }) => kind === "known solution");
  const x = [0.7, -1.3, 0.4].slice(0, system.A.length);
  const times = [system.interval[0], 0.3 * system.interval[0] + 0.7 * system.interval[1]];

  it("has a translation for each known solution, which moves its own coordinate by its parameter", () => {
    expect(translations).toHaveLength(known.length);
    for (const t of times) {
      for (const [i, { coordinate }] of translations.entries()) {
        const before = evaluated(coordinate!.text, t, x);
        for (const [j, solution] of known.entries()) {
          const moved = numbers(solution, t).map((v, a) => x[a]! + 0.25 * v);
          const after = evaluated(coordinate!.text, t, moved);
          expect(after - before).toBeCloseTo(i === j ? 0.25 : 0, 12);
        }
      }
    }
  });

  it("has invariants that no translation moves, and a scaling does by its factor", () => {
    expect(invariants).toHaveLength(system.A.length - known.length);
    for (const { text } of invariants) {
      const before = evaluated(text, times[1]!, x);
      for (const solution of known) {
        const moved = numbers(solution, times[1]!).map((v, a) => x[a]! - 2 * v);
        expect(evaluated(text, times[1]!, moved)).toBeCloseTo(before, 12);
      }
      expect(
        evaluated(
          text,
          times[1]!,
          x.map((v) => 3 * v),
        ),
      ).toBeCloseTo(3 * before, 12);
    }
    const scaling = generators.find(({ kind }) => kind === "scaling")!;
    expect(scaling.coordinate === undefined).toBe(invariants.length > 1);
    if (scaling.coordinate !== undefined) {
      expect(scaling.coordinate.text).toBe(`log(${invariants[0]!.text})`);
    }
  });

  it("is reduced to ż = S z along every solution", () => {
    const rows = system.A as string[][];
    const general = generalSolution({
      A: (t) => rows.map((row) => numbers(row, t)),
      interval: system.interval,
      tolerance: 1e-12,
    });
    const path = general.initialValue(x);
    const z = (t: number) => invariants.map(({ text }) => evaluated(text, t, path(t)));
    const t = times[1]!;
    const h = 1e-4;
    const S = reducedMatrix.map((row) => row.map((e) => compileExpression(e, "t")(t)));
    expect(reduced).toHaveLength(S.length);
    for (const [i, row] of S.entries()) {
      const slope = (z(t + h)[i]! - z(t - h)[i]!) / (2 * h);
      expect(row.reduce((sum, s, j) => sum + s * z(t)[j]!, 0)).toBeCloseTo(slope, 6);
    }
  });
});

describe("symmetries", () => {
  it("write vector fields, transformations and the reduced equation", () => {
    const { generators, invariants, reduced } = symmetries(
      {
        A: [
          ["0", "1"],
          ["2/t^2", "-2/t"],
        ],
        known: [["t", "1"]],
        interval: [1, 2],
      },
      { names: ["y", "v"] },
    );
    expect(generators.map(({ generator }) => generator.text)).toEqual([
      "t d/dy + d/dv",
      "y d/dy + v d/dv",
    ]);
    expect(generators[0]!.generator.latex).toBe("t \\partial_{y} + \\partial_{v}");
    expect(generators[0]!.transformation.text).toBe("[y, v] -> [y, v] + epsilon*[t, 1]");
    expect(generators[0]!.transformation.latex).toBe(
      "\\begin{pmatrix} y \\\\ v \\end{pmatrix} \\to \\begin{pmatrix} y \\\\ v \\end{pmatrix} + " +
        "\\varepsilon \\begin{pmatrix} t \\\\ 1 \\end{pmatrix}",
    );
    expect(generators[1]!.transformation.text).toBe("[y, v] -> lambda*[y, v]");
    expect(invariants.map(({ text }) => text)).toEqual(["v - y/t"]);
    expect(reduced[0]!.text).toBe("z1' = -3*z1/t");
  });

  it("know that a system with constant coefficients may be moved in time", () => {
    const A = [
      ["0", "1"],
      ["-1", "0"],
    ];
    const kinds = (rows: string[][]) =>
      symmetries({ A: rows, interval: [0, 1] }).generators.map(({ kind }) => kind);
    expect(kinds(A)).toEqual(["scaling", "time translation"]);
    expect(
      kinds([
        ["0", "t"],
        ["-1", "0"],
      ]),
    ).toEqual(["scaling"]);
  });

  it("want something left to reduce", () => {
    const A = [
      ["0", "1"],
      ["-1", "0"],
    ];
    const known = [
      ["cos(t)", "-sin(t)"],
      ["sin(t)", "cos(t)"],
    ];
    expect(() => symmetries({ A, known, interval: [0, 1] })).toThrow("leave nothing to reduce");
  });
});
