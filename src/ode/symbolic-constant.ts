// Fundamental matrices of ẋ = A x with constant fractions in A: by the kernels of the factors of A's
// characteristic polynomial, linear ones of any multiplicity and simple quadratic ones.
import {
  callOf,
  type Expression,
  integer,
  numeral,
  powerOf,
  productOf,
  quotientOf,
  sumOf,
  symbol,
} from "./expression.ts";
import { constantOf, type Normal } from "./expression-normal.ts";
import { factorPolynomial, type Polynomial } from "./expression-polynomial.ts";
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
import { toNormal } from "./expression-simplify.ts";

type Matrix = readonly (readonly Rational[])[];

/** n independent solutions, or undefined if A is not constant or its eigenvalues have no short closed form. */
export function constantSolutions(
  A: readonly (readonly Normal[])[],
  variable: string,
): Normal[][] | undefined {
  const entries = A.map((row) => row.map(constantOf));
  if (entries.flat().some((x) => x === undefined)) return undefined;
  const matrix = entries as Matrix;
  const solutions: Expression[][] = [];
  for (const { factor, multiplicity } of factorPolynomial(characteristic(matrix))) {
    const found =
      factor.length === 2
        ? linearFactor(matrix, negateRational(factor[0]!), multiplicity, variable)
        : factor.length === 3 && multiplicity === 1
          ? quadraticFactor(matrix, factor, variable)
          : undefined;
    if (found === undefined) return undefined;
    solutions.push(...found);
  }
  return solutions.map((x) => x.map((e) => toNormal(e, variable)));
}

const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) =>
    b[0]!.map((_, j) =>
      row.reduce((sum, x, k) => addRationals(sum, multiplyRationals(x, b[k]![j]!)), zero),
    ),
  );

/** a + c·1 */
const shifted = (a: Matrix, c: Rational): Matrix =>
  a.map((row, i) => row.map((x, j) => (i === j ? addRationals(x, c) : x)));

/** det(λ − A), by Faddeev and LeVerrier. */
function characteristic(A: Matrix): Polynomial {
  const n = A.length;
  const coefficients: Rational[] = [one];
  let M: Matrix = A;
  for (let k = 1; k <= n; k++) {
    const trace = M.reduce((sum, row, i) => addRationals(sum, row[i]!), zero);
    const c = multiplyRationals(trace, rational(-1, k));
    coefficients.unshift(c);
    M = product(A, shifted(M, c));
  }
  return coefficients;
}

/** e^{λt} Σ_k tᵏ/k!·(A − λ)ᵏ v, for a basis v of the kernel of (A − λ)^multiplicity. */
function linearFactor(A: Matrix, eigenvalue: Rational, multiplicity: number, variable: string) {
  const t = symbol(variable);
  const N = shifted(A, negateRational(eigenvalue));
  let power = N;
  for (let i = 1; i < multiplicity; i++) power = product(power, N);
  const growth = callOf("exp", productOf(numeral(eigenvalue), t));
  return nullSpace(power).map((v) => {
    let column: Matrix = v.map((x) => [x]);
    let weight: Expression = growth;
    const parts: Expression[][] = v.map(() => []);
    for (let k = 0; k < multiplicity; k++) {
      for (const [i, [x]] of column.entries()) parts[i]!.push(productOf(numeral(x!), weight));
      column = product(N, column);
      weight = productOf(weight, quotientOf(t, integer(k + 1)));
    }
    return parts.map((terms) => sumOf(...terms));
  });
}

/** e^{αt}(cos βt·v + sin βt/β·(A − α)v) with roots α ± iβ, and the same with e^{±βt} for roots α ± β. */
function quadraticFactor(A: Matrix, [c, b]: Polynomial, variable: string) {
  const t = symbol(variable);
  const alpha = multiplyRationals(b!, rational(-1, 2));
  const square = addRationals(multiplyRationals(alpha, alpha), negateRational(c!));
  const turning = square.n < 0n;
  const beta = powerOf(numeral(turning ? negateRational(square) : square), numeral(rational(1, 2)));
  const growth = callOf("exp", productOf(numeral(alpha), t));
  const even = callOf(turning ? "cos" : "cosh", productOf(beta, t));
  const odd = quotientOf(callOf(turning ? "sin" : "sinh", productOf(beta, t)), beta);
  const N = shifted(A, negateRational(alpha));
  // A² + bA + c
  const q = shifted(product(A, shifted(A, b!)), c!);
  return nullSpace(q).map((v) => {
    const moved = product(
      N,
      v.map((x) => [x]),
    );
    return v.map((x, i) =>
      productOf(growth, sumOf(productOf(numeral(x), even), productOf(numeral(moved[i]![0]!), odd))),
    );
  });
}

/** A basis of the vectors that M maps to 0. */
function nullSpace(M: Matrix): Rational[][] {
  const n = M[0]!.length;
  const rows = M.map((row) => [...row]);
  const pivots: number[] = [];
  for (let column = 0; column < n; column++) {
    const at = pivots.length;
    const found = rows.findIndex((row, i) => i >= at && !isZeroRational(row[column]!));
    if (found < 0) continue;
    [rows[at], rows[found]] = [rows[found]!, rows[at]!];
    const inverse = invertRational(rows[at]![column]!);
    rows[at] = rows[at]!.map((x) => multiplyRationals(x, inverse));
    for (const [i, row] of rows.entries()) {
      if (i === at || isZeroRational(row[column]!)) continue;
      const factor = negateRational(row[column]!);
      rows[i] = row.map((x, j) => addRationals(x, multiplyRationals(factor, rows[at]![j]!)));
    }
    pivots.push(column);
  }
  const free = Array.from({ length: n }, (_, j) => j).filter((j) => !pivots.includes(j));
  return free.map((j) => {
    const v = Array.from({ length: n }, (_, i) => (i === j ? one : zero));
    for (const [row, column] of pivots.entries()) v[column] = negateRational(rows[row]![j]!);
    return v;
  });
}
