// The symmetries of ẋ = A(t)x + b(t) that make its reduction: Su Jianlin, "Linear systems of differential
// equations: from known solutions to the general one" (Scientific Spaces, 2014-06-18); Olver, Applications of
// Lie Groups to Differential Equations, section 2.5. Each known solution x_i gives x → x + ε x_i, and
// linearity gives x → λ x.
import { ReparamError } from "../tensor/index.ts";
import { type Expression, productOf, sumOf, symbol } from "./expression.ts";
import { toExpression } from "./expression-form.ts";
import {
  constantOf,
  isZeroNormal,
  multiplyNormals,
  type Normal,
  oneNormal,
  powerNormal,
  zeroNormal,
} from "./expression-normal.ts";
import { toLatex, toText } from "./expression-print.ts";
import { rational } from "./expression-rational.ts";
import { toNormal } from "./expression-simplify.ts";
import { adjugate, applied, determinant, fromColumns } from "./symbolic-matrix.ts";
import { type NormalSystem, normalSystem, type SymbolicSystem } from "./symbolic-system.ts";

/** Something written in both ways. */
export interface Written {
  readonly text: string;
  readonly latex: string;
}

/** A one-parameter group that maps solutions to solutions. */
export interface Symmetry {
  readonly kind: "known solution" | "scaling" | "time translation";
  /** The finite transformation, such as x → x + ε x_1. */
  readonly transformation: Written;
  /** The vector field, a sum of ∂'s with coefficients. */
  readonly generator: Written;
  /** A function of (t, x) that the group moves by its parameter alone; absent for the scaling of several z. */
  readonly coordinate?: Written;
}

/** The symmetries of a system, and what they reduce it to. */
export interface Symmetries {
  readonly generators: readonly Symmetry[];
  /** z(t, x): n − k functions that no known solution moves. */
  readonly invariants: readonly Written[];
  /** ż = S(t)z: the system that is left, each row as written out. */
  readonly reduced: readonly Written[];
  /** S [n − k, n − k] */
  readonly reducedMatrix: readonly (readonly Expression[])[];
}

/**
 * Symmetries of the homogeneous part of a system with k < n known solutions, with canonical coordinates: in
 * x = X c + F z, F made of unit vectors, the group of x_i moves c_i by its parameter and leaves z alone, so that
 * z obeys a system of order n − k; for n − k = 1 its scaling makes log z a quadrature. `names` are those of the
 * components, x1 … xn by default. Throws as
 * `symbolicSolution` does.
 */
export function symmetries(
  system: SymbolicSystem,
  { names = defaultNames(system.A.length) }: { readonly names?: readonly string[] } = {},
): Symmetries {
  const read = normalSystem(system);
  const { domain, A, known } = read;
  const { variable } = domain;
  const n = A.length;
  const k = known.length;
  if (k >= n) {
    throw new ReparamError(
      `symmetries: ${k} known solutions of ${n} leave nothing to reduce. Give fewer.`,
    );
  }
  const F = complementOf(read);
  const joined = fromColumns([...known, ...F]);
  const volume = determinant(joined, variable);
  const inverse = powerNormal(volume, rational(-1), variable);
  const M = adjugate(joined, variable).map((row) =>
    row.map((e) => multiplyNormals(e, inverse, variable)),
  );
  // ċ and ż are M·A·F·z.
  const moved = F.map((f) => applied(M, applied(A, f, variable), variable));
  const S = F.map((_, i) => moved.map((column) => toExpression(column[k + i]!, variable)));
  const coordinates = M.map((row) => linear(row, names, variable));
  return {
    generators: [
      ...known.map((x, i) => translation(x, names, variable, coordinates[i]!)),
      scaling(n - k === 1 ? coordinates[k] : undefined, names),
      ...(A.flat().every((e) => constantOf(e) !== undefined) ? [timeTranslation(variable)] : []),
    ],
    invariants: coordinates.slice(k),
    reduced: S.map((row, i) => {
      const z = row.map((_, j) => symbol(`z${j + 1}`));
      const right = sumOf(...row.map((e, j) => productOf(e, z[j]!)));
      return {
        text: `z${i + 1}' = ${toText(right)}`,
        latex: `\\dot z_{${i + 1}} = ${toLatex(right)}`,
      };
    }),
    reducedMatrix: S,
  };
}

