// Solutions of a problem: symbolic where that is possible, else numeric.
import {
  boundaryConstants,
  compileExpression,
  differentiate,
  type Expression,
  generalSolution,
  integrate,
  integrateStiff,
  magnus,
  parseExpression,
  type SymbolicSolution,
  type SymbolicSystem,
  simplify,
  symbolicScalarSolution,
  symbolicSolution,
} from "../ode/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Problem } from "./ode-problem.ts";

export type OdeMethod = "auto" | "symbolic" | "general" | "dop853" | "radau" | "magnus";

/** Functions of time that can be printed, drawn and stored. */
export interface Solved {
  readonly symbolic?: SymbolicSolution;
  /** Why there is no symbolic solution, where one was tried. */
  readonly reason?: string;
  /** What is known about a numeric solution. */
  readonly numeric?: Readonly<Record<string, number>>;
  readonly method: OdeMethod;
  /** Constants of the columns, where conditions were given and there are columns. */
  readonly constants?: readonly number[];
  /** x(t) that meets the conditions, where there are any. */
  readonly solution?: (t: number) => number[];
  /** A basis [n columns], and a particular solution, where no conditions were given. */
  readonly basis?: (t: number) => number[][];
  readonly particular?: (t: number) => number[];
}

/** ẋ = A x + b of a problem, as numbers. */
export function numericSystem(problem: Problem) {
  const { variable, scalar, system, components } = problem;
  const compiled = (e: Expression) => compileExpression(simplify(e, variable), variable);
  const n = components.length;
  if (scalar !== undefined) {
    const all = scalar.coefficients.map(compiled);
    const f = compiled(scalar.forcing);
    const A = (t: number): Float64Array => {
      const matrix = new Float64Array(n * n);
      for (let i = 0; i + 1 < n; i++) matrix[i * n + i + 1] = 1;
      const leading = all[n]!(t);
      for (let j = 0; j < n; j++) matrix[(n - 1) * n + j] = -all[j]!(t) / leading;
      return matrix;
    };
    const b = (t: number): number[] =>
      Array.from({ length: n }, (_, i) => (i === n - 1 ? f(t) / all[n]!(t) : 0));
    return { A, b };
  }
  const rows = system!.A.flat().map(compiled);
  const right = system!.b.map(compiled);
  return {
    A: (t: number) => Float64Array.from(rows, (f) => f(t)),
    b: (t: number) => right.map((f) => f(t)),
  };
}

/** The known solutions as vectors of numbers. */
const knownFunctions = (problem: Problem) =>
  problem.known.map((solution) => {
    const vector = knownVector(solution, problem);
    const functions = vector.map((e) => compileExpression(e, problem.variable));
    return (t: number) => functions.map((f) => f(t));
  });

/** Solves a problem by the method, "auto" being symbolic where that succeeds and general otherwise. */
export async function solveProblem(problem: Problem, method: OdeMethod): Promise<Solved> {
  if (method === "auto" || method === "symbolic") {
    try {
      return await solveSymbolically(problem, method);
    } catch (error) {
      const fitting = error instanceof ReparamError && method === "auto";
      // A wrong known solution is wrong for every method.
      if (!fitting || / is not a solution|not independent/.test(error.message)) throw error;
      return { ...solveGenerally(problem), reason: error.message };
    }
  }
  return method === "general" ? solveGenerally(problem) : follow(problem, method);
}

/** An equation or a system as the system of expressions that its symmetries are those of. */
export function symbolicForm(problem: Problem): SymbolicSystem {
  const { scalar, system, known, variable, interval, components } = problem;
  if (scalar === undefined) return { A: system!.A, known, variable, interval };
  const n = components.length;
  const over = (e: Expression): Expression => ({
    kind: "product",
    factors: [
      parseExpression("-1", []),
      e,
      { kind: "power", base: scalar.coefficients[n]!, exponent: parseExpression("-1", []) },
    ],
  });
  const A = components.map((_, i) =>
    components.map((_, j) =>
      i === n - 1 ? over(scalar.coefficients[j]!) : parseExpression(j === i + 1 ? "1" : "0", []),
    ),
  );
  return { A, known: known.map((y) => knownVector(y, problem)), variable, interval };
}

