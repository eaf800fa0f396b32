// What `reparam ode` says about a solved problem.
import { type Symmetries, toLatex, toText } from "../ode/index.ts";
import type { Problem } from "./ode-problem.ts";
import type { Solved } from "./ode-solve.ts";
import type { Figures } from "./verb.ts";

/** A number with at most so many digits. */
const short = (value: number, digits = 6): string => String(Number(value.toPrecision(digits)));

/** The lines of text, and the same as figures. */
export function makeReport(
  problem: Problem,
  solved: Solved,
  symmetries: Symmetries | undefined,
): { readonly lines: string[]; readonly figures: Figures } {
  const { equations, variable, components, interval } = problem;
  const { symbolic, numeric, reason, constants, solution, method } = solved;
  const end = solution?.(interval[1]);
  const lines = [
    ...equations,
    `${variable} from ${short(interval[0])} to ${short(interval[1])}`,
    "",
    ...(symbolic === undefined ? numericLines(solved) : symbolicLines(problem, symbolic)),
  ];
  if (constants !== undefined && symbolic !== undefined) {
    lines.push(`conditions   ${constants.map((c, i) => `C${i + 1} = ${short(c, 8)}`).join(", ")}`);
  }
  const basis = symbolic === undefined ? solved.basis?.(interval[1]) : undefined;
  for (const [j, column] of (basis ?? []).entries()) {
    const values = components.map((name, i) => `${name} = ${short(column[i]!, 10)}`);
    lines.push(`basis ${j + 1}, at the end: ${values.join(", ")}`);
  }
  if (end !== undefined) {
    const values = components.map((name, i) => `${name} = ${short(end[i]!, 10)}`);
    lines.push(`at the end   ${values.join(", ")}`);
  }
  if (symmetries !== undefined) lines.push("", ...symmetryLines(symmetries));
  const figures = {
    ...{ equations, variable, components, interval, method },
    ...(reason === undefined ? {} : { notSymbolic: reason }),
    ...(symbolic === undefined ? {} : { symbolic: symbolicFigures(symbolic) }),
    ...(numeric === undefined ? {} : { numeric }),
    ...(constants === undefined ? {} : { constants }),
    ...(end === undefined ? {} : { end }),
    ...(basis === undefined ? {} : { basisAtEnd: basis }),
    ...(symmetries === undefined ? {} : { symmetries: symmetryFigures(symmetries) }),
  };
  return { lines, figures };
}

type Symbolic = NonNullable<Solved["symbolic"]>;

function symbolicLines({ components, scalar }: Problem, symbolic: Symbolic): string[] {
  const { text, latex, method, elementary, verification, wronskian } = symbolic;
  const name = scalar === undefined ? `(${components.join(", ")})` : components[0]!;
  const checked = verification === "symbolic" ? "exactly" : "to rounding";
  return [
    `solution     ${name} = ${text}`,
    `LaTeX        ${latex}`,
    `Wronskian    ${toText(wronskian)}, up to a constant`,
    `found by     ${method}; put into the equation it fits ${checked}${elementary ? "" : "; some integrals are left"}`,
  ];
}

function numericLines({ reason, numeric, method }: Solved): string[] {
  const figures = Object.entries(numeric ?? {}).map(
    ([name, value]) => `${name.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)} ${short(value, 3)}`,
  );
  return [
    `solution     numeric, method ${method}${figures.length === 0 ? "" : `: ${figures.join(", ")}`}`,
    ...(reason === undefined ? [] : [`not symbolic: ${reason.replace(/^\w+: /, "")}`]),
  ];
}

function symbolicFigures(symbolic: Symbolic): Figures {
  const { text, latex, method, elementary, verification, wronskian, columns, particular } =
    symbolic;
  return {
    ...{ text, latex, method, elementary, verification },
    columns: columns.map((x) => x.map(toText)),
    particular: particular.map(toText),
    wronskian: { text: toText(wronskian), latex: toLatex(wronskian) },
  };
}

function symmetryLines({ generators, invariants, reduced }: Symmetries): string[] {
  return [
    "symmetries of the homogeneous part",
    ...generators.map(
      ({ kind, generator, coordinate }) =>
        `  ${kind}: ${generator.text}${coordinate === undefined ? "" : `, moves ${coordinate.text}`}`,
    ),
    ...invariants.map(({ text }, i) => `  z${i + 1} = ${text}`),
    ...reduced.map(({ text }) => `  ${text}`),
  ];
}

const symmetryFigures = ({ generators, invariants, reduced }: Symmetries): Figures => ({
  generators,
  invariants,
  reduced,
});
