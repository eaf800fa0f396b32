// Milliseconds of the integrators beside those of odex and SciPy, and the errors that they bought.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import {
  columnOf,
  dop853,
  generalSolution,
  hillSystem,
  integrate,
  integrateStiff,
} from "reparam/ode";
import { exactPropagator, relativeError } from "./precision.ts";

/** What of odex is used: its own types are its source, which our compiler options refuse. */
interface Odex {
  readonly Solver: new (
    dimension: number,
  ) => {
    relativeTolerance: number;
    absoluteTolerance: number;
    solve(
      f: (t: number, y: number[]) => number[],
      from: number,
      y0: number[],
      to: number,
    ): { readonly y: number[] };
  };
}

const odex = createRequire(import.meta.url)("odex") as Odex;

/** Milliseconds of the fastest call within about two seconds, and the error of what came out. */
export interface Measured {
  readonly milliseconds: number;
  readonly error: number;
}

export interface TimingRow {
  readonly name: string;
  readonly reparam: Measured;
  readonly scipy?: Measured;
  readonly odex?: Measured;
}

function fastest(run: () => ArrayLike<number>, exact: Float64Array): Measured {
  let least = Number.POSITIVE_INFINITY;
  let got: ArrayLike<number> = [];
  for (const end = performance.now() + 2000; performance.now() < end; ) {
    const start = performance.now();
    got = run();
    least = Math.min(least, performance.now() - start);
  }
  return { milliseconds: least, error: relativeError(got, exact) };
}

const start = [0.6, 0, 0, Math.sqrt(7 / 3)];
const kepler = (_t: number, y: ArrayLike<number>) => {
  const cube = (y[0]! * y[0]! + y[1]! * y[1]!) ** 1.5;
  return [y[2]!, y[3]!, -y[0]! / cube, -y[1]! / cube];
};
const pol = (_t: number, y: ArrayLike<number>) => [y[1]!, 1000 * (1 - y[0]! ** 2) * y[1]! - y[0]!];
const q = (t: number) => -hillSystem.A(t)[2]!;
const hill = (t: number, y: ArrayLike<number>) => [y[1]!, -q(t) * y[0]!, y[3]!, -q(t) * y[2]!];

/** The planet at t, by Kepler's equation: half axis 1, eccentricity 0.4. */
function planet(t: number): Float64Array {
  const e = 0.4;
  let E = t;
  for (let i = 0; i < 50; i++) E -= (E - e * Math.sin(E) - t) / (1 - e * Math.cos(E));
  const [c, s, b] = [Math.cos(E), Math.sin(E), Math.sqrt(1 - e * e)];
  const rate = 1 / (1 - e * c);
  return Float64Array.of(c - e, b * s, -s * rate, b * c * rate);
}

const scipy = `
import time, numpy as np
from math import sin, cos
from scipy.integrate import solve_ivp
def best(f, y0, to, method, rtol, atol):
    spent, end = [], time.perf_counter() + 2
    while time.perf_counter() < end:
        start = time.perf_counter()
        y = solve_ivp(f, (0, to), y0, method, rtol=rtol, atol=atol).y[:, -1]
        spent.append(time.perf_counter() - start)
    print(1000 * min(spent), *y)
def kepler(t, y):
    r = (y[0] * y[0] + y[1] * y[1]) ** 1.5
    return [y[2], y[3], -y[0] / r, -y[1] / r]
def pol(t, y): return [y[1], 1000 * (1 - y[0] ** 2) * y[1] - y[0]]
def hill(t, y):
    a, b, c = 1 + 0.5 * cos(2 * t), -sin(2 * t), -2 * cos(2 * t)
    q = a * a - 0.75 * (b / a) ** 2 + 0.5 * c / a
    return [y[1], -q * y[0], y[3], -q * y[2]]
best(kepler, [0.6, 0, 0, (7 / 3) ** 0.5], 60, "DOP853", 1e-9, 1e-9)
best(pol, [2, 0], 2000, "Radau", 1e-6, 1e-9)
best(hill, [1, 0, 0, 1], 4 * np.pi, "DOP853", 1e-11, 1e-14)
`;