/** [y, y', …] from y. */
function knownVector(given: readonly string[], { variable, scalar, components }: Problem) {
  const all = given.map((text) => parseExpression(text, [variable]));
  if (scalar === undefined) return all;
  while (all.length < components.length) {
    all.push(simplify(differentiate(all.at(-1)!, variable), variable));
  }
  return all;
}

async function solveSymbolically(problem: Problem, method: OdeMethod): Promise<Solved> {
  const { scalar, system, known, variable, interval } = problem;
  const shared = { variable, interval };
  const symbolic =
    scalar !== undefined
      ? await symbolicScalarSolution({ ...scalar, known: known.map(([y]) => y!), ...shared })
      : await symbolicSolution({ A: system!.A, inhomogeneity: system!.b, known, ...shared });
  const columns = symbolic.columns.map((x) => x.map((e) => compileExpression(e, variable)));
  const special = symbolic.particular.map((e) => compileExpression(e, variable));
  const basis = (t: number) => columns.map((x) => x.map((f) => f(t)));
  const particular = (t: number) => special.map((f) => f(t));
  return { symbolic, method, ...meeting(problem, basis, particular) };
}

function solveGenerally(problem: Problem): Solved {
  const { A, b } = numericSystem(problem);
  const { interval, tolerance, forced } = problem;
  const general = generalSolution({
    A,
    known: knownFunctions(problem),
    interval,
    tolerance,
    ...(forced ? { inhomogeneity: b } : {}),
  });
  const n = general.size;
  const basis = (t: number) => {
    const rows = general.fundamental(t);
    return Array.from({ length: n }, (_, j) => rows.map((row) => row[j]!));
  };
  return {
    method: "general",
    numeric: {
      errorEstimate: general.errorEstimate,
      evaluations: general.evaluations.A,
      panels: general.breaks.length - 1,
    },
    ...meeting(problem, basis, general.particular),
  };
}

/** What meets the conditions of a problem, or the basis itself if there are none. */
function meeting(
  { conditions, components }: Problem,
  basis: (t: number) => number[][],
  particular: (t: number) => number[],
) {
  const n = components.length;
  if (conditions.length === 0) return { basis, particular };
  const fundamental = (t: number): number[][] => {
    const columns = basis(t);
    const rows = components.map((_, i) => columns.map((column) => column[i]!));
    if ([...rows.flat(), ...particular(t)].every(Number.isFinite)) return rows;
    throw new ReparamError(
      "the solution is not finite where a condition is given. Move it off the singularity.",
    );
  };
  const constants = boundaryConstants(
    { size: n, fundamental, particular },
    conditions.map(({ at, index, value }) => ({
      at,
      weights: components.map((_, i) => (i === index ? 1 : 0)),
      value,
    })),
  );
  const solution = (t: number) => {
    const columns = basis(t);
    return particular(t).map((x, i) =>
      columns.reduce((sum, column, j) => sum + constants[j]! * column[i]!, x),
    );
  };
  return { constants, solution };
}

/** One solution from initial values, by an integrator. */
function follow(problem: Problem, method: "dop853" | "radau" | "magnus"): Solved {
  const { interval, conditions, components, tolerance } = problem;
  const y0 = components.map((_, i) => conditions.find(({ index }) => index === i)?.value);
  const early = conditions.every(({ at }) => at === interval[0]);
  if (!early || y0.some((value) => value === undefined)) {
    throw new ReparamError(
      `method ${method} follows one solution from the interval's start: give its values there with --initial.`,
    );
  }
  const { A, b } = numericSystem(problem);
  const start = y0 as number[];
  if (method === "magnus") {
    if (problem.forced) {
      throw new ReparamError("method magnus is for homogeneous systems. Take general or dop853.");
    }
    const path = magnus(A, interval, { order: 6, tolerance });
    return { method, solution: path.solution(start), numeric: { steps: path.times.length - 1 } };
  }
  const f = (t: number, x: Float64Array) => {
    const matrix = A(t);
    return b(t).map((sum, i) =>
      x.reduce((s, value, j) => s + matrix[i * x.length + j]! * value, sum),
    );
  };
  const options = { tolerance: { relative: tolerance, absolute: tolerance / 100 } };
  const path = (method === "dop853" ? integrate : integrateStiff)(
    { f, interval, y0: start },
    options,
  );
  return {
    method,
    solution: (t) => Array.from(path.at(t)),
    numeric: { ...path.counts },
  };
}
