// What `reparam ode` is asked: equations, known solutions and conditions, from a file and from flags.
import { z } from "zod";
import {
  compileExpression,
  type Expression,
  functionNames,
  isZero,
  linearForm,
  parseExpression,
} from "../ode/index.ts";
import { ReparamError } from "../tensor/index.ts";

/** Everything that a file may say; flags say the same. */
const problemFile = z.strictObject({
  equations: z.array(z.string()).min(1),
  known: z.array(z.union([z.string(), z.array(z.string())])).default([]),
  variable: z.string().optional(),
  interval: z.tuple([z.number(), z.number()]).optional(),
  initial: z.array(z.number()).optional(),
  boundary: z.array(z.string()).default([]),
  tolerance: z.number().positive().optional(),
});

export type ProblemText = z.infer<typeof problemFile>;

/** unknown^(derivative)(at) = value; `index` is the component of x. */
export interface Condition {
  readonly at: number;
  readonly index: number;
  readonly value: number;
}

/** A linear system, or an equation of order n as its companion system. */
export interface Problem {
  readonly equations: readonly string[];
  readonly variable: string;
  /** The components of x: [y, y', …] of an equation, [x, y, …] of a system. */
  readonly components: readonly string[];
  /** Of an equation: [a_0, …, a_n] and f. */
  readonly scalar?: { readonly coefficients: readonly Expression[]; readonly forcing: Expression };
  /** Of a system: A and b. */
  readonly system?: {
    readonly A: readonly (readonly Expression[])[];
    readonly b: readonly Expression[];
  };
  /** Whether there is an inhomogeneity. */
  readonly forced: boolean;
  /** One expression each for an equation, n each for a system. */
  readonly known: readonly (readonly string[])[];
  readonly interval: readonly [start: number, end: number];
  readonly conditions: readonly Condition[];
  readonly tolerance: number;
}

const lineKeys = ["variable", "known", "interval", "initial", "boundary", "tolerance"] as const;

/** A file's text: a JSON object, or lines of equations and of `key: value`. */
export function readProblem(text: string, path: string): ProblemText {
  const json = text.trimStart().startsWith("{");
  const parsed = problemFile.safeParse(json ? parseJson(text, path) : parseLines(text, path));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ReparamError(
    `${path}: ${issue!.path.join(".") || "the file"}: ${issue!.message}. See reparam ode --help for the format.`,
  );
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReparamError(`${path} is not JSON: ${(error as Error).message}`);
  }
}

function parseLines(text: string, path: string): Record<string, unknown> {
  const result: Record<string, unknown> & {
    equations: string[];
    known: string[];
    boundary: string[];
  } = { equations: [], known: [], boundary: [] };
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/#.*$/, "").trim();
    if (line === "") continue;
    const [, key, value = ""] = /^([A-Za-z]+)\s*:\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) {
      if (!line.includes("=")) {
        throw new ReparamError(
          `${path}, line ${i + 1}: "${line}" is no equation and no "key: value".`,
        );
      }
      result.equations.push(line);
    } else if (key === "known" || key === "boundary") result[key].push(value);
    else if (key === "interval" || key === "initial") result[key] = numbers(value, key);
    else if (key === "tolerance") result[key] = numbers(value, key)[0];
    else if (key === "variable") result[key] = value;
    else {
      throw new ReparamError(
        `${path}, line ${i + 1}: there is no "${key}". Known are ${lineKeys.join(", ")}.`,
      );
    }
  }
  return result;
}

/** "0, pi/2" as numbers. */
export function numbers(text: string, name: string): number[] {
  return text.split(",").map((part) => {
    const value = compileExpression(parseExpression(part, []), "t")(0);
    if (Number.isFinite(value)) return value;
    throw new ReparamError(`${name}: "${part.trim()}" is not a finite number.`);
  });
}

