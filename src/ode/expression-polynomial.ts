// Polynomials of one variable over the fractions, and their quotients in lowest terms.
import {
  addRationals,
  commonDivisor,
  invertRational,
  isZeroRational,
  multiplyRationals,
  negateRational,
  one,
  type Rational,
  rational,
  zero,
} from "./expression-rational.ts";

/** Coefficients by rising power; the last is not zero. The zero polynomial is empty. */
export type Polynomial = readonly Rational[];

/** numerator/denominator in lowest terms, the denominator with leading coefficient 1. */
export interface RationalFunction {
  readonly p: Polynomial;
  readonly q: Polynomial;
}

const trimmed = (coefficients: Rational[]): Polynomial => {
  while (coefficients.length > 0 && isZeroRational(coefficients.at(-1)!)) coefficients.pop();
  return coefficients;
};

export const constantPolynomial = (value: Rational): Polynomial => trimmed([value]);
/** c·tⁿ */
export const powerPolynomial = (n: number, c: Rational = one): Polynomial =>
  trimmed([...Array.from({ length: n }, () => zero), c]);

export const degreeOf = (p: Polynomial): number => p.length - 1;

export const addPolynomials = (a: Polynomial, b: Polynomial): Polynomial =>
  trimmed(
    Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
      addRationals(a[i] ?? zero, b[i] ?? zero),
    ),
  );

export const scalePolynomial = (a: Polynomial, c: Rational): Polynomial =>
  trimmed(a.map((x) => multiplyRationals(x, c)));

export function multiplyPolynomials(a: Polynomial, b: Polynomial): Polynomial {
  if (a.length === 0 || b.length === 0) return [];
  const result = Array.from({ length: a.length + b.length - 1 }, () => zero);
  for (const [i, x] of a.entries()) {
    for (const [j, y] of b.entries()) {
      result[i + j] = addRationals(result[i + j]!, multiplyRationals(x, y));
    }
  }
  return trimmed(result);
}

/** a = quotient·b + remainder; b must not be 0. */
export function dividePolynomials(a: Polynomial, b: Polynomial) {
  const rest = [...a];
  const quotient: Rational[] = Array.from(
    { length: Math.max(0, a.length - b.length + 1) },
    () => zero,
  );
  const inverse = invertRational(b.at(-1)!);
  for (let shift = a.length - b.length; shift >= 0; shift--) {
    const c = multiplyRationals(rest[shift + b.length - 1]!, inverse);
    quotient[shift] = c;
    for (const [i, x] of b.entries()) {
      rest[shift + i] = addRationals(rest[shift + i]!, negateRational(multiplyRationals(c, x)));
    }
  }
  return { quotient: trimmed(quotient), remainder: trimmed(rest) };
}

export const monic = (a: Polynomial): Polynomial =>
  a.length === 0 ? a : scalePolynomial(a, invertRational(a.at(-1)!));

/** The monic greatest common divisor. */
export function polynomialDivisor(a: Polynomial, b: Polynomial): Polynomial {
  let [x, y] = [monic(a), monic(b)];
  while (y.length > 0) [x, y] = [y, monic(dividePolynomials(x, y).remainder)];
  return x;
}

export const differentiatePolynomial = (a: Polynomial): Polynomial =>
  trimmed(a.slice(1).map((x, i) => multiplyRationals(x, rational(i + 1))));

export function polynomialAt(a: Polynomial, t: Rational): Rational {
  return a.reduceRight((sum, x) => addRationals(multiplyRationals(sum, t), x), zero);
}

export const rationalFunction = (p: Polynomial, q: Polynomial = [one]): RationalFunction => {
  const divisor = polynomialDivisor(p, q);
  const [top, bottom] =
    divisor.length === 1
      ? [p, q]
      : [dividePolynomials(p, divisor).quotient, dividePolynomials(q, divisor).quotient];
  const scale = invertRational(bottom.at(-1)!);
  return { p: scalePolynomial(top, scale), q: scalePolynomial(bottom, scale) };
};

