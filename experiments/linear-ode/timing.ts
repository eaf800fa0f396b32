// Seconds of the integrators beside those of odex and SciPy.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { integrate, integrateStiff } from "reparam/ode";
import { markdownTable } from "reparam/report";

/** What of odex is used: its own types are its source, which our compiler options refuse. */
interface Odex {
  readonly Solver: new (
    dimension: number,
  ) => {
    relativeTolerance: number;
    absoluteTolerance: number;
    solve(f: (t: number, y: number[]) => number[], from: number, y0: number[], to: number): unknown;
  };
}

const odex = createRequire(import.meta.url)("odex") as Odex;

/** Milliseconds of the fastest call within about two seconds. */
function fastest(run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + 2000; performance.now() < end; ) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

const scipy = `
import time, numpy as np
from scipy.integrate import solve_ivp
def best(f):
    spent, end = [], time.perf_counter() + 2
    while time.perf_counter() < end:
        start = time.perf_counter(); f(); spent.append(time.perf_counter() - start)
    return 1000 * min(spent)
def kepler(t, y):
    r = (y[0] * y[0] + y[1] * y[1]) ** 1.5
    return [y[2], y[3], -y[0] / r, -y[1] / r]
def pol(t, y): return [y[1], 1000 * (1 - y[0] ** 2) * y[1] - y[0]]
print(best(lambda: solve_ivp(kepler, (0, 60), [0.6, 0, 0, 1.5275252316519465], "DOP853", rtol=1e-9, atol=1e-9)))
print(best(lambda: solve_ivp(pol, (0, 2000), [2, 0], "Radau", rtol=1e-6, atol=1e-9)))
`;

/** A table in Markdown; without SciPy its column is empty. */
export function timing(): string {
  const kepler = (_t: number, y: ArrayLike<number>) => {
    const cube = (y[0]! * y[0]! + y[1]! * y[1]!) ** 1.5;
    return [y[2]!, y[3]!, -y[0]! / cube, -y[1]! / cube];
  };
  const pol = (_t: number, y: Float64Array) => [y[1]!, 1000 * (1 - y[0]! ** 2) * y[1]! - y[0]!];
  const y0 = [0.6, 0, 0, 1.5275252316519465];
  const near = { tolerance: { relative: 1e-9, absolute: 1e-9 }, dense: false };
  const own = fastest(() => integrate({ f: kepler, interval: [0, 60], y0 }, near));
  const stiff = fastest(() =>
    integrateStiff(
      { f: pol, interval: [0, 2000], y0: [2, 0] },
      { tolerance: { relative: 1e-6, absolute: 1e-9 } },
    ),
  );
  const peer = fastest(() => {
    const solver = new odex.Solver(4);
    solver.relativeTolerance = 1e-9;
    solver.absoluteTolerance = 1e-9;
    solver.solve(kepler, 0, y0, 60);
  });
  let python: (number | null)[] = [null, null];
  try {
    const text = execFileSync(process.env.PYTHON ?? "python3", ["-c", scipy], { stdio: "pipe" });
    python = String(text).trim().split("\n").map(Number);
  } catch {
    console.error("No SciPy: set PYTHON to an interpreter that has it.");
  }
  return markdownTable(
    ["milliseconds", "reparam", "SciPy", "odex"],
    [
      ["Kepler, e = 0.4, 60 time units, DOP853 1e-9 (odex: extrapolation)", own, python[0], peer],
      ["van der Pol, μ = 1000, Radau IIA 5 1e-6", stiff, python[1], null],
    ],
  );
}
