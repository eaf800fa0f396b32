import { isFloat, ShapeError, type Tensor, tensorOf } from "../tensor/index.ts";
import { type Operand, Value } from "../trace/index.ts";

/** Numbers from low to high; whole ones if `integer`. */
export interface Interval {
  readonly low: Operand;
  readonly high: Operand;
  readonly integer?: boolean;
}

/**
 * Where the values of a distribution lie. "category" is an index 0 … K − 1, "oneHot" the same as a vector
 * of K with a single 1, "simplex" positive vectors that sum to 1, "logSimplex" their logarithms, "counts"
 * vectors of non-negative integers, "positiveDefinite" symmetric matrices.
 */
export type Support =
  | "real"
  | "positive"
  | "nonNegative"
  | "unitInterval"
  | "boolean"
  | "nonNegativeInteger"
  | "category"
  | "oneHot"
  | "simplex"
  | "logSimplex"
  | "counts"
  | "positiveDefinite"
  | Interval;

/** What a parameter may be; "logit" is a real number or −∞. */
export type Constraint =
  | "real"
  | "logit"
  | "positive"
  | "nonNegative"
  | "unitInterval"
  | "positiveInteger"
  | "nonNegativeInteger"
  | "simplex"
  | "positiveDefinite"
  | "positiveDiagonal";

const discreteSupports: ReadonlySet<Support> = new Set<Support>([
  "boolean",
  "category",
  "oneHot",
  "nonNegativeInteger",
  "counts",
]);

/** Whether the values are separate points, which have probabilities instead of densities. */
export const isDiscrete = (support: Support): boolean =>
  typeof support === "string" ? discreteSupports.has(support) : support.integer === true;

/**
 * The numbers of an operand where they are known while tracing: a number, a constant, or a constant that
 * is repeated. What enters the program as an input, or is computed in it, is not known.
 */
export function knownNumbers(x: Operand): Tensor | undefined {
  if (!(x instanceof Value)) return tensorOf([x], [], "float64");
  let value = x;
  while (["broadcast", "stopGradient"].includes(value.node.op.name)) {
    value = value.node.inputs[0] as Value;
  }
  if (value.node.op.name !== "constant") return undefined;
  return value.node.attributes.value as Tensor;
}

interface Rule {
  /** Completes "must be …". */
  readonly text: string;
  /** How many of the last axes the rule looks at together. */
  readonly axes: 0 | 1 | 2;
  /** The first thing that breaks the rule as text; `size` is that of the last axis. */
  readonly offence: (numbers: readonly number[], size: number) => string | undefined;
}

/** A rule of each number alone. */
const each = (text: string, allowed: (v: number) => boolean): Rule => ({
  text,
  axes: 0,
  offence: (numbers) => {
    const bad = numbers.find((v) => !allowed(v));
    return bad === undefined ? undefined : String(bad);
  },
});

/** A rule of the vectors of the last axis. */
const eachVector = (text: string, allowed: (row: readonly number[]) => boolean): Rule => ({
  text,
  axes: 1,
  offence: (numbers, size) => {
    for (let from = 0; from < numbers.length; from += size) {
      const row = numbers.slice(from, from + size);
      if (!allowed(row)) return shortened(row);
    }
    return undefined;
  },
});

/** A rule of the square matrices of the last two axes, row by row. */
const eachMatrix = (
  text: string,
  problem: (m: readonly number[], size: number) => string,
): Rule => ({
  text,
  axes: 2,
  offence: (numbers, size) => {
    for (let from = 0; from < numbers.length; from += size * size) {
      const found = problem(numbers.slice(from, from + size * size), size);
      if (found !== "") return found;
    }
    return undefined;
  },
});

const shortened = (row: readonly number[]): string =>
  `[${row.slice(0, 6).join(", ")}${row.length > 6 ? ", …" : ""}]`;

/** float32 rounding of a few thousand terms. */
const sumsToOne = (row: readonly number[]): boolean =>
  row.every((v) => v >= 0) && Math.abs(row.reduce((s, v) => s + v, 0) - 1) < 1e-4;

/** Why a matrix is not symmetric positive definite, by Cholesky's algorithm; "" if it is. */
function indefiniteness(matrix: readonly number[], n: number): string {
  const at = (i: number, j: number): number => matrix[i * n + j] as number;
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const scale = Math.abs(at(i, j)) + Math.abs(at(j, i));
      if (!(Math.abs(at(i, j) - at(j, i)) <= 1e-5 * scale)) {
        return `${at(i, j)} at (${i}, ${j}) and ${at(j, i)} at (${j}, ${i})`;
      }
      let rest = at(i, j);
      for (let k = 0; k < j; k++) {
        rest -= (factor[i * n + k] as number) * (factor[j * n + k] as number);
      }
      if (i !== j) factor[i * n + j] = rest / (factor[j * n + j] as number);
      // what rounding leaves of a pivot that is 0
      else if (rest > 1e-14 * at(i, i)) factor[i * n + i] = Math.sqrt(rest);
      else return `a singular or indefinite matrix (pivot ${i} is ${rest})`;
    }
  }
  return "";
}

