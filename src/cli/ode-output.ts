// A solved problem as text, curves and numbers.
import { extname } from "node:path";
import { linePlot, type Series, svgToPng } from "../report/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Problem } from "./ode-problem.ts";
import type { Solved } from "./ode-solve.ts";

/** A table of the solution, or of the basis: the variable first. */
export interface Samples {
  readonly names: readonly string[];
  readonly rows: readonly (readonly number[])[];
}

/** Values at `count` equally spaced times; where one is not defined it is NaN. */
export function sampleSolution(problem: Problem, solved: Solved, count: number): Samples {
  const { interval, variable, components } = problem;
  const times = Array.from({ length: count }, (_, i) =>
    i === count - 1 ? interval[1] : interval[0] + ((interval[1] - interval[0]) * i) / (count - 1),
  );
  const parts = partsOf(problem, solved);
  const values = parts.map(({ value }) => times.map(value));
  return {
    names: [
      variable,
      ...parts.flatMap(({ name }) => components.map((component) => `${component}${name}`)),
    ],
    rows: times.map((t, i) => [t, ...values.flatMap((series) => series[i]!)]),
  };
}

/** The vectors that are shown: one solution, or each of the basis and the particular one. */
function partsOf({ components, forced }: Problem, { solution, basis, particular }: Solved) {
  if (solution !== undefined) return [{ name: "", value: solution }];
  const columns = components.map((_, j) => ({
    name: `_${j + 1}`,
    value: (t: number) => basis!(t)[j]!,
  }));
  return forced ? [...columns, { name: "_p", value: particular! }] : columns;
}

/** Comma-separated values; what is not defined is empty. */
export const samplesToCsv = ({ names, rows }: Samples): string =>
  `${names.join(",")}\n${rows
    .map((row) => row.map((x) => (Number.isFinite(x) ? String(x) : "")).join(","))
    .join("\n")}\n`;

/** Checks that a picture can be written under this name. */
export function checkPicture(path: string | undefined, flag: string): void {
  if (path === undefined || [".svg", ".png"].includes(extname(path).toLowerCase())) return;
  throw new ReparamError(`${flag} ${path}: name a file that ends in .svg or .png.`);
}

/** SVG text, or PNG bytes, by the ending of the name. */
export async function picture(svg: string, path: string): Promise<string | Uint8Array> {
  return extname(path).toLowerCase() === ".png" ? svgToPng(svg) : svg;
}

/** Every component against the variable; of an equation only y, not its derivatives. */
export function timePlot(problem: Problem, { names, rows }: Samples): string {
  const { variable, components, scalar, equations } = problem;
  const shown = names
    .map((name, column) => ({ name, column }))
    .slice(1)
    .filter(({ column }) => scalar === undefined || (column - 1) % components.length === 0);
  const series = shown.map(
    ({ name, column }): Series => ({
      name,
      x: rows.map((row) => row[0]!),
      y: rows.map((row) => row[column]!),
    }),
  );
  return linePlot({
    title: equations.join(", "),
    x: { label: variable },
    y: { label: series.length === 1 ? shown[0]!.name : "" },
    series,
  });
}

/** What the ending of a column's name says: "_1" of a basis, "_p" of the particular solution. */
const solutionName = (ending: string): string =>
  ending === "_p" ? "particular" : `solution ${ending.slice(1)}`.trimEnd();

/** The first two components against each other: (y, y') of an equation. */
export function phasePlot(problem: Problem, { names, rows }: Samples): string {
  const { components, equations } = problem;
  const n = components.length;
  const series: Series[] = [];
  for (let column = 1; column < names.length; column += n) {
    series.push({
      name: solutionName(names[column]!.slice(components[0]!.length)),
      x: rows.map((row) => row[column]!),
      y: rows.map((row) => row[column + 1]!),
    });
  }
  return linePlot({
    title: equations.join(", "),
    width: 560,
    height: 480,
    x: { label: components[0]!, ...widened(series.flatMap(({ x }) => x)) },
    y: { label: components[1]!, ...widened(series.flatMap(({ y }) => y)) },
    series,
  });
}

/** A little more than the range of the values, so that no curve runs along the frame. */
function widened(values: readonly number[]): { readonly domain?: readonly [number, number] } {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const margin = 0.04 * (high - low);
  return margin > 0 ? { domain: [low - margin, high + margin] } : {};
}