/** Reads the equations, and everything else in terms of them. */
export function makeProblem(text: ProblemText): Problem {
  const { equations } = text;
  const primed = new Map<string, number>();
  for (const [, name, primes] of equations.join(" ; ").matchAll(/([\p{L}_][\p{L}\d_]*)('+)/gu)) {
    primed.set(name!, Math.max(primed.get(name!) ?? 0, primes!.length));
  }
  const unknowns = [...primed.keys()];
  if (unknowns.length === 0) {
    throw new ReparamError(
      `"${equations[0]}" has no derivative. Write it with primes, for example y'' + y = 0.`,
    );
  }
  if (unknowns.length !== equations.length) {
    throw new ReparamError(
      `${equations.length} equations for ${unknowns.length} unknowns (${unknowns.join(", ")}). Give one each.`,
    );
  }
  const variable = text.variable ?? variableIn(equations, unknowns);
  const [only = ""] = unknowns;
  const shape: Pick<Problem, "components" | "scalar" | "system"> =
    unknowns.length === 1
      ? scalarShape(equations[0]!, only, primed.get(only)!, variable)
      : systemShape(equations, unknowns, primed, variable);
  const { components } = shape;
  const known = text.known.map((solution) =>
    typeof solution === "string" ? solution.split(",") : solution,
  );
  const size = shape.scalar === undefined ? components.length : 1;
  for (const solution of known) {
    if (solution.length === size) continue;
    throw new ReparamError(
      `known "${solution.join(", ")}" has ${solution.length} components, ${size} are wanted${size === 1 ? "" : `: ${components.join(", ")}`}.`,
    );
  }
  const right = shape.scalar === undefined ? (shape.system?.b ?? []) : [shape.scalar.forcing];
  const forced = right.some((e) => !isZero(e, variable));
  return { equations, variable, known, forced, ...shape, ...conditionsOf(text, components) };
}

/** The one name that is neither an unknown nor a function. */
function variableIn(equations: readonly string[], unknowns: readonly string[]): string {
  const taken = new Set([...unknowns, ...functionNames, "ln", "pi", "π", "e"]);
  const names = [...equations.join(" ; ").matchAll(/[\p{L}_][\p{L}\d_]*/gu)].map(([name]) => name);
  const free = [...new Set(names)].filter(
    (name) => !taken.has(name) && !/^arc(sin|cos|tan)$/.test(name),
  );
  if (free.length <= 1) return free[0] ?? "t";
  throw new ReparamError(
    `the equations hold ${free.join(", ")} beside the unknowns. Put numbers in place of all but the variable, or name it with --variable.`,
  );
}

function sides(equation: string, symbols: readonly string[]): Expression {
  const [left, right, ...more] = equation.split("=");
  if (right === undefined || more.length > 0) {
    throw new ReparamError(`"${equation}" must have one "=", for example y'' + y = 0.`);
  }
  const [a, b] = [parseExpression(left!, symbols), parseExpression(right, symbols)];
  return { kind: "sum", terms: [a, { kind: "product", factors: [parseExpression("-1", []), b] }] };
}

const minus = (e: Expression): Expression => ({
  kind: "product",
  factors: [parseExpression("-1", []), e],
});

function scalarShape(equation: string, name: string, order: number, variable: string) {
  const symbols = Array.from({ length: order + 1 }, (_, i) => `${name}${"'".repeat(i)}`);
  const { coefficients, rest } = linearForm(
    sides(equation, [variable, ...symbols]),
    symbols,
    variable,
  );
  return { components: symbols.slice(0, order), scalar: { coefficients, forcing: minus(rest) } };
}

function systemShape(
  equations: readonly string[],
  unknowns: readonly string[],
  primed: ReadonlyMap<string, number>,
  variable: string,
) {
  const high = unknowns.find((name) => primed.get(name)! > 1);
  if (high !== undefined) {
    throw new ReparamError(
      `a system must be of first order, but ${high}'' occurs. Make ${high}' an unknown of its own.`,
    );
  }
  const slopes = unknowns.map((name) => `${name}'`);
  const rows = new Map<string, { A: Expression[]; b: Expression }>();
  for (const equation of equations) {
    const own = slopes.filter((slope) => equation.includes(slope));
    const names = [...unknowns, ...slopes];
    const form = linearForm(sides(equation, [variable, ...names]), names, variable);
    const [slope] = own;
    if (own.length !== 1 || rows.has(slope!)) {
      throw new ReparamError(
        `"${equation}": each equation must hold the derivative of one unknown, and each of another.`,
      );
    }
    const leading = form.coefficients[unknowns.length + slopes.indexOf(slope!)]!;
    const solve = (e: Expression): Expression => ({
      kind: "product",
      factors: [minus(e), { kind: "power", base: leading, exponent: parseExpression("-1", []) }],
    });
    const A = form.coefficients.slice(0, unknowns.length).map(solve);
    rows.set(slope!, { A, b: solve(form.rest) });
  }
  const ordered = slopes.map((slope) => rows.get(slope)!);
  return {
    components: unknowns,
    system: { A: ordered.map(({ A }) => A), b: ordered.map(({ b }) => b) },
  };
}

function conditionsOf(text: ProblemText, components: readonly string[]) {
  const { initial, boundary, tolerance = 1e-10 } = text;
  const n = components.length;
  if (initial !== undefined && boundary.length > 0) {
    throw new ReparamError("give initial values or boundary values, not both.");
  }
  const parsed = boundary.map((condition) => readCondition(condition, components));
  const times = parsed.map(({ at }) => at);
  const spread = Math.max(...times) > Math.min(...times);
  const interval: readonly [number, number] =
    text.interval ?? (spread ? [Math.min(...times), Math.max(...times)] : [0, 10]);
  if (!(interval[0] < interval[1])) {
    throw new ReparamError(`the interval must rise, got ${interval[0]} to ${interval[1]}.`);
  }
  const outside = parsed.find(({ at }) => at < interval[0] || at > interval[1]);
  if (outside !== undefined) {
    throw new ReparamError(
      `a condition is at ${outside.at}, outside of the interval from ${interval[0]} to ${interval[1]}.`,
    );
  }
  const conditions =
    initial === undefined
      ? parsed
      : initial.map((value, index) => ({ at: interval[0], index, value }));
  if (conditions.length !== 0 && conditions.length !== n) {
    throw new ReparamError(
      `${n} conditions are needed, one for each of ${components.join(", ")}; got ${conditions.length}.`,
    );
  }
  return { interval, conditions, tolerance };
}

/** "y'(2) = 1" */
function readCondition(text: string, components: readonly string[]): Condition {
  const [, name = "", at = "", value = ""] =
    /^\s*([\p{L}_][\p{L}\d_]*'*)\s*\(([^=]*)\)\s*=(.*)$/u.exec(text) ?? [];
  const index = components.indexOf(name);
  if (index < 0) {
    throw new ReparamError(
      `boundary "${text}": write one of ${components.join(", ")} at a time, for example ${components[0]}(1) = 2.`,
    );
  }
  return { index, at: numbers(at, "boundary")[0]!, value: numbers(value, "boundary")[0]! };
}