export const addFunctions = (a: RationalFunction, b: RationalFunction): RationalFunction =>
  a.q.length === 1 && b.q.length === 1
    ? { p: addPolynomials(a.p, b.p), q: [one] }
    : rationalFunction(
        addPolynomials(multiplyPolynomials(a.p, b.q), multiplyPolynomials(b.p, a.q)),
        multiplyPolynomials(a.q, b.q),
      );

export const multiplyFunctions = (a: RationalFunction, b: RationalFunction): RationalFunction =>
  rationalFunction(multiplyPolynomials(a.p, b.p), multiplyPolynomials(a.q, b.q));

/** The value of a function that is constant. */
export const constantValue = ({ p, q }: RationalFunction): Rational | undefined =>
  p.length <= 1 && q.length === 1 ? (p[0] ?? zero) : undefined;

/** The positive c for which p/c has whole coefficients without a common divisor; 1 for p = 0. */
export function contentOf(p: Polynomial): Rational {
  let [top, bottom] = [0n, 1n];
  for (const { n, d } of p) {
    top = commonDivisor(top, n);
    bottom = (bottom * d) / commonDivisor(bottom, d);
  }
  return top === 0n ? one : rational(top, bottom);
}

/** A factor of a polynomial and how often it divides it. */
export interface PolynomialFactor {
  readonly factor: Polynomial;
  readonly multiplicity: number;
}

/**
 * Monic factors: linear ones where a root is a fraction of moderate size; what is left is square-free, but
 * not split further.
 */
export function factorPolynomial(p: Polynomial): PolynomialFactor[] {
  const factors: PolynomialFactor[] = [];
  for (const { factor, multiplicity } of squareFreeParts(monic(p))) {
    let rest = factor;
    for (const root of rationalRoots(rest)) {
      const linear = [negateRational(root), one];
      factors.push({ factor: linear, multiplicity });
      rest = dividePolynomials(rest, linear).quotient;
    }
    if (rest.length > 1) factors.push({ factor: rest, multiplicity });
  }
  return factors;
}

/** Yun's algorithm ("On square-free decomposition algorithms", 1976). */
function squareFreeParts(p: Polynomial): PolynomialFactor[] {
  if (p.length <= 1) return [];
  const parts: PolynomialFactor[] = [];
  const slope = differentiatePolynomial(p);
  const common = polynomialDivisor(p, slope);
  let rest = dividePolynomials(p, common).quotient;
  let other = dividePolynomials(slope, common).quotient;
  for (let multiplicity = 1; rest.length > 1; multiplicity++) {
    const minus = scalePolynomial(differentiatePolynomial(rest), rational(-1));
    const difference = addPolynomials(other, minus);
    const factor = polynomialDivisor(rest, difference);
    if (factor.length > 1) parts.push({ factor, multiplicity });
    rest = dividePolynomials(rest, factor).quotient;
    other = dividePolynomials(difference, factor).quotient;
  }
  return parts;
}

/** Roots of a square-free polynomial among the fractions; coefficients above 10⁷ are not searched. */
export function rationalRoots(p: Polynomial): Rational[] {
  if (p.length <= 1) return [];
  if (p.length === 2) return [negateRational(multiplyRationals(p[0]!, invertRational(p[1]!)))];
  if (isZeroRational(p[0]!)) return [zero, ...rationalRoots(p.slice(1))];
  const whole = scalePolynomial(p, invertRational(contentOf(p)));
  const roots: Rational[] = [];
  for (const d of divisorsOf(whole.at(-1)!.n)) {
    for (const n of divisorsOf(whole[0]!.n)) {
      if (commonDivisor(n, d) !== 1n) continue;
      for (const root of [rational(n, d), rational(-n, d)]) {
        if (isZeroRational(polynomialAt(whole, root))) roots.push(root);
      }
    }
  }
  return roots;
}

function divisorsOf(x: bigint): bigint[] {
  const size = Number(x < 0n ? -x : x);
  if (size > 1e7) return [1n];
  const divisors: bigint[] = [];
  for (let i = 1; i * i <= size; i++) {
    if (size % i !== 0) continue;
    divisors.push(BigInt(i));
    if (i * i !== size) divisors.push(BigInt(size / i));
  }
  return divisors;
}
