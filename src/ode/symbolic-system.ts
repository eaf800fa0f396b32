// ẋ = A(t)x + b(t) and scalar equations as they are given in text, and whether known solutions solve them.
import { qrFactor } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Expression } from "./expression.ts";
import { compileExpression, differentiate } from "./expression-evaluate.ts";
import { toExpression } from "./expression-form.ts";
import {
  addNormals,
  isZeroNormal,
  multiplyNormals,
  type Normal,
  negateNormal,
  oneNormal,
  powerNormal,
  subtractNormals,
  zeroNormal,
} from "./expression-normal.ts";
import { parseExpression } from "./expression-parser.ts";
import { rational } from "./expression-rational.ts";
import { normalDerivative, toNormal } from "./expression-simplify.ts";
import { type SymbolicDomain, samplesOf } from "./symbolic-integral.ts";
import { applied } from "./symbolic-matrix.ts";

/** An expression, or its text. */
export type ExpressionLike = Expression | string;

/** ẋ = A(t)x + b(t) by expressions. */
export interface SymbolicSystem {
  /** [n, n], n at most 6 */
  readonly A: readonly (readonly ExpressionLike[])[];
  /** b, n expressions; 0 by default. */
  readonly inhomogeneity?: readonly ExpressionLike[];
  /** Solutions of ẋ = A x, n expressions each; none by default. */
  readonly known?: readonly (readonly ExpressionLike[])[];
  /** "t" by default. */
  readonly variable?: string;
  /** Where the solution is wanted: without singularities inside. */
  readonly interval: readonly [start: number, end: number];
}

/** a_n(t)·y^(n) + … + a_0(t)·y = f(t) by expressions. */
export interface SymbolicEquation {
  /** [a_0, …, a_n] */
  readonly coefficients: readonly ExpressionLike[];
  /** f; 0 by default. */
  readonly forcing?: ExpressionLike;
  /** Solutions y for f = 0; none by default. */
  readonly known?: readonly ExpressionLike[];
  /** "t" by default. */
  readonly variable?: string;
  readonly interval: readonly [start: number, end: number];
}

/** How an identity was established: exactly, or by its values at many times. */
export type Verification = "symbolic" | "numeric";

/** A system in normal form whose known solutions were verified. */
export interface NormalSystem {
  readonly domain: SymbolicDomain;
  readonly A: readonly (readonly Normal[])[];
  readonly b: readonly Normal[];
  readonly forced: boolean;
  /** Columns. */
  readonly known: readonly (readonly Normal[])[];
  readonly verification: readonly Verification[];
}

const maxSize = 6;

/**
 * Reads a system and verifies its known solutions. Throws where text is no expression, sizes differ, or a
 * known solution does not solve the system or depends on the others.
 */
export function normalSystem(system: SymbolicSystem): NormalSystem {
  const domain = domainOf(system);
  const { A, inhomogeneity, known = [] } = system;
  const n = A.length;
  if (n === 0 || n > maxSize || A.some((row) => row.length !== n)) {
    throw new ReparamError(
      `symbolicSolution: A must be square with 1 to ${maxSize} rows, got rows of ${A.map((row) => row.length).join(", ") || "nothing"}.`,
    );
  }
  const vector = (entries: readonly ExpressionLike[], name: string) => {
    if (entries.length === n) return entries.map((e) => normalOf(e, domain.variable));
    throw new ReparamError(
      `symbolicSolution: ${name} must have ${n} components, got ${entries.length}.`,
    );
  };
  if (known.length > n) {
    throw new ReparamError(
      `symbolicSolution: a system of ${n} has no ${known.length} independent solutions.`,
    );
  }
  const b = vector(inhomogeneity ?? A.map(() => "0"), "the inhomogeneity");
  const columns = known.map((column, i) => vector(column, `known[${i}]`));
  const read = { A: A.map((row, i) => vector(row, `row ${i} of A`)), b, domain };
  const verification = columns.map((x, i) => verified(read.A, x, domain, `known[${i}]`));
  checkIndependence(columns, domain);
  return { ...read, known: columns, verification, forced: b.some((e) => e.size > 0) };
}

