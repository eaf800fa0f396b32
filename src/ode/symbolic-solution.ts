// General solutions of linear systems and scalar equations as expressions.
import { ReparamError } from "../tensor/index.ts";
import { type Expression, hasIntegral, productOf, sumOf, symbol } from "./expression.ts";
import { toExpression } from "./expression-form.ts";
import { type Normal, zeroNormal } from "./expression-normal.ts";
import { toLatex, toText } from "./expression-print.ts";
import { constantSolutions } from "./symbolic-constant.ts";
import { lastSolution, liouville, particularSolution, tidied } from "./symbolic-reduction.ts";
import {
  companionSystem,
  type NormalSystem,
  normalSystem,
  type SymbolicEquation,
  type SymbolicSystem,
  type Verification,
  verified,
} from "./symbolic-system.ts";

/** How the solutions beyond the known ones were found. */
export type SymbolicMethod = "known" | "reduction" | "constant coefficients";

/** x = Σ constants·columns + particular, as expressions. */
export interface SymbolicSolution {
  /** n */
  readonly size: number;
  readonly variable: string;
  readonly method: SymbolicMethod;
  /** n independent solutions of ẋ = A x, n components each: the known ones, then new ones. */
  readonly columns: readonly (readonly Expression[])[];
  /** A solution of ẋ = A x + b; zeros without b. */
  readonly particular: readonly Expression[];
  /** exp ∫tr A, which the determinant of the columns is up to a constant. */
  readonly wronskian: Expression;
  /** Whether no integral is left. */
  readonly elementary: boolean;
  /** "symbolic" if all of it, put into the system, left exactly 0; "numeric" if part of it did so in numbers. */
  readonly verification: Verification;
  /** One line: the vector x with constants C₁ … C_n. */
  readonly text: string;
  readonly latex: string;
}

/**
 * The general solution of ẋ = A(t)x + b(t), n up to 6, from n − 1 known solutions (n − 1 = 0 for n = 1), from
 * all n, or from none if A is constant and its eigenvalues are fractions or roots of quadratics. Everything is
 * verified by substitution; integrals that are not elementary, or not found, are left. Throws where the system
 * or a known solution is wrong, and where more solutions are needed.
 */
export async function symbolicSolution(system: SymbolicSystem): Promise<SymbolicSolution> {
  return solved(normalSystem(system), vectorText);
}

/** The same for a scalar equation of order n, by its companion system; vectors are [y, ẏ, …, y^(n−1)]. */
export async function symbolicScalarSolution(
  equation: SymbolicEquation,
): Promise<SymbolicSolution> {
  return solved(companionSystem(equation), scalarText);
}

/** The general solution written out. */
type Writer = (
  columns: readonly (readonly Expression[])[],
  particular: readonly Expression[] | undefined,
) => { readonly text: string; readonly latex: string };

const constantName = (i: number): string => `C${i + 1}`;

const vectorText: Writer = (columns, particular) => {
  const extra = particular === undefined ? [] : [particular];
  const plain = (x: readonly Expression[]) => `[${x.map(toText).join(", ")}]`;
  const column = (x: readonly Expression[]) =>
    `\\begin{pmatrix} ${x.map(toLatex).join(" \\\\ ")} \\end{pmatrix}`;
  return {
    text: [...columns.map((x, i) => `${constantName(i)}*${plain(x)}`), ...extra.map(plain)].join(
      " + ",
    ),
    latex: [...columns.map((x, i) => `C_{${i + 1}} ${column(x)}`), ...extra.map(column)].join(
      " + ",
    ),
  };
};

const scalarText: Writer = (columns, particular) => {
  const terms = columns.map(([y], i) => productOf(symbol(constantName(i)), y!));
  const y = sumOf(...terms, ...(particular === undefined ? [] : [particular[0]!]));
  return { text: toText(y), latex: toLatex(y) };
};

async function solved(system: NormalSystem, write: Writer): Promise<SymbolicSolution> {
  const { domain, A, b, forced } = system;
  const { variable } = domain;
  const w = await liouville(system);
  const { method, columns } = await fundamental(system, w);
  const particular = forced ? await particularSolution(system, columns) : A.map(() => zeroNormal);
  const verifications = [
    ...system.verification,
    ...columns.slice(system.known.length).map((x) => verified(A, x, domain, "what was found")),
    ...(forced ? [verified(A, particular, domain, "the particular solution found", b)] : []),
  ];
  const read = (x: readonly Normal[]) => x.map((e) => toExpression(e, variable));
  const all = columns.map(read);
  const special = read(particular);
  return {
    size: A.length,
    variable,
    method,
    columns: all,
    particular: special,
    wronskian: toExpression(w, variable),
    elementary: ![...all.flat(), ...special].some(hasIntegral),
    verification: verifications.includes("numeric") ? "numeric" : "symbolic",
    ...write(all, forced ? special : undefined),
  };
}

async function fundamental(
  system: NormalSystem,
  w: Normal,
): Promise<{ readonly method: SymbolicMethod; readonly columns: readonly (readonly Normal[])[] }> {
  const { A, known, domain } = system;
  const n = A.length;
  if (known.length === n) return { method: "known", columns: known };
  if (known.length === n - 1) {
    return { method: "reduction", columns: [...known, await lastSolution(system, known, w)] };
  }
  const columns = known.length === 0 ? constantSolutions(A, domain.variable) : undefined;
  if (columns?.length === n) {
    return { method: "constant coefficients", columns: columns.map(tidied) };
  }
  throw new ReparamError(
    `symbolicSolution: of a system of ${n} like this one, ${n - 1} independent solution${n === 2 ? "" : "s"} must be known, got ${known.length}. Give more, or solve it numerically with generalSolution.`,
  );
}