/** Milliseconds and end states of SciPy, one list a problem; none where there is no SciPy. */
function scipyRuns(): readonly number[][] {
  try {
    const text = execFileSync(process.env.PYTHON ?? "python3", ["-c", scipy], { stdio: "pipe" });
    return String(text)
      .trim()
      .split("\n")
      .map((line) => line.split(" ").map(Number));
  } catch {
    console.error("No SciPy: set PYTHON to an interpreter that has it.");
    return [];
  }
}

function odexRun(
  f: (t: number, y: number[]) => number[],
  y0: number[],
  to: number,
  [relative, absolute]: readonly [number, number],
): number[] {
  const solver = new odex.Solver(y0.length);
  solver.relativeTolerance = relative;
  solver.absoluteTolerance = absolute;
  return solver.solve(f, 0, y0, to).y;
}

/** Three problems; rows without SciPy where it is not installed. */
export function timing(): TimingRow[] {
  const python = scipyRuns();
  const row = (
    name: string,
    exact: Float64Array,
    own: () => ArrayLike<number>,
    [index, peer]: readonly [index: number, peer?: () => number[]],
  ): TimingRow => {
    const [milliseconds, ...end] = python[index] ?? [];
    return {
      name,
      reparam: fastest(own, exact),
      ...(milliseconds === undefined
        ? {}
        : { scipy: { milliseconds, error: relativeError(end, exact) } }),
      ...(peer === undefined ? {} : { odex: fastest(peer, exact) }),
    };
  };
  const loose = { tolerance: { relative: 1e-9, absolute: 1e-9 }, dense: false };
  const stiff = { f: pol, interval: [0, 2000], y0: [2, 0] } as const;
  const tolerance = { relative: 1e-11, absolute: 1e-14 };
  const [hillStart, hillEnd] = hillSystem.interval;
  const Phi = exactPropagator(hillSystem)(hillEnd);
  // The states of both columns one after the other.
  const columns = Float64Array.of(Phi[0]!, Phi[2]!, Phi[1]!, Phi[3]!);
  const unit = [1, 0, 0, 1];
  const known = [columnOf(hillSystem, 0)];
  const hillProblem = { f: hill, interval: [hillStart, hillEnd] as const, y0: unit };
  const inColumns = (rows: readonly (readonly number[])[]) =>
    [0, 1].flatMap((j) => rows.map((row) => row[j]!));
  return [
    row(
      "Kepler, e = 0.4, 60 time units, DOP853 1e-9 (odex: extrapolation)",
      planet(60),
      () => integrate({ f: kepler, interval: [0, 60], y0: start }, loose).states.at(-1)!,
      [0, () => odexRun(kepler, [...start], 60, [1e-9, 1e-9])],
    ),
    row(
      "van der Pol, μ = 1000, 2000 time units, Radau IIA 5 1e-6",
      integrateStiff(stiff, { tolerance: { relative: 1e-10, absolute: 1e-13 } }).states.at(-1)!,
      () =>
        integrateStiff(stiff, {
          tolerance: { relative: 1e-6, absolute: 1e-9 },
          dense: false,
        }).states.at(-1)!,
      [1],
    ),
    row(
      "Hill, both columns of Φ, DOP853 1e-11 (odex: extrapolation)",
      columns,
      () => integrate(hillProblem, { method: dop853, tolerance, dense: false }).states.at(-1)!,
      [2, () => odexRun(hill, [...unit], hillEnd, [1e-11, 1e-14])],
    ),
    row(
      "the same from one known solution, reduction 1e-10",
      columns,
      () => inColumns(generalSolution({ ...hillSystem, known }).propagator(hillEnd)),
      [-1],
    ),
  ];
}

export const timingColumns = ["milliseconds (error)", "reparam", "SciPy", "odex"];

export function timingCells({ name, reparam, scipy: python, odex: peer }: TimingRow): string[] {
  const cell = (measured: Measured | undefined) =>
    measured === undefined
      ? "-"
      : `${measured.milliseconds.toPrecision(3)} (${measured.error.toExponential(1)})`;
  return [name, cell(reparam), cell(python), cell(peer)];
}
