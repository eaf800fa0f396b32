// Integrals of expressions: by an ansatz, then by a library, each answer held against quadrature; and left as
// integrals where neither is right.
import { integral } from "../numerics/index.ts";
import {
  callOf,
  type Expression,
  hasIntegral,
  integralOf,
  isNumber,
  negated,
  numeral,
  powerOf,
  productOf,
  sumOf,
  variablesOf,
} from "./expression.ts";
import { compileExpression, differentiate } from "./expression-evaluate.ts";
import { toExpression } from "./expression-form.ts";
import { addNormals, isZeroNormal, type Normal, subtractNormals } from "./expression-normal.ts";
import { parseExpression } from "./expression-parser.ts";
import { toText } from "./expression-print.ts";
import { rationalOfNumber } from "./expression-rational.ts";
import { normalDerivative, toNormal } from "./expression-simplify.ts";
import { integralByAnsatz } from "./symbolic-ansatz.ts";

/** The variable, and the interval in which expressions are looked at. */
export interface SymbolicDomain {
  readonly variable: string;
  readonly interval: readonly [start: number, end: number];
}

export interface SymbolicIntegral {
  /** An antiderivative; where part of it is left as an integral, that begins at the interval's start. */
  readonly expression: Expression;
  /** Whether no integral is left. */
  readonly elementary: boolean;
}

/**
 * ∫ e. Every closed form was compared with quadrature in the interval; logarithms are of what is positive
 * there. What is not found in closed form stays an integral.
 */
export async function integrateExpression(
  e: Expression,
  domain: SymbolicDomain,
): Promise<SymbolicIntegral> {
  const normal = await integrateNormal(toNormal(e, domain.variable), domain);
  const expression = toExpression(normal, domain.variable);
  return { expression, elementary: !hasIntegral(expression) };
}

/** The same for normal forms. Parts with different exponentials are independent, and are taken one by one. */
export async function integrateNormal(
  f: Normal,
  domain: SymbolicDomain,
  { library: asked = true }: { readonly library?: boolean } = {},
): Promise<Normal> {
  const { variable, interval } = domain;
  const whole = f.size > 0 ? closedForm(f, domain) : f;
  if (whole !== undefined) return whole;
  const groups = new Map<string, Normal>();
  for (const [key, term] of f) {
    const exponential = toText(toExpression(term.exponential, variable));
    groups.set(exponential, new Map([...(groups.get(exponential) ?? []), [key, term]]));
  }
  const parts: Normal[] = [];
  for (const group of groups.values()) {
    const found =
      (groups.size > 1 ? closedForm(group, domain) : undefined) ??
      (asked ? await libraryForm(group, domain) : undefined);
    const from = rationalOfNumber(interval[0]);
    const left = () =>
      toNormal(integralOf(toExpression(group, variable), variable, from), variable);
    parts.push(found ?? left());
  }
  return addNormals(...parts);
}

function closedForm(f: Normal, domain: SymbolicDomain): Normal | undefined {
  const { variable } = domain;
  const log = (u: Expression) => logarithmOf(u, domain);
  const found = integralByAnsatz(f, variable, log);
  return found !== undefined && isPrimitive(found, f, domain) ? found : undefined;
}

/** The sign that an expression has in the whole interval, or 0. */
export function signOf(e: Expression, { variable, interval }: SymbolicDomain): -1 | 0 | 1 {
  const value = compileExpression(e, variable);
  const signs = new Set(samplesOf(interval, 65).map((t) => Math.sign(value(t))));
  signs.delete(0);
  const [sign] = signs;
  return signs.size === 1 && (sign === 1 || sign === -1) ? sign : 0;
}

/** log|u|, written for the sign that u has. */
function logarithmOf(u: Expression, domain: SymbolicDomain): Expression {
  const sign = signOf(u, domain);
  return callOf("log", sign === 1 ? u : sign === -1 ? negated(u) : callOf("abs", u));
}

/** Times inside the interval, none at its ends or at a simple fraction of it. */
export const samplesOf = (
  [start, end]: readonly [number, number],
  count: number,
): readonly number[] =>
  Array.from({ length: count }, (_, i) => start + ((end - start) * (i + 0.4871)) / count);

