// Text to expressions, by recursive descent; nothing of the text is ever run.
//
//   sum      = ["+"|"-"] product {("+"|"-") product}
//   product  = unary {("*"|"/") unary}
//   unary    = {"-"|"+"} power
//   power    = atom ["^" unary]                  (from the right: 2^3^2 = 2^9)
//   atom     = number | name | name "(" sum ")" | "(" sum ")"
import { ReparamError } from "../tensor/index.ts";
import {
  callOf,
  type Expression,
  type FunctionName,
  functionNames,
  integer,
  isConstant,
  isNumber,
  negated,
  numeral,
  powerOf,
  productOf,
  quotientOf,
  sumOf,
  symbol,
} from "./expression.ts";
import { rational, rationalOfText, zero } from "./expression-rational.ts";

interface Token {
  readonly kind: "number" | "name" | "sign" | "end";
  readonly text: string;
  /** Offset in the text. */
  readonly at: number;
}

const aliases: Readonly<Record<string, string>> = {
  "**": "^",
  "−": "-",
  "·": "*",
  "×": "*",
  ln: "log",
  π: "pi",
  arcsin: "asin",
  arccos: "acos",
  arctan: "atan",
};

/** Deepest nesting of parentheses, so that no text can exhaust the stack. */
const maxDepth = 200;
const maxLength = 20_000;

/**
 * An expression of the given variables, such as `parseExpression("x^2*exp(-x)", ["x"])`. Knows + - * / ^,
 * parentheses, pi, e and the functions of `functionNames` (ln is log). Primes belong to names: y'' is a
 * variable. Throws with the position of what is wrong.
 */
export function parseExpression(text: string, variables: readonly string[]): Expression {
  if (text.length > maxLength) {
    throw new ReparamError(
      `expression: ${text.length} characters are too many; ${maxLength} are the most.`,
    );
  }
  const cursor = cursorOf(text);
  const result = sum(cursor, variables);
  const { kind, text: next } = cursor.peek();
  if (kind !== "end") {
    cursor.fail(
      next === ")"
        ? `this ")" closes nothing`
        : `an operator is wanted before "${next}". Write * between factors`,
    );
  }
  return result;
}

interface Cursor {
  peek(): Token;
  skip(): void;
  /** Whether this sign is next; it then is passed. */
  taken(sign: string): boolean;
  nested<T>(parse: () => T): T;
  fail(problem: string, at?: number): never;
}

function cursorOf(text: string): Cursor {
  const tokens = tokensOf(text);
  let position = 0;
  let depth = 0;
  const peek = (): Token => tokens[position]!;
  const fail = (problem: string, at = peek().at): never => {
    throw expressionError(text, at, problem);
  };
  return {
    peek,
    fail,
    skip: () => void position++,
    taken: (sign) => {
      const found = peek().kind === "sign" && peek().text === sign;
      if (found) position++;
      return found;
    },
    nested: (parse) => {
      if (++depth > maxDepth) fail("this is nested too deeply");
      const result = parse();
      depth--;
      return result;
    },
  };
}

function sum(cursor: Cursor, variables: readonly string[]): Expression {
  const terms = [product(cursor, variables)];
  for (;;) {
    if (cursor.taken("+")) terms.push(product(cursor, variables));
    else if (cursor.taken("-")) terms.push(negated(product(cursor, variables)));
    else return sumOf(...terms);
  }
}

function product(cursor: Cursor, variables: readonly string[]): Expression {
  let result = unary(cursor, variables);
  for (;;) {
    if (cursor.taken("*")) result = productOf(result, unary(cursor, variables));
    else if (cursor.taken("/")) {
      const { at } = cursor.peek();
      const divisor = unary(cursor, variables);
      if (isConstant(divisor, zero)) cursor.fail("division by zero", at);
      result = quotientOf(result, divisor);
    } else return result;
  }
}

function unary(cursor: Cursor, variables: readonly string[]): Expression {
  return cursor.nested(() => {
    if (cursor.taken("-")) return negated(unary(cursor, variables));
    return cursor.taken("+") ? unary(cursor, variables) : power(cursor, variables);
  });
}

function power(cursor: Cursor, variables: readonly string[]): Expression {
  const { at } = cursor.peek();
  const base = atom(cursor, variables);
  if (!cursor.taken("^")) return base;
  const exponent = unary(cursor, variables);
  if (isConstant(base, zero) && isNumber(exponent) && exponent.value.n <= 0n) {
    cursor.fail("this power of zero has no value", at);
  }
  return powerOf(base, exponent);
}

function atom(cursor: Cursor, variables: readonly string[]): Expression {
  const token = cursor.peek();
  if (cursor.taken("(")) return parenthesized(cursor, variables);
  if (token.kind === "number" || token.kind === "name") {
    cursor.skip();
    if (token.kind === "number") return numeral(rationalOfText(token.text));
    return named(token, cursor, variables);
  }
  const end = token.kind === "end";
  return cursor.fail(end ? "the text ends where a value is wanted" : "a value is wanted here");
}

function parenthesized(cursor: Cursor, variables: readonly string[]): Expression {
  const inside = sum(cursor, variables);
  if (!cursor.taken(")")) cursor.fail(`a ")" is missing here`);
  return inside;
}

function named({ text: name, at }: Token, cursor: Cursor, variables: readonly string[]) {
  if (variables.includes(name) || name === "pi") return symbol(name);
  if (name === "e") return callOf("exp", integer(1));
  if ((functionNames as readonly string[]).includes(name)) {
    if (!cursor.taken("(")) cursor.fail(`write ${name}(…), with its argument in parentheses`, at);
    const argument = parenthesized(cursor, variables);
    if (name === "sqrt") return powerOf(argument, numeral(rational(1, 2)));
    return callOf(name as FunctionName, argument);
  }
  const known = [...variables, "pi", "e"].join(", ");
  return cursor.fail(
    `"${name}" is unknown. Known are ${known} and the functions ${functionNames.join(", ")}; write * between factors`,
    at,
  );
}

/** An error with the place in the text that it is about, counted from 1. */
export function expressionError(text: string, at: number, problem: string): ReparamError {
  const from = Math.max(0, at - 30);
  const before = `${from > 0 ? "…" : ""}${text.slice(from, at)}`;
  const after = `${text.slice(at, at + 30)}${at + 30 < text.length ? "…" : ""}`;
  return new ReparamError(`expression: ${problem} (character ${at + 1}: ${before}⟨here⟩${after}).`);
}

function tokensOf(text: string): Token[] {
  const pattern =
    /\s+|(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([\p{L}_][\p{L}\d_]*'*)|(\*\*|[-+*/^()−·×])/uy;
  const tokens: Token[] = [];
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) {
      throw expressionError(text, at, `"${text[at]}" does not belong in an expression`);
    }
    const [, number, name, sign] = match;
    const kind = number !== undefined ? "number" : name !== undefined ? "name" : "sign";
    const found = number ?? name ?? sign;
    if (number !== undefined && /e[+-]?\d{4}/i.test(number)) {
      throw expressionError(text, at, "this number is too large");
    }
    if (found !== undefined) tokens.push({ kind, text: aliases[found] ?? found, at });
  }
  tokens.push({ kind: "end", text: "", at: text.length });
  return tokens;
}
