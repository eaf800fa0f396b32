// From trees to the normal form, and back.
import { ReparamError } from "../tensor/index.ts";
import {
  callOf,
  type Expression,
  type FunctionName,
  integralOf,
  isNumber,
  numeral,
  powerOf,
  productOf,
  symbol,
} from "./expression.ts";
import { differentiate } from "./expression-evaluate.ts";
import { toExpression } from "./expression-form.ts";
import {
  addNormals,
  constantNormal,
  constantOf,
  factorNormal,
  functionNormal,
  isZeroNormal,
  multiplyNormals,
  type Normal,
  negateNormal,
  oneNormal,
  powerNormal,
  scaleNormal,
  settled,
  subtractNormals,
  zeroNormal,
} from "./expression-normal.ts";
import { constantValue, contentOf, powerPolynomial } from "./expression-polynomial.ts";
import { withoutCommonFactor } from "./expression-powers.ts";
import { toText } from "./expression-print.ts";
import {
  invertRational,
  isInteger,
  isZeroRational,
  multiplyRationals,
  negateRational,
  one,
  rational,
} from "./expression-rational.ts";

/** The normal form, for which `variable` is the one variable of coefficients. */
export function toNormal(e: Expression, variable: string): Normal {
  const of = (part: Expression) => toNormal(part, variable);
  switch (e.kind) {
    case "number":
      return constantNormal(e.value);
    case "symbol":
      return e.name === variable
        ? functionNormal({ p: powerPolynomial(1), q: [one] })
        : kernelNormal(e, variable);
    case "sum":
      return addNormals(...e.terms.map(of));
    case "product":
      return e.factors.reduce<Normal>(
        (product, factor) => multiplyNormals(product, of(factor), variable),
        oneNormal,
      );
    case "power": {
      const exponent = of(e.exponent);
      const fixed = constantOf(exponent);
      // Whole powers go inside first: what stands below should not be multiplied out.
      const whole = fixed !== undefined && isInteger(fixed);
      if (whole && e.base.kind === "product") {
        return of(productOf(...e.base.factors.map((factor) => powerOf(factor, e.exponent))));
      }
      if (whole && e.base.kind === "power" && isNumber(e.base.exponent)) {
        const both = multiplyRationals(fixed, e.base.exponent.value);
        if (isInteger(e.base.exponent.value)) return of(powerOf(e.base.base, numeral(both)));
      }
      const base = of(e.base);
      if (fixed !== undefined) return powerNormal(base, fixed, variable);
      const log = logarithmNormal(base, variable);
      return settledExponential(multiplyNormals(exponent, log, variable), variable);
    }
    case "call":
      return callNormal(e.name, of(e.argument), variable);
    case "integral": {
      const integrand = of(e.integrand);
      if (integrand.size === 0) return zeroNormal;
      const { p } = [...integrand.values()][0]!.coefficient;
      const scale = contentOf(p);
      const rest = toExpression(scaleNormal(integrand, invertRational(scale)), variable);
      return scaleNormal(kernelNormal(integralOf(rest, e.variable, e.from), variable), scale);
    }
  }
}

/** The expression in normal form. */
export const simplify = (e: Expression, variable: string): Expression =>
  toExpression(toNormal(e, variable), variable);

/** Whether the expression is 0 wherever it is defined. False also where that was not found out. */
export const isZero = (e: Expression, variable: string): boolean =>
  isZeroNormal(toNormal(e, variable), variable);

/** The derivative by the variable. */
export const normalDerivative = (normal: Normal, variable: string): Normal =>
  toNormal(differentiate(toExpression(normal, variable), variable), variable);

const settledExponential = (exponent: Normal, variable: string): Normal =>
  settled({ p: [one], q: [one] }, exponent, [], variable);

function kernelNormal(base: Expression, variable: string, normal?: Normal): Normal {
  const factor = { key: toText(base), base, exponent: one };
  return factorNormal(normal === undefined ? factor : { ...factor, normal }, variable);
}

