// Integrals by undetermined coefficients: an integral is sought among (polynomial/denominator)·kernels and
// logarithms of what stands below, by exact linear algebra. A short relative of the Risch-Norman algorithm
// (Norman, Moore, "Implementing the new Risch integration algorithm", 1977): what it finds is right, and
// it finds most of what is elementary.
import { callOf, type Expression, numeral, powerOf, productOf } from "./expression.ts";
import {
  addNormals,
  clearedNormals,
  constantNormal,
  multiplyNormals,
  type Normal,
  scaleNormal,
  settled,
  type Term,
  zeroNormal,
} from "./expression-normal.ts";
import {
  degreeOf,
  dividePolynomials,
  multiplyPolynomials,
  type Polynomial,
  polynomialDivisor,
  powerPolynomial,
  rationalFunction,
} from "./expression-polynomial.ts";
import {
  addRationals,
  invertRational,
  isZeroRational,
  multiplyRationals,
  negateRational,
  one,
  type Rational,
  rational,
  zero,
} from "./expression-rational.ts";
import { normalDerivative, toNormal } from "./expression-simplify.ts";
import { type Candidate, transcendentalCandidates } from "./symbolic-candidates.ts";

/** More unknowns than this are not tried. */
const maxUnknowns = 90;
const maxUnits = 16;

/** An integral of f by t, or undefined if there is none of the form that is tried. `log` is log|u|. */
export function integralByAnsatz(
  f: Normal,
  variable: string,
  log: (u: Expression) => Expression,
): Normal | undefined {
  if (f.size === 0) return zeroNormal;
  const candidates = [
    ...polynomialCandidates(f, variable),
    ...transcendentalCandidates(f, variable, log),
  ];
  if (candidates.length > maxUnknowns) return undefined;
  const weights = combination(
    candidates.map(({ slope }) => slope),
    f,
    variable,
  );
  if (weights === undefined) return undefined;
  const scaled = candidates.map(({ value }, i) => scaleNormal(value, weights[i]!));
  return withoutConstant(addNormals(...scaled));
}

/** Without those constants of integration that are plain to see. */
function withoutConstant(normal: Normal): Normal {
  const polynomial = normal.get("");
  if (polynomial === undefined || polynomial.coefficient.q.length > 1) return normal;
  const [constant = zero] = polynomial.coefficient.p;
  return addNormals(normal, constantNormal(negateRational(constant)));
}

const leastMultiple = (a: Polynomial, b: Polynomial): Polynomial =>
  multiplyPolynomials(a, dividePolynomials(b, polynomialDivisor(a, b)).quotient);

/** tⁱ/D·(kernels of f and of its relatives) */
function polynomialCandidates(f: Normal, variable: string): Candidate[] {
  const below = [...f.values()].reduce<Polynomial>(
    (lcm, { coefficient }) => leastMultiple(lcm, coefficient.q),
    [one],
  );
  const growth = [...f.values()].map(({ coefficient: { p, q } }) => degreeOf(p) - degreeOf(q) + 1);
  const degree = degreeOf(below) + Math.max(0, ...growth);
  const units = unitsOf(f, variable);
  if (units.length * (degree + 1) > maxUnknowns) return units.flatMap(() => Array(maxUnknowns));
  return units.flatMap((unit) => {
    const slope = normalDerivative(unit, variable);
    return Array.from({ length: degree + 1 }, (_, i) => {
      const R = rationalFunction(powerPolynomial(i), below);
      const value = scaleNormal(unit, R);
      const { p, q } = rationalFunctionSlope(i, below);
      return { value, slope: addNormals(scaleNormal(slope, R), scaleNormal(unit, { p, q })) };
    });
  });
}

/** (tⁱ/D)′ */
function rationalFunctionSlope(i: number, below: Polynomial) {
  const first = i === 0 ? [] : powerPolynomial(i - 1, rational(i));
  const slope = below.slice(1).map((c, j) => multiplyRationals(c, rational(-(j + 1))));
  const top = [...multiplyPolynomials(first, below)];
  for (const [j, c] of slope.entries()) top[j + i] = addRationals(top[j + i] ?? zero, c);
  for (let j = 0; j < top.length; j++) top[j] ??= zero;
  while (top.length > 0 && isZeroRational(top.at(-1)!)) top.pop();
  return rationalFunction(top, multiplyPolynomials(below, below));
}