const positiveDiagonal = (matrix: readonly number[], n: number): string => {
  const diagonal = Array.from({ length: n }, (_, i) => matrix[i * n + i] as number);
  return diagonal.every((v) => v > 0) ? "" : `the diagonal ${shortened(diagonal)}`;
};

const isCount = (v: number): boolean => Number.isInteger(v) && v >= 0;

/** Rules for parameters. */
const constraints: { readonly [C in Constraint]: Rule } = {
  real: each("finite", Number.isFinite),
  logit: each("a number or −∞", (v) => v < Number.POSITIVE_INFINITY),
  positive: each("above 0", (v) => v > 0 && v < Number.POSITIVE_INFINITY),
  nonNegative: each("at least 0", (v) => v >= 0 && v < Number.POSITIVE_INFINITY),
  unitInterval: each("from 0 to 1", (v) => v >= 0 && v <= 1),
  positiveInteger: each("a whole number above 0", (v) => Number.isInteger(v) && v > 0),
  nonNegativeInteger: each("a whole number of at least 0", isCount),
  simplex: eachVector("at least 0 with the sum 1 over the last axis", sumsToOne),
  positiveDefinite: eachMatrix("symmetric and positive definite", indefiniteness),
  positiveDiagonal: eachMatrix("a matrix with a diagonal above 0", positiveDiagonal),
};

/**
 * Rules for values. Ends belong to every support, where densities have their limits; between 0 and 1
 * "boolean" and "oneHot" take all weights, which gives cross-entropies.
 */
const supports: { readonly [S in Support & string]: Rule } = {
  real: each("a number", (v) => !Number.isNaN(v)),
  positive: each("at least 0", (v) => v >= 0),
  nonNegative: each("at least 0", (v) => v >= 0),
  unitInterval: constraints.unitInterval,
  boolean: constraints.unitInterval,
  nonNegativeInteger: constraints.nonNegativeInteger,
  category: constraints.nonNegativeInteger,
  oneHot: constraints.simplex,
  simplex: constraints.simplex,
  logSimplex: eachVector("logarithms of weights with the sum 1 over the last axis", (row) =>
    sumsToOne(row.map(Math.exp)),
  ),
  counts: constraints.nonNegativeInteger,
  positiveDefinite: constraints.positiveDefinite,
};

function intervalRule({ low, high, integer = false }: Interval): Rule | undefined {
  const ends = [knownNumbers(low), knownNumbers(high)].map((end) =>
    end?.data.length === 1 ? Number(end.data[0]) : undefined,
  );
  const [from, to] = ends;
  if (from === undefined || to === undefined) return undefined;
  return each(
    `${integer ? "a whole number " : ""}from ${from} to ${to}`,
    (v) => v >= from && v <= to && (!integer || Number.isInteger(v)),
  );
}

/** The first offence among the numbers that are known, as the end of a sentence. */
function offenceOf({ text, axes, offence }: Rule, x: Operand): string | undefined {
  const known = knownNumbers(x);
  if (known === undefined) return undefined;
  const last = known.shape.slice(known.shape.length - axes);
  const shape = x instanceof Value ? x.shape : [];
  // a vector or matrix that is made by repeating its elements is let through
  if (last.length < axes || !last.every((size, i) => size === shape.at(i - axes))) return undefined;
  const numbers = Array.from(known.data as ArrayLike<number | bigint>, Number);
  const found = offence(numbers, known.shape.at(-1) ?? 1);
  return found === undefined ? undefined : `must be ${text}, got ${found}.`;
}

/**
 * Checks a parameter where its numbers are known while tracing; of an input or a computed value only the
 * dtype is.
 * @throws ShapeError that names the parameter and what was wanted.
 */
export function checkParameter(
  distribution: string,
  parameter: string,
  x: Operand,
  constraint: Constraint,
): void {
  if (x instanceof Value && !isFloat(x.dtype)) {
    throw new ShapeError(
      distribution,
      `${parameter} must be floating-point, got ${x}. Use cast(x, "float32").`,
    );
  }
  const offence = offenceOf(constraints[constraint], x);
  if (offence !== undefined) throw new ShapeError(distribution, `${parameter} ${offence}`);
}

/** Checks a value where its numbers are known while tracing. @throws ShapeError outside of the support. */
export function checkInside(what: string, support: Support, value: Value): void {
  const rule = typeof support === "string" ? supports[support] : intervalRule(support);
  const offence = rule && offenceOf(rule, value);
  if (offence === undefined) return;
  throw new ShapeError(what, `the value ${offence} It lies outside of the support.`);
}

export const checkProbability = (what: string, probability: Value): void =>
  checkParameter(what, "the probability", probability, "unitInterval");
