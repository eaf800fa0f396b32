// From the normal form back to trees that read well.
import {
  callOf,
  type Expression,
  integer,
  numeral,
  powerOf,
  productOf,
  sumOf,
  symbol,
} from "./expression.ts";
import type { Normal, Term } from "./expression-normal.ts";
import {
  contentOf,
  factorPolynomial,
  type Polynomial,
  type RationalFunction,
  scalePolynomial,
} from "./expression-polynomial.ts";
import { invertRational, isZeroRational, one, rational } from "./expression-rational.ts";

/** A normal form as an expression. */
export function toExpression(normal: Normal, variable: string): Expression {
  const terms = [...normal].sort(([a], [b]) => (a < b ? -1 : 1));
  return sumOf(...terms.map(([, term]) => termExpression(term, variable)));
}

function termExpression({ coefficient, exponential, factors }: Term, variable: string): Expression {
  const kernels = factors.map(({ base, exponent }) => powerOf(base, numeral(exponent)));
  if (exponential.size > 0) kernels.push(callOf("exp", toExpression(exponential, variable)));
  return productOf(functionExpression(coefficient, variable), ...kernels);
}

/** p/q with q in factors; over a power of the variable, term by term. */
function functionExpression({ p, q }: RationalFunction, variable: string): Expression {
  const t = symbol(variable);
  const terms = p.filter((c) => !isZeroRational(c)).length;
  const lowest = q.findIndex((c) => !isZeroRational(c));
  if (lowest === q.length - 1 && (lowest === 0 || terms <= 3)) {
    return polynomialExpression(p, variable, lowest);
  }
  const common = p.findIndex((c) => !isZeroRational(c));
  const content = contentOf(p);
  const sign = p.at(-1)!.n < 0n && terms > 1 ? rational(-1) : one;
  const rest = scalePolynomial(p.slice(common), invertRational(content));
  const top = scalePolynomial(rest, sign);
  const bottom = factorPolynomial(q).map(({ factor, multiplicity }) => {
    const whole = scalePolynomial(factor, invertRational(contentOf(factor)));
    const shrink = invertRational(contentOf(factor));
    return {
      base: polynomialExpression(whole, variable),
      multiplicity,
      // factor^−m = shrink^m·whole^−m
      scale: rational(shrink.n ** BigInt(multiplicity), shrink.d ** BigInt(multiplicity)),
    };
  });
  return productOf(
    numeral(content),
    numeral(sign),
    ...bottom.map(({ scale }) => numeral(scale)),
    powerOf(t, integer(common)),
    polynomialExpression(top, variable),
    ...bottom.map(({ base, multiplicity }) => powerOf(base, integer(-multiplicity))),
  );
}

/** p(t)/t^shift, by falling powers. */
export function polynomialExpression(p: Polynomial, variable: string, shift = 0): Expression {
  const terms = p.flatMap((c, i) =>
    isZeroRational(c) ? [] : [productOf(numeral(c), powerOf(symbol(variable), integer(i - shift)))],
  );
  return sumOf(...terms.reverse());
}
