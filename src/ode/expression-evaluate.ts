// Numbers and derivatives of expressions.
import { integral } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import {
  callOf,
  type Expression,
  type FunctionName,
  integer,
  negated,
  numeral,
  powerOf,
  productOf,
  quotientOf,
  sumOf,
} from "./expression.ts";
import { addRationals, one, rational, rationalToNumber, zero } from "./expression-rational.ts";

type NumberFunction = (t: number) => number;

const functions: Readonly<Record<FunctionName, NumberFunction>> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  abs: Math.abs,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
};

/**
 * The expression as a function of its variable. Where it is not defined its value is NaN or infinite.
 * Integrals are taken by quadrature, each once to the times asked for before. Throws if another variable occurs.
 */
export function compileExpression(e: Expression, variable: string): NumberFunction {
  switch (e.kind) {
    case "number": {
      const value = rationalToNumber(e.value);
      return () => value;
    }
    case "symbol":
      if (e.name === variable) return (t) => t;
      if (e.name === "pi") return () => Math.PI;
      throw new ReparamError(
        `expression: "${e.name}" has no value; the variable is ${variable}. Put a number in its place.`,
      );
    case "sum": {
      const terms = e.terms.map((term) => compileExpression(term, variable));
      return (t) => {
        let sum = 0;
        for (const term of terms) sum += term(t);
        return sum;
      };
    }
    case "product": {
      const factors = e.factors.map((factor) => compileExpression(factor, variable));
      return (t) => {
        let product = 1;
        for (const factor of factors) product *= factor(t);
        return product;
      };
    }
    case "power":
      return compilePower(e.base, e.exponent, variable);
    case "call": {
      const f = functions[e.name];
      const argument = compileExpression(e.argument, variable);
      return (t) => f(argument(t));
    }
    case "integral":
      return primitiveOf(compileExpression(e.integrand, e.variable), rationalToNumber(e.from));
  }
}

function compilePower(base: Expression, exponent: Expression, variable: string): NumberFunction {
  const b = compileExpression(base, variable);
  const p = compileExpression(exponent, variable);
  if (exponent.kind !== "number") return (t) => b(t) ** p(t);
  const { n, d } = exponent.value;
  const fixed = rationalToNumber(exponent.value);
  if (fixed === -1) return (t) => 1 / b(t);
  if (fixed === 2) return (t) => b(t) ** 2;
  if (fixed === 0.5) return (t) => Math.sqrt(b(t));
  // An odd root of a negative number is real.
  if (d % 2n === 1n && d !== 1n) {
    const sign = n % 2n === 0n ? 1 : -1;
    return (t) => {
      const value = b(t);
      return value < 0 ? sign * (-value) ** fixed : value ** fixed;
    };
  }
  return (t) => b(t) ** fixed;
}

/** ∫ f from `from`, continued from the nearest time that was asked for before. */
function primitiveOf(f: NumberFunction, from: number): NumberFunction {
  let times = [from];
  let values = [0];
  return (t) => {
    if (!Number.isFinite(t)) return Number.NaN;
    let [low, high] = [0, times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle]! < t) low = middle + 1;
      else high = middle;
    }
    if (times[low] === t) return values[low]!;
    const left = t - (times[low - 1] ?? Number.NEGATIVE_INFINITY);
    const near = left < (times[low] ?? Number.POSITIVE_INFINITY) - t ? low - 1 : low;
    const part = integral((s) => [f(s)], times[near]!, t, { relative: 1e-13, absolute: 1e-15 });
    const value = values[near]! + part.value[0]!;
    if (times.length >= 5000) [times, values] = [[from], [0]];
    else {
      times.splice(low, 0, t);
      values.splice(low, 0, value);
    }
    return value;
  };
}

/** de/dvariable; other variables are constants. Not simplified. */
export function differentiate(e: Expression, variable: string): Expression {
  switch (e.kind) {
    case "number":
      return numeral(zero);
    case "symbol":
      return numeral(e.name === variable ? one : zero);
    case "sum":
      return sumOf(...e.terms.map((term) => differentiate(term, variable)));
    case "product":
      return sumOf(
        ...e.factors.map((factor, i) =>
          productOf(
            ...e.factors.map((other, j) => (i === j ? differentiate(factor, variable) : other)),
          ),
        ),
      );
    case "power": {
      const slope = differentiate(e.base, variable);
      if (e.exponent.kind === "number") {
        const lower = numeral(addRationals(e.exponent.value, rational(-1)));
        return productOf(e.exponent, powerOf(e.base, lower), slope);
      }
      const rise = differentiate(e.exponent, variable);
      return productOf(
        e,
        sumOf(
          productOf(rise, callOf("log", e.base)),
          productOf(e.exponent, quotientOf(slope, e.base)),
        ),
      );
    }
    case "call":
      return productOf(outerSlope(e.name, e.argument), differentiate(e.argument, variable));
    case "integral":
      return e.variable === variable ? e.integrand : numeral(zero);
  }
}

/** f′(u) */
function outerSlope(name: FunctionName, u: Expression): Expression {
  const square = (x: Expression) => powerOf(x, integer(2));
  switch (name) {
    case "sin":
      return callOf("cos", u);
    case "cos":
      return negated(callOf("sin", u));
    case "tan":
      return powerOf(callOf("cos", u), integer(-2));
    case "exp":
      return callOf("exp", u);
    case "log":
      return powerOf(u, integer(-1));
    case "sqrt":
      return quotientOf(numeral(rational(1, 2)), callOf("sqrt", u));
    case "sinh":
      return callOf("cosh", u);
    case "cosh":
      return callOf("sinh", u);
    case "tanh":
      return powerOf(callOf("cosh", u), integer(-2));
    case "abs":
      return quotientOf(callOf("abs", u), u);
    case "asin":
      return powerOf(sumOf(integer(1), negated(square(u))), numeral(rational(-1, 2)));
    case "acos":
      return negated(powerOf(sumOf(integer(1), negated(square(u))), numeral(rational(-1, 2))));
    case "atan":
      return powerOf(sumOf(integer(1), square(u)), integer(-1));
  }
}
