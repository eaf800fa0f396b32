// Expressions of one variable as trees, with exact coefficients. Built by the functions below, which fold only
// what is plain; `simplify` brings them to a normal form.
import {
  addRationals,
  isInteger,
  isZeroRational,
  multiplyRationals,
  one,
  type Rational,
  rational,
  zero,
} from "./expression-rational.ts";

/** Functions that an expression may call, of one argument each. */
export const functionNames = [
  "sin",
  "cos",
  "tan",
  "exp",
  "log",
  "sqrt",
  "sinh",
  "cosh",
  "tanh",
  "abs",
  "asin",
  "acos",
  "atan",
] as const;

export type FunctionName = (typeof functionNames)[number];

export type Expression =
  | { readonly kind: "number"; readonly value: Rational }
  /** A variable, or the constant pi. */
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "sum"; readonly terms: readonly Expression[] }
  | { readonly kind: "product"; readonly factors: readonly Expression[] }
  | { readonly kind: "power"; readonly base: Expression; readonly exponent: Expression }
  | { readonly kind: "call"; readonly name: FunctionName; readonly argument: Expression }
  /** ∫ integrand from `from` to the variable. */
  | {
      readonly kind: "integral";
      readonly integrand: Expression;
      readonly variable: string;
      readonly from: Rational;
    };

export const numeral = (value: Rational): Expression => ({ kind: "number", value });
export const integer = (value: number): Expression => numeral(rational(value));
export const symbol = (name: string): Expression => ({ kind: "symbol", name });

export const isNumber = (
  e: Expression,
): e is { readonly kind: "number"; readonly value: Rational } => e.kind === "number";
export const isConstant = (e: Expression, value: Rational): boolean =>
  e.kind === "number" && e.value.n === value.n && e.value.d === value.d;

/** Σ terms, flat, numbers added. */
export function sumOf(...terms: readonly Expression[]): Expression {
  let constant = zero;
  const rest: Expression[] = [];
  for (const term of terms.flatMap((e) => (e.kind === "sum" ? e.terms : [e]))) {
    if (isNumber(term)) constant = addRationals(constant, term.value);
    else rest.push(term);
  }
  if (!isZeroRational(constant)) rest.push(numeral(constant));
  return rest.length === 0
    ? numeral(zero)
    : rest.length === 1
      ? rest[0]!
      : { kind: "sum", terms: rest };
}

/** Π factors, flat, numbers multiplied and first. */
export function productOf(...factors: readonly Expression[]): Expression {
  let constant = one;
  const rest: Expression[] = [];
  for (const factor of factors.flatMap((e) => (e.kind === "product" ? e.factors : [e]))) {
    if (isNumber(factor)) constant = multiplyRationals(constant, factor.value);
    else rest.push(factor);
  }
  if (isZeroRational(constant)) return numeral(zero);
  if (!isConstant(numeral(constant), one)) rest.unshift(numeral(constant));
  if (rest.length === 0) return numeral(one);
  return rest.length === 1 ? rest[0]! : { kind: "product", factors: rest };
}

export const negated = (e: Expression): Expression => productOf(integer(-1), e);

/** base^exponent; whole powers of numbers are taken. */
export function powerOf(base: Expression, exponent: Expression): Expression {
  if (isConstant(exponent, one)) return base;
  if (isConstant(exponent, zero)) return numeral(one);
  if (isNumber(base) && isNumber(exponent) && isInteger(exponent.value)) {
    const size = exponent.value.n;
    const magnitude = size < 0n ? -size : size;
    if (magnitude <= 1000n && !(size < 0n && isZeroRational(base.value))) {
      const { n, d } = base.value;
      const [top, bottom] = [n ** magnitude, d ** magnitude];
      return numeral(size < 0n ? rational(bottom, top) : rational(top, bottom));
    }
  }
  return { kind: "power", base, exponent };
}

export const quotientOf = (a: Expression, b: Expression): Expression =>
  productOf(a, powerOf(b, integer(-1)));
export const callOf = (name: FunctionName, argument: Expression): Expression => ({
  kind: "call",
  name,
  argument,
});

/** ∫ integrand from `from` to the variable, left as it is. */
export const integralOf = (
  integrand: Expression,
  variable: string,
  from: Rational,
): Expression => ({ kind: "integral", integrand, variable, from });

const childrenOf = (e: Expression): readonly Expression[] => {
  if (e.kind === "sum") return e.terms;
  if (e.kind === "product") return e.factors;
  if (e.kind === "power") return [e.base, e.exponent];
  if (e.kind === "call") return [e.argument];
  return e.kind === "integral" ? [e.integrand] : [];
};

/** Whether an integral is left in the expression. */
export const hasIntegral = (e: Expression): boolean =>
  e.kind === "integral" || childrenOf(e).some(hasIntegral);

/** Names of the variables in the expression; an integral depends on its own. */
export function variablesOf(e: Expression): ReadonlySet<string> {
  if (e.kind === "symbol") return new Set(e.name === "pi" ? [] : [e.name]);
  const names = childrenOf(e).flatMap((child) => [...variablesOf(child)]);
  return new Set(e.kind === "integral" ? [e.variable, ...names] : names);
}
