// A normal form of expressions: Σ R(t)·exp(u)·k₁^{e₁}·k₂^{e₂}…, where R is a quotient of polynomials in lowest
// terms, u is in normal form, and the kernels k are what R and exp cannot hold: sines, logarithms, roots,
// reciprocals of sums, constants. Exponentials of logarithms are powers, and sin² is 1 − cos². Equal
// expressions mostly have equal forms; where they do not, `isZeroNormal` clears denominators first.
import { ReparamError } from "../tensor/index.ts";
import type { Expression } from "./expression.ts";
import { toExpression } from "./expression-form.ts";
import {
  addFunctions,
  constantPolynomial,
  constantValue,
  multiplyFunctions,
  type RationalFunction,
  rationalFunction,
} from "./expression-polynomial.ts";
import { rootOf, withoutCommonFactor } from "./expression-powers.ts";
import { toText } from "./expression-print.ts";
import {
  addRationals,
  isInteger,
  isZeroRational,
  negateRational,
  one,
  type Rational,
  rational,
} from "./expression-rational.ts";

/** k^exponent */
export interface Factor {
  /** The text of the base. */
  readonly key: string;
  readonly base: Expression;
  readonly exponent: Rational;
  /** The normal form of a base that whole powers are multiplied out of. */
  readonly normal?: Normal;
}

/** coefficient·exp(exponential)·Π factors, the factors by key. */
export interface Term {
  readonly coefficient: RationalFunction;
  readonly exponential: Normal;
  readonly factors: readonly Factor[];
}

/** Terms by the text of what their coefficients multiply; none for 0. */
export type Normal = ReadonlyMap<string, Term>;

/** More terms than this are not multiplied out. */
const maxTerms = 2000;

export const zeroNormal: Normal = new Map();

export function keyOf(
  { exponential, factors }: Omit<Term, "coefficient">,
  variable: string,
): string {
  const exponent = exponential.size === 0 ? "" : toText(toExpression(exponential, variable));
  return [exponent, ...factors.map(({ key, exponent: { n, d } }) => `${key}^${n}/${d}`)].join("|");
}

export const functionNormal = (coefficient: RationalFunction): Normal =>
  coefficient.p.length === 0
    ? zeroNormal
    : new Map([["", { coefficient, exponential: zeroNormal, factors: [] }]]);

export const constantNormal = (value: Rational): Normal =>
  functionNormal({ p: constantPolynomial(value), q: [one] });

export const oneNormal: Normal = constantNormal(one);

/** One kernel alone. */
export function factorNormal(factor: Factor, variable: string): Normal {
  return settled(oneFunction, zeroNormal, [factor], variable);
}

const oneFunction: RationalFunction = { p: [one], q: [one] };

export function addNormals(...normals: readonly Normal[]): Normal {
  const sum = new Map<string, Term>();
  for (const normal of normals) {
    for (const [key, term] of normal) {
      const before = sum.get(key);
      if (before === undefined) sum.set(key, term);
      else {
        const coefficient = addFunctions(before.coefficient, term.coefficient);
        if (coefficient.p.length === 0) sum.delete(key);
        else sum.set(key, { ...term, coefficient });
      }
    }
  }
  return sum;
}

export function scaleNormal(normal: Normal, scale: RationalFunction | Rational): Normal {
  const by = "n" in scale ? { p: constantPolynomial(scale), q: [one] } : scale;
  if (by.p.length === 0) return zeroNormal;
  return new Map(
    [...normal].map(([key, term]) => [
      key,
      { ...term, coefficient: multiplyFunctions(term.coefficient, by) },
    ]),
  );
}

export const negateNormal = (normal: Normal): Normal => scaleNormal(normal, rational(-1));
export const subtractNormals = (a: Normal, b: Normal): Normal => addNormals(a, negateNormal(b));

export function multiplyNormals(a: Normal, b: Normal, variable: string): Normal {
  if (a.size * b.size > maxTerms) throw tooLarge();
  const parts: Normal[] = [];
  for (const x of a.values()) {
    for (const y of b.values()) {
      const factors = new Map(x.factors.map((factor) => [factor.key, factor]));
      for (const factor of y.factors) {
        const before = factors.get(factor.key)?.exponent;
        const exponent = before ? addRationals(before, factor.exponent) : factor.exponent;
        factors.set(factor.key, { ...factor, exponent });
      }
      parts.push(
        settled(
          multiplyFunctions(x.coefficient, y.coefficient),
          addNormals(x.exponential, y.exponential),
          [...factors.values()],
          variable,
        ),
      );
    }
  }
  return addNormals(...parts);
}

const tooLarge = () =>
  new ReparamError(`expression: it grows beyond ${maxTerms} terms when it is multiplied out.`);

/** The normal form of one product: what its parts allow is multiplied out. */
export function settled(
  coefficient: RationalFunction,
  exponential: Normal,
  factors: readonly Factor[],
  variable: string,
): Normal {
  const extras: Normal[] = [];
  const exponent = new Map(exponential);
  for (const [key, term] of exponential) {
    const power = logarithmIn(term);
    if (power === undefined) continue;
    exponent.delete(key);
    extras.push(powerNormal(power.normal, power.exponent, variable));
  }
  const kept: Factor[] = [];
  for (const factor of factors) {
    const { whole, rest } = split(factor);
    if (whole !== undefined) extras.push(powerNormal(whole.normal, whole.exponent, variable));
    if (!isZeroRational(rest)) kept.push({ ...factor, exponent: rest });
  }
  kept.sort((a, b) => (a.key < b.key ? -1 : 1));
  const term = { coefficient, exponential: exponent, factors: kept };
  let result: Normal =
    coefficient.p.length === 0 ? zeroNormal : new Map([[keyOf(term, variable), term]]);
  for (const extra of extras) result = multiplyNormals(result, extra, variable);
  return result;
}

