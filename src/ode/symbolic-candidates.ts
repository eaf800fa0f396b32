// What an integral may hold beyond the kernels of its integrand: logarithms and arcs of what stands below.
import {
  callOf,
  type Expression,
  integer,
  numeral,
  powerOf,
  productOf,
  quotientOf,
  sumOf,
} from "./expression.ts";
import { polynomialExpression, toExpression } from "./expression-form.ts";
import { type Factor, type Normal, powerNormal } from "./expression-normal.ts";
import { factorPolynomial, type Polynomial } from "./expression-polynomial.ts";
import { toText } from "./expression-print.ts";
import {
  addRationals,
  isZeroRational,
  multiplyRationals,
  negateRational,
  type Rational,
  rational,
} from "./expression-rational.ts";
import { normalDerivative, toNormal } from "./expression-simplify.ts";

/** A function and its derivative. */
export interface Candidate {
  readonly value: Normal;
  readonly slope: Normal;
}

type Logarithm = (u: Expression) => Expression;

/** All candidates for an integral of f; `log` is log|u|. */
export function transcendentalCandidates(f: Normal, variable: string, log: Logarithm): Candidate[] {
  const factors = new Map(
    [...f.values()].flatMap((term) => term.factors.map((factor) => [factor.key, factor] as const)),
  );
  return [
    ...logarithms(f, variable, log),
    ...[...factors.values()].flatMap((factor) => [
      ...cosecants(factor, variable, log),
      ...rootArcs(factor, variable, log),
    ]),
  ];
}

/** log|u| for all u below, and the arcs and logarithms of quadratic factors without roots among the fractions. */
function logarithms(f: Normal, variable: string, log: Logarithm): Candidate[] {
  const bases = new Map<string, Expression>();
  const quadratics = new Map<string, Polynomial>();
  for (const { coefficient, factors } of f.values()) {
    for (const { factor } of factorPolynomial(coefficient.q)) {
      const base = polynomialExpression(factor, variable);
      bases.set(toText(base), base);
      if (factor.length === 3) quadratics.set(toText(base), factor);
    }
    for (const { key, base, exponent } of factors) if (exponent.n < 0n) bases.set(key, base);
  }
  const plain = [...bases.values()].map((base) => {
    const slope = quotientOf(
      toExpression(normalDerivative(toNormal(base, variable), variable), variable),
      base,
    );
    return { value: toNormal(log(base), variable), slope: toNormal(slope, variable) };
  });
  const inverse = [...quadratics.values()].map((factor) => ({
    value: toNormal(inverseQuadratic(factor, variable, log), variable),
    slope: toNormal(powerOf(polynomialExpression(factor, variable), integer(-1)), variable),
  }));
  return [...plain, ...inverse];
}

/** ∫ 1/(t² + b t + c) dt, where b² − 4c is no square. */
function inverseQuadratic([c, b]: Polynomial, variable: string, log: Logarithm): Expression {
  const square = multiplyRationals(b!, b!);
  const discriminant = addRationals(square, multiplyRationals(c!, rational(-4)));
  const slope = polynomialExpression([b!, rational(2)], variable);
  const negative = discriminant.n < 0n;
  const size = negative ? negateRational(discriminant) : discriminant;
  const root = powerOf(numeral(size), numeral(rational(1, 2)));
  if (negative) {
    return productOf(
      integer(2),
      powerOf(root, integer(-1)),
      callOf("atan", quotientOf(slope, root)),
    );
  }
  const minus = productOf(integer(-1), root);
  const difference = sumOf(
    log(sumOf(slope, minus)),
    productOf(integer(-1), log(sumOf(slope, root))),
  );
  return quotientOf(difference, root);
}

/** ∫ u′/sin u = log|tan(u/2)| and ∫ u′/cos u, where a sine or a cosine stands below. */
function cosecants({ base, exponent }: Factor, variable: string, log: Logarithm): Candidate[] {
  if (exponent.n >= 0n || base.kind !== "call") return [];
  const other = base.name === "sin" ? "cos" : base.name === "cos" ? "sin" : undefined;
  if (other === undefined) return [];
  const co = callOf(other, base.argument);
  const [less, more] = [integer(-1), integer(1)].map((sign) =>
    log(sumOf(integer(1), productOf(sign, co))),
  ) as [Expression, Expression];
  const difference = sumOf(less, productOf(integer(-1), more));
  const value = productOf(numeral(rational(base.name === "sin" ? 1 : -1, 2)), difference);
  const rise = toExpression(
    normalDerivative(toNormal(base.argument, variable), variable),
    variable,
  );
  return [{ value: toNormal(value, variable), slope: toNormal(quotientOf(rise, base), variable) }];
}

/** ∫ 1/√Q where the root of a quadratic Q occurs: an arc sine where Q falls at infinity, else a logarithm. */
function rootArcs({ exponent, normal }: Factor, variable: string, log: Logarithm): Candidate[] {
  const only = normal?.size === 1 ? normal.get("")?.coefficient : undefined;
  if (exponent.d !== 2n || normal === undefined || only?.q.length !== 1 || only.p.length !== 3) {
    return [];
  }
  const scale = only.q[0]!;
  const [c, b, a] = only.p.map((x) => multiplyRationals(x, { n: scale.d, d: scale.n })) as [
    Rational,
    Rational,
    Rational,
  ];
  const square = addRationals(
    multiplyRationals(b, b),
    multiplyRationals(rational(-4), multiplyRationals(a, c)),
  );
  const slope = polynomialExpression([b, multiplyRationals(rational(2), a)], variable);
  const falling = a.n < 0n;
  if (isZeroRational(square) || (falling && square.n < 0n)) return [];
  const half = numeral(rational(1, 2));
  const root = powerOf(numeral(falling ? negateRational(a) : a), half);
  const inside = falling
    ? quotientOf(slope, powerOf(numeral(square), half))
    : sumOf(
        productOf(root, powerOf(polynomialExpression([c, b, a], variable), half)),
        productOf(half, slope),
      );
  const value = quotientOf(
    falling ? productOf(integer(-1), callOf("asin", inside)) : log(inside),
    root,
  );
  return [
    { value: toNormal(value, variable), slope: powerNormal(normal, rational(-1, 2), variable) },
  ];
}