/** Whether F′ = f at samples, and F grows as quadrature of f says. */
function isPrimitive(F: Normal, f: Normal, { variable, interval }: SymbolicDomain): boolean {
  const expression = toExpression(F, variable);
  const value = compileExpression(expression, variable);
  const integrand = compileExpression(toExpression(f, variable), variable);
  if (!isZeroNormal(subtractNormals(normalDerivative(F, variable), f), variable)) {
    const slope = compileExpression(differentiate(expression, variable), variable);
    const wrong = samplesOf(interval, 24).some((t) => {
      const [a, b] = [slope(t), integrand(t)];
      return Number.isFinite(b) && !(Math.abs(a - b) <= 1e-8 * (Math.abs(b) + 1e-6));
    });
    if (wrong) return false;
  }
  let agreed = 0;
  const times = samplesOf(interval, 6);
  for (const [i, from] of times.slice(0, -1).entries()) {
    const to = times[i + 1]!;
    const grown = value(to) - value(from);
    const size = Math.abs(value(to)) + Math.abs(value(from));
    try {
      const expected = integral((t) => [integrand(t)], from, to, {
        absolute: 1e-10,
        maxIntervals: 60,
      });
      if (!(Math.abs(grown - expected.value[0]!) <= 1e-7 * (Math.abs(expected.value[0]!) + size))) {
        return false;
      }
      agreed++;
    } catch {
      // The integrand is singular here: nothing to compare with.
    }
  }
  return agreed > 0;
}

interface Library {
  (expression: string): { toString(): string };
  set(setting: string, value: unknown): unknown;
}

let library: Promise<Library> | undefined;

/** The integral that nerdamer gives, if it is one. */
async function libraryForm(f: Normal, domain: SymbolicDomain): Promise<Normal | undefined> {
  const { variable } = domain;
  const e = toExpression(f, variable);
  if (hasIntegral(e) || variablesOf(e).size > 1) return undefined;
  library ??= import("nerdamer-prime").then((module) => {
    const loaded = module.default as unknown as Library;
    loaded.set("SILENCE_WARNINGS", true);
    return loaded;
  });
  const nerdamer = await library;
  try {
    // x is its usual name; e and i have a meaning there.
    const text = toText(renamed(e, variable, "x"));
    if (text.length > 200) return undefined;
    const answer = parseExpression(nerdamer(`integrate(${text}, x)`).toString(), ["x"]);
    const found = toNormal(signed(renamed(answer, "x", variable), domain), variable);
    return isPrimitive(found, f, domain) ? found : undefined;
  } catch {
    // What it cannot do it reports by errors, or by functions that are not elementary.
    return undefined;
  }
}

/** The same with another name for a variable. */
export function renamed(e: Expression, from: string, to: string): Expression {
  return mapped(e, (part) =>
    part.kind === "symbol" && part.name === from ? { kind: "symbol", name: to } : part,
  );
}

/** Logarithms of what is positive. */
const signed = (e: Expression, domain: SymbolicDomain): Expression =>
  mapped(e, (part) =>
    part.kind === "call" && part.name === "log" && !isNumber(part.argument)
      ? logarithmOf(part.argument, domain)
      : part,
  );

/** Every part of a tree replaced, from the leaves up. */
export function mapped(e: Expression, replace: (part: Expression) => Expression): Expression {
  const of = (part: Expression) => mapped(part, replace);
  switch (e.kind) {
    case "number":
    case "symbol":
      return replace(e);
    case "sum":
      return replace(sumOf(...e.terms.map(of)));
    case "product":
      return replace(productOf(...e.factors.map(of)));
    case "power":
      return replace(
        powerOf(of(e.base), isNumber(e.exponent) ? numeral(e.exponent.value) : of(e.exponent)),
      );
    case "call":
      return replace(callOf(e.name, of(e.argument)));
    case "integral":
      return replace(integralOf(of(e.integrand), e.variable, e.from));
  }
}