/** c·log(w) with a fraction c: its exponential is w^c. */
function logarithmIn({ coefficient, exponential, factors }: Term) {
  const value = constantValue(coefficient);
  const [factor] = factors;
  if (value === undefined || exponential.size > 0 || factors.length !== 1) return undefined;
  const { base, exponent, normal } = factor!;
  const logarithm = base.kind === "call" && base.name === "log";
  if (!logarithm || normal === undefined || !isInteger(exponent) || exponent.n !== 1n) {
    return undefined;
  }
  return { normal, exponent: value };
}

/** Which power of a factor is multiplied out, and which stays. */
function split({ base, exponent, normal }: Factor) {
  const floor =
    exponent.n >= 0n ? exponent.n / exponent.d : -((-exponent.n + exponent.d - 1n) / exponent.d);
  const after = (power: bigint) => addRationals(exponent, rational(-power));
  if (base.kind === "call" && base.name === "sin" && normal !== undefined && floor >= 2n) {
    const even = floor - (floor % 2n);
    return { whole: { normal, exponent: rational(even / 2n) }, rest: after(even) };
  }
  // The normal form that a logarithm carries is its argument's.
  if (base.kind === "call" || normal === undefined) return { rest: exponent };
  const simple = normal.size === 1 && normal.has("");
  if (floor > 0n || (simple && floor !== 0n)) {
    return { whole: { normal, exponent: rational(floor) }, rest: after(floor) };
  }
  return { rest: exponent };
}

/** normal^exponent */
export function powerNormal(normal: Normal, exponent: Rational, variable: string): Normal {
  if (isZeroRational(exponent)) return oneNormal;
  if (normal.size === 0) {
    if (exponent.n > 0n) return zeroNormal;
    throw new ReparamError("expression: it divides by something that is zero everywhere.");
  }
  if (!isInteger(exponent)) return rootOf(normal, exponent, variable);
  if (exponent.n < 0n) {
    const positive = negateRational(exponent);
    if (normal.size === 1) return powerNormal(reciprocal(normal, variable), positive, variable);
    const { common, rest } = withoutCommonFactor(normal, variable);
    const base = toExpression(rest, variable);
    const factor = { key: toText(base), base, exponent, normal: rest };
    const outside = powerNormal(common, exponent, variable);
    return multiplyNormals(outside, factorNormal(factor, variable), variable);
  }
  if (exponent.n > 200n) throw tooLarge();
  let result = oneNormal;
  for (let i = 0n; i < exponent.n; i++) result = multiplyNormals(result, normal, variable);
  return result;
}

function reciprocal(normal: Normal, variable: string): Normal {
  const [{ coefficient, exponential, factors }] = [...normal.values()] as [Term];
  const turned = factors.map((factor) => ({
    ...factor,
    exponent: negateRational(factor.exponent),
  }));
  const { p, q } = coefficient;
  return settled(rationalFunction(q, p), negateNormal(exponential), turned, variable);
}

/** Whether a normal form is 0, with the denominators of sums and sines cleared. */
export const isZeroNormal = (normal: Normal, variable: string): boolean =>
  clearedNormals([normal], variable)[0]!.size === 0;

/** The normal forms, all times the same powers of those kernels that stand below in one of them. */
export function clearedNormals(normals: readonly Normal[], variable: string): readonly Normal[] {
  const lowest = new Map<string, Factor>();
  for (const factor of normals.flatMap((n) => [...n.values()].flatMap(({ factors }) => factors))) {
    const before = lowest.get(factor.key)?.exponent ?? rational(0);
    const { n, d } = factor.exponent;
    if (n * before.d < before.n * d) lowest.set(factor.key, factor);
  }
  let cleared = normals;
  for (const factor of lowest.values()) {
    // A whole power, so that roots keep their remainders.
    const { n, d } = factor.exponent;
    const power = { ...factor, exponent: rational((-n + d - 1n) / d) };
    cleared = cleared.map((normal) => raised(normal, power, variable));
  }
  return cleared;
}

/** Every term times a factor, whose power is added to what the term has before anything is multiplied out. */
function raised(normal: Normal, factor: Factor, variable: string): Normal {
  const terms = [...normal.values()].map(({ coefficient, exponential, factors }) => {
    const before = factors.find(({ key }) => key === factor.key)?.exponent ?? rational(0);
    const others = factors.filter(({ key }) => key !== factor.key);
    const exponent = addRationals(before, factor.exponent);
    return settled(coefficient, exponential, [...others, { ...factor, exponent }], variable);
  });
  return addNormals(...terms);
}

/** The fraction that a normal form is, if it is one. */
export function constantOf(normal: Normal): Rational | undefined {
  if (normal.size === 0) return rational(0);
  const only = normal.size === 1 ? normal.get("") : undefined;
  return only === undefined ? undefined : constantValue(only.coefficient);
}