/** The companion system x = (y, ẏ, …, y^(n−1)) of an equation. */
export function companionSystem(equation: SymbolicEquation): NormalSystem {
  const domain = domainOf(equation);
  const { variable } = domain;
  const { coefficients, forcing = "0", known = [] } = equation;
  const n = coefficients.length - 1;
  if (n < 1) {
    throw new ReparamError(
      `symbolicSolution: coefficients must be [a_0, …, a_n] with n of at least 1, got ${n + 1}.`,
    );
  }
  const all = coefficients.map((e) => normalOf(e, variable));
  const leading = all[n]!;
  if (leading.size === 0) {
    throw new ReparamError("symbolicSolution: the leading coefficient is zero everywhere.");
  }
  const inverse = powerNormal(leading, rational(-1), variable);
  const over = (e: Normal) => toExpression(multiplyNormals(e, inverse, variable), variable);
  const rates = all.slice(0, n).map((e) => over(negateNormal(e)));
  const one = toExpression(oneNormal, variable);
  const nought = toExpression(zeroNormal, variable);
  const A = Array.from({ length: n }, (_, i) =>
    i === n - 1 ? rates : Array.from({ length: n }, (_, j) => (j === i + 1 ? one : nought)),
  );
  const last = over(normalOf(forcing, variable));
  return normalSystem({
    A,
    inhomogeneity: A.map((_, i) => (i === n - 1 ? last : nought)),
    known: known.map((y) => derivatives(normalOf(y, variable), n, variable)),
    variable,
    interval: domain.interval,
  });
}

function derivatives(y: Normal, count: number, variable: string): Expression[] {
  const all = [y];
  while (all.length < count) all.push(normalDerivative(all.at(-1)!, variable));
  return all.map((e) => toExpression(e, variable));
}

function domainOf({ variable = "t", interval }: Pick<SymbolicSystem, "variable" | "interval">) {
  const [start, end] = interval;
  if (!Number.isFinite(start) || !Number.isFinite(end) || !(start < end)) {
    throw new ReparamError(
      `symbolicSolution: the interval must be two finite times in rising order, got ${start} and ${end}.`,
    );
  }
  return { variable, interval };
}

export const normalOf = (e: ExpressionLike, variable: string): Normal =>
  toNormal(typeof e === "string" ? parseExpression(e, [variable]) : e, variable);

/** ẋ − A x − b, in normal form. */
export const residualOf = (
  A: readonly (readonly Normal[])[],
  x: readonly Normal[],
  variable: string,
  b?: readonly Normal[],
): Normal[] =>
  applied(A, x, variable).map((right, i) =>
    subtractNormals(
      normalDerivative(x[i]!, variable),
      b === undefined ? right : addNormals(right, b[i]!),
    ),
  );

/** How x is known to solve ẋ = A x + b. Throws if it does not. */
export function verified(
  A: readonly (readonly Normal[])[],
  x: readonly Normal[],
  domain: SymbolicDomain,
  name: string,
  b?: readonly Normal[],
): Verification {
  const { variable, interval } = domain;
  const residual = residualOf(A, x, variable, b);
  if (residual.every((e) => isZeroNormal(e, variable))) return "symbolic";
  const compiled = (e: Normal) => compileExpression(toExpression(e, variable), variable);
  const errors = residual.map(compiled);
  const slopes = x.map((e) =>
    compileExpression(differentiate(toExpression(e, variable), variable), variable),
  );
  const right = applied(A, x, variable).map(compiled);
  for (const t of samplesOf(interval, 40)) {
    const size = Math.hypot(...slopes.map((f) => f(t)), ...right.map((f) => f(t)));
    const wrong = Math.hypot(...errors.map((f) => f(t)));
    if (!(wrong <= 1e-9 * size)) {
      throw new ReparamError(
        `symbolicSolution: ${name} is not a solution: at ${variable} = ${Number(t.toPrecision(4))} its derivative is ${wrong.toExponential(1)} from what the system wants, whose length is ${size.toExponential(1)}.`,
      );
    }
  }
  return "numeric";
}

function checkIndependence(columns: readonly (readonly Normal[])[], domain: SymbolicDomain): void {
  const { variable, interval } = domain;
  const k = columns.length;
  const n = columns[0]?.length ?? 0;
  const compiled = columns.map((column) =>
    column.map((e) => compileExpression(toExpression(e, variable), variable)),
  );
  for (const t of samplesOf(interval, 5)) {
    const X = new Float64Array(n * k);
    for (const [j, column] of compiled.entries()) {
      const values = column.map((f) => f(t));
      const length = Math.hypot(...values);
      for (const [i, value] of values.entries()) X[i * k + j] = value / length;
    }
    const { r } = qrFactor(X, n, k);
    const smallest = Math.min(...columns.map((_, j) => Math.abs(r[j * k + j]!)));
    if (!(smallest > 1e-9) && k > 0) {
      throw new ReparamError(
        `symbolicSolution: the known solutions are not independent at ${variable} = ${Number(t.toPrecision(4))}. Leave out those that follow from the others.`,
      );
    }
  }
}