const defaultNames = (n: number): string[] =>
  n === 1 ? ["x"] : Array.from({ length: n }, (_, i) => `x${i + 1}`);

/** Unit vectors that complete the known solutions, the last axes where they do. */
function complementOf({ A, known, domain }: NormalSystem): Normal[][] {
  const n = A.length;
  const unit = (axis: number) => A.map((_, i) => (i === axis ? oneNormal : zeroNormal));
  for (const axes of choices(n - 1, n - known.length)) {
    const F = axes.map(unit);
    const volume = determinant(fromColumns([...known, ...F]), domain.variable);
    if (!isZeroNormal(volume, domain.variable)) return F;
  }
  throw new ReparamError("symmetries: the known solutions are not independent.");
}

/** Rising selections of `count` numbers up to `last`, large ones first. */
function choices(last: number, count: number): number[][] {
  if (count === 0) return [[]];
  if (last < count - 1) return [];
  const taken = choices(last - 1, count - 1).map((rest) => [...rest, last]);
  return [...taken, ...choices(last - 1, count)];
}

const written = (e: Expression): Written => ({ text: toText(e), latex: toLatex(e) });

/** A vector in one line; of one component, that alone. */
const listed = (entries: readonly string[]): string =>
  entries.length === 1 ? entries[0]! : `[${entries.join(", ")}]`;
const latexVector = (entries: readonly string[]): string =>
  entries.length === 1 ? entries[0]! : `\\begin{pmatrix} ${entries.join(" \\\\ ")} \\end{pmatrix}`;
const latexNames = (names: readonly string[]): string =>
  latexVector(names.map((name) => toLatex(symbol(name))));

/** Σ row·x */
function linear(row: readonly Normal[], names: readonly string[], variable: string): Written {
  const sum = row.map((e, j) => productOf(toExpression(e, variable), symbol(names[j]!)));
  return written(toExpression(toNormal(sumOf(...sum), variable), variable));
}

function translation(
  x: readonly Normal[],
  names: readonly string[],
  variable: string,
  coordinate: Written,
): Symmetry {
  const parts = x.flatMap((e, j) =>
    e.size === 0 ? [] : [{ e: toExpression(e, variable), name: names[j]! }],
  );
  const field = (operator: (name: string) => string, print: (e: Expression) => string) =>
    parts
      .map(({ e, name }) => {
        const text = print(e);
        if (text === "1") return operator(name);
        return /[ ]|^-/.test(text) ? `(${text}) ${operator(name)}` : `${text} ${operator(name)}`;
      })
      .join(" + ");
  const entries = x.map((e) => toExpression(e, variable));
  return {
    kind: "known solution",
    transformation: {
      text: `${listed(names)} -> ${listed(names)} + epsilon*${listed(entries.map(toText))}`,
      latex: `${latexNames(names)} \\to ${latexNames(names)} + \\varepsilon ${latexVector(entries.map(toLatex))}`,
    },
    generator: {
      text: field((name) => `d/d${name}`, toText),
      latex: field((name) => `\\partial_{${toLatex(symbol(name))}}`, toLatex),
    },
    coordinate,
  };
}

/** z is linear in x, so that scaling by λ adds log λ to log z. */
function scaling(z: Written | undefined, names: readonly string[]): Symmetry {
  const coordinate = z && { text: `log(${z.text})`, latex: `\\ln\\left(${z.latex}\\right)` };
  return {
    kind: "scaling",
    transformation: {
      text: `${listed(names)} -> lambda*${listed(names)}`,
      latex: `${latexNames(names)} \\to \\lambda ${latexNames(names)}`,
    },
    generator: {
      text: names.map((name) => `${name} d/d${name}`).join(" + "),
      latex: names
        .map((name) => `${toLatex(symbol(name))} \\partial_{${toLatex(symbol(name))}}`)
        .join(" + "),
    },
    ...(coordinate === undefined ? {} : { coordinate }),
  };
}

const timeTranslation = (variable: string): Symmetry => ({
  kind: "time translation",
  transformation: {
    text: `${variable} -> ${variable} + epsilon`,
    latex: `${variable} \\to ${variable} + \\varepsilon`,
  },
  generator: { text: `d/d${variable}`, latex: `\\partial_{${variable}}` },
  coordinate: { text: variable, latex: variable },
});
