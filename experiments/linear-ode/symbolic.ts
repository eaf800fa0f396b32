// General solutions as expressions, each held against the numeric one.
import {
  compileExpression,
  parseExpression,
  scalarSolution,
  symbolicScalarSolution,
} from "reparam/ode";
import { timesOf } from "./precision.ts";

interface Equation {
  readonly written: string;
  readonly coefficients: readonly string[];
  readonly forcing?: string;
  readonly known: readonly string[];
  readonly interval: readonly [start: number, end: number];
}

const equations: readonly Equation[] = [
  {
    written: "x²(2 − x)y″ + 2xy′ − 2y = e^{−x}x²(2 − x)²",
    coefficients: ["-2", "2*x", "x^2*(2 - x)"],
    forcing: "exp(-x)*x^2*(2 - x)^2",
    known: ["x"],
    interval: [0.2, 1.8],
  },
  {
    written: "x²y″ + xy′ + (x² − ¼)y = 0",
    coefficients: ["x^2 - 1/4", "x", "x^2"],
    known: ["sin(x)/sqrt(x)"],
    interval: [1, 6],
  },
  {
    written: "(1 − x²)y″ − 2xy′ + 2y = 0",
    coefficients: ["2", "-2*x", "1 - x^2"],
    known: ["x"],
    interval: [0.1, 0.9],
  },
  {
    written: "x³y‴ − x²y″ + 2xy′ − 2y = 0",
    coefficients: ["-2", "2*x", "-x^2", "x^3"],
    known: ["x", "x^2"],
    interval: [1, 3],
  },
  {
    written: "y″ + y = 1/cos x",
    coefficients: ["1", "0", "1"],
    forcing: "1/cos(x)",
    known: [],
    interval: [-1, 1],
  },
  {
    written: "y″ − 2xy′ + 2y = 0",
    coefficients: ["2", "-2*x", "1"],
    known: ["x"],
    interval: [0.5, 2],
  },
];

export interface Found {
  readonly written: string;
  readonly known: string;
  readonly text: string;
  /** Largest difference from the numeric solution with C₁ = … = 1, relative to its size. */
  readonly difference: number;
  readonly elementary: boolean;
}

/** The general solution, and how far it is from `scalarSolution` at 41 places. */
export async function solveSymbolically(equation: Equation): Promise<Found> {
  const { written, known, interval } = equation;
  const { text, columns, particular, elementary } = await symbolicScalarSolution({
    ...equation,
    variable: "x",
  });
  const vectors = [...columns, particular].map((x) => x.map((e) => compileExpression(e, "x")));
  const value = (x: number, i: number) => vectors.reduce((sum, v) => sum + v[i]!(x), 0);
  const read = (e: string) => compileExpression(parseExpression(e, ["x"]), "x");
  const coefficients = equation.coefficients.map(read);
  const forcing = read(equation.forcing ?? "0");
  const y = scalarSolution({
    coefficients: (x) => coefficients.map((f) => f(x)),
    forcing,
    interval,
    tolerance: 1e-12,
  }).initialValue(columns.map((_, i) => value(interval[0], i)));
  const gaps = timesOf(interval, 41).map((x) => Math.abs(y(x)[0]! - value(x, 0)));
  const sizes = timesOf(interval, 41).map((x) => Math.abs(value(x, 0)));
  const difference = Math.max(...gaps) / Math.max(...sizes);
  return { written, known: known.join(", ") || "none", text, difference, elementary };
}

export const solveEquations = (): Promise<Found[]> =>
  Promise.all(equations.map((equation) => solveSymbolically(equation)));