const unitOf = ({ exponential, factors }: Term, variable: string): Normal =>
  settled({ p: [one], q: [one] }, exponential, factors, variable);

/** Products of kernels that may occur in the integral: those of f, relatives, and those of their derivatives. */
function unitsOf(f: Normal, variable: string): Normal[] {
  const units = new Map<string, Normal>();
  const add = (normal: Normal) => {
    for (const [key, term] of normal) {
      if (!units.has(key) && units.size < maxUnits) units.set(key, unitOf(term, variable));
    }
  };
  add(f);
  for (const term of f.values()) {
    for (const relative of relativesOf(term, variable)) add(relative);
  }
  for (let round = 0; round < 2; round++) {
    for (const unit of [...units.values()]) add(normalDerivative(unit, variable));
  }
  return [...units.values()];
}

/** A logarithm once more, and what stands below or in front once less. */
function relativesOf(term: Term, variable: string): Normal[] {
  const unit = unitOf(term, variable);
  const bare = unitOf({ ...term, factors: [] }, variable);
  const relatives = term.factors.flatMap(({ base, exponent }) => {
    const times = (...more: Expression[]) =>
      multiplyNormals(unit, toNormal(productOf(...more), variable), variable);
    const name = base.kind === "call" ? base.name : undefined;
    if (name === "log" || name === "atan") return [times(base)];
    if (exponent.n >= 0n) return [];
    if ((name === "cos" || name === "sin") && base.kind === "call") {
      return [times(base), times(base, callOf(name === "cos" ? "sin" : "cos", base.argument))];
    }
    const lower = powerOf(base, numeral(addRationals(exponent, one)));
    return [times(base), toNormal(lower, variable)];
  });
  return [bare, ...relatives];
}

/** Weights with Σ weights·parts = target, if there are any. */
function combination(
  parts: readonly Normal[],
  target: Normal,
  variable: string,
): Rational[] | undefined {
  const normals = clearedNormals([...parts, target], variable);
  const keys = new Set(normals.flatMap((normal) => [...normal.keys()]));
  const rows: Rational[][] = [];
  for (const key of keys) {
    const columns = normals.map((normal) => normal.get(key)?.coefficient);
    const below = columns.reduce<Polynomial>(
      (lcm, column) => (column === undefined ? lcm : leastMultiple(lcm, column.q)),
      [one],
    );
    const tops = columns.map((column) =>
      column === undefined
        ? []
        : multiplyPolynomials(column.p, dividePolynomials(below, column.q).quotient),
    );
    const length = Math.max(...tops.map((top) => top.length));
    for (let i = 0; i < length; i++) rows.push(tops.map((top) => top[i] ?? zero));
  }
  return solveExactly(rows, parts.length);
}

/** One solution of the equations [coefficients…, right side], or undefined; free unknowns are 0. */
export function solveExactly(rows: Rational[][], unknowns: number): Rational[] | undefined {
  const pivots: number[] = [];
  let row = 0;
  for (let column = 0; column < unknowns && row < rows.length; column++) {
    const found = rows.findIndex((r, i) => i >= row && !isZeroRational(r[column]!));
    if (found < 0) continue;
    [rows[row], rows[found]] = [rows[found]!, rows[row]!];
    const inverse = invertRational(rows[row]![column]!);
    rows[row] = rows[row]!.map((x) => multiplyRationals(x, inverse));
    for (const [i, other] of rows.entries()) {
      const factor = other[column]!;
      if (i === row || isZeroRational(factor)) continue;
      const pivot = rows[row]!;
      rows[i] = other.map((x, j) =>
        isZeroRational(pivot[j]!)
          ? x
          : addRationals(x, negateRational(multiplyRationals(factor, pivot[j]!))),
      );
    }
    pivots.push(column);
    row++;
  }
  if (rows.slice(row).some((r) => !isZeroRational(r[unknowns]!))) return undefined;
  const solution = Array.from({ length: unknowns }, () => zero);
  for (const [i, column] of pivots.entries()) solution[column] = rows[i]![unknowns]!;
  return solution;
}
