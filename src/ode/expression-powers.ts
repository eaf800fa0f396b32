// Roots of normal forms, and their common factors.
import { toExpression } from "./expression-form.ts";
import {
  constantNormal,
  factorNormal,
  functionNormal,
  multiplyNormals,
  type Normal,
  negateNormal,
  powerNormal,
  scaleNormal,
  settled,
} from "./expression-normal.ts";
import {
  contentOf,
  dividePolynomials,
  monic,
  multiplyPolynomials,
  type Polynomial,
  polynomialDivisor,
  rationalFunction,
} from "./expression-polynomial.ts";
import { toText } from "./expression-print.ts";
import {
  exactRoot,
  invertRational,
  isZeroRational,
  one,
  type Rational,
  rational,
} from "./expression-rational.ts";

/** normal = common·rest, where rest has polynomial coefficients without a common divisor. */
export function withoutCommonFactor(normal: Normal, variable: string) {
  const terms = [...normal.values()];
  const below = terms.reduce<Polynomial>(
    (lcm, { coefficient: { q } }) =>
      multiplyPolynomials(lcm, dividePolynomials(q, polynomialDivisor(lcm, q)).quotient),
    [one],
  );
  const tops = terms.map(({ coefficient: { p, q } }) =>
    multiplyPolynomials(p, dividePolynomials(below, q).quotient),
  );
  const above = tops.reduce<Polynomial>((gcd, top) => polynomialDivisor(gcd, top), []);
  const first = dividePolynomials(tops[0]!, above).quotient;
  const content = contentOf(first);
  const sign = first.at(-1)!.n < 0n ? -1n : 1n;
  const scale = rational(sign * content.n, content.d);
  const coefficient = rationalFunction(multiplyPolynomials(monic(above), [scale]), below);
  const { exponential } = terms[0]!;
  const common = settled(coefficient, exponential, [], variable);
  const inverse = settled(
    rationalFunction(coefficient.q, coefficient.p),
    negateNormal(exponential),
    [],
    variable,
  );
  return { common, rest: multiplyNormals(normal, inverse, variable) };
}

/** normal^exponent for an exponent that is not whole. */
export function rootOf(normal: Normal, exponent: Rational, variable: string): Normal {
  const [only] = [...normal.values()];
  if (normal.size > 1 || only!.factors.length > 0) return kernel(normal, exponent, variable);
  const { coefficient, exponential } = only!;
  const outside = settled({ p: [one], q: [one] }, scaleNormal(exponential, exponent), [], variable);
  const content = contentOf(coefficient.p);
  const rest = scaleNormal(functionNormal(coefficient), invertRational(content));
  const numeric = numberPower(content, exponent, variable);
  const constant = coefficient.p.length === 1 && coefficient.q.length === 1;
  const positive = constant && coefficient.p[0]!.n > 0n;
  const root = positive
    ? numeric
    : multiplyNormals(numeric, kernel(rest, exponent, variable), variable);
  return multiplyNormals(outside, root, variable);
}

function kernel(normal: Normal, exponent: Rational, variable: string): Normal {
  const base = toExpression(normal, variable);
  return factorNormal({ key: toText(base), base, exponent, normal }, variable);
}

/** value^exponent for a positive value, with the squares taken out of square roots. */
function numberPower(value: Rational, exponent: Rational, variable: string): Normal {
  const exact = exactRoot(value, exponent.d);
  if (exact !== undefined) {
    return powerNormal(constantNormal(exact), rational(exponent.n), variable);
  }
  if (exponent.d !== 2n) return kernel(constantNormal(value), exponent, variable);
  // √(n/d) = √(n·d)/d
  let rest = value.n * value.d;
  let outside = rational(1n, value.d);
  for (let i = 2n; i <= 1000n && i * i <= rest; i++) {
    while (rest % (i * i) === 0n) {
      rest /= i * i;
      outside = rational(outside.n * i, outside.d);
    }
  }
  const root = kernel(constantNormal(rational(rest)), rational(1, 2), variable);
  const one = scaleNormal(root, outside);
  return isZeroRational(rational(exponent.n - 1n))
    ? one
    : powerNormal(one, rational(exponent.n), variable);
}