function callNormal(name: FunctionName, u: Normal, variable: string): Normal {
  const quotient = (a: Normal, b: Normal) =>
    multiplyNormals(a, powerNormal(b, rational(-1), variable), variable);
  const half = (sign: 1 | -1) => {
    const grow = settledExponential(u, variable);
    const decay = settledExponential(negateNormal(u), variable);
    const sum = sign === 1 ? addNormals(grow, decay) : subtractNormals(grow, decay);
    return scaleNormal(sum, rational(1, 2));
  };
  switch (name) {
    case "exp":
      return settledExponential(u, variable);
    case "log":
      return logarithmNormal(u, variable);
    case "sqrt":
      return powerNormal(u, rational(1, 2), variable);
    case "sin":
    case "cos":
      return circularNormal(name, u, variable);
    case "tan":
      return quotient(circularNormal("sin", u, variable), circularNormal("cos", u, variable));
    case "sinh":
      return half(-1);
    case "cosh":
      return half(1);
    case "tanh":
      return quotient(half(-1), half(1));
    default:
      return oddOrEven(name, u, variable);
  }
}

/** Whether the first coefficient is negative. */
const isNegativeNormal = (normal: Normal): boolean =>
  [...normal].sort(([a], [b]) => (a < b ? -1 : 1))[0]![1].coefficient.p.at(-1)!.n < 0n;

function circularNormal(name: "sin" | "cos", u: Normal, variable: string): Normal {
  if (u.size === 0) return name === "sin" ? zeroNormal : oneNormal;
  if (isNegativeNormal(u)) {
    const turned = circularNormal(name, negateNormal(u), variable);
    return name === "sin" ? negateNormal(turned) : turned;
  }
  const turns = quarterTurns(u);
  if (turns !== undefined) {
    const value = [0, 1, 0, -1][(turns + (name === "cos" ? 1 : 0)) % 4]!;
    return constantNormal(rational(value));
  }
  const argument = toExpression(u, variable);
  const cosine = kernelNormal(callOf("cos", argument), variable);
  if (name === "cos") return cosine;
  const square = subtractNormals(oneNormal, multiplyNormals(cosine, cosine, variable));
  return kernelNormal(callOf("sin", argument), variable, square);
}

/** u as a whole number of π/2, modulo 4. */
function quarterTurns(u: Normal): number | undefined {
  const pi = kernelNormal(symbol("pi"), "");
  const [key] = [...pi.keys()];
  const term = u.size === 1 ? u.get(key!) : undefined;
  const value = term && constantValue(term.coefficient);
  if (value === undefined) return undefined;
  const turns = multiplyRationals(value, rational(2));
  return isInteger(turns) ? Number(((turns.n % 4n) + 4n) % 4n) : undefined;
}

function logarithmNormal(u: Normal, variable: string): Normal {
  if (u.size === 0) throw new ReparamError("expression: it holds the logarithm of 0.");
  const value = constantOf(u);
  if (value !== undefined) {
    if (value.n === value.d) return zeroNormal;
    return kernelNormal(callOf("log", toExpression(u, variable)), variable, u);
  }
  // log(c·e^v·w) = log c + v + log w, for a positive number c.
  const { common } = withoutCommonFactor(u, variable);
  const { coefficient, exponential } = [...common.values()][0]!;
  const size = contentOf(coefficient.p);
  const scale = settled(
    { p: [invertRational(size)], q: [one] },
    negateNormal(exponential),
    [],
    variable,
  );
  const rest = multiplyNormals(u, scale, variable);
  const parts = [exponential];
  if (size.n !== size.d) parts.push(logarithmNormal(constantNormal(size), variable));
  const left = constantOf(rest);
  if (left === undefined || left.n !== left.d) {
    parts.push(kernelNormal(callOf("log", toExpression(rest, variable)), variable, rest));
  }
  return addNormals(...parts);
}

/** abs is even and positive, the arcs of sine and tangent are odd. */
function oddOrEven(name: FunctionName, u: Normal, variable: string): Normal {
  const value = constantOf(u);
  if (name === "abs") {
    if (value !== undefined) return constantNormal(value.n < 0n ? negateRational(value) : value);
    if (isNegativeNormal(u)) return oddOrEven(name, negateNormal(u), variable);
  } else if (name !== "acos") {
    if (value !== undefined && isZeroRational(value)) return zeroNormal;
    if (isNegativeNormal(u)) return negateNormal(oddOrEven(name, negateNormal(u), variable));
  }
  return kernelNormal(callOf(name, toExpression(u, variable)), variable);
}
