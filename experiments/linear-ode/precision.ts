// Error against evaluations of A: the reduction by n − 1 known solutions, and DOP853 on all columns.
import { identity, luFactor, luSolve, multiply, norm2 } from "reparam/numerics";
import { type ClosedForm, columnOf, dop853, generalSolution, integrate } from "reparam/ode";
import { linePlot } from "reparam/report";

/** Φ(t, start) in closed form. */
export function exactPropagator({ size: n, interval, fundamental }: ClosedForm) {
  const inverse = luSolve(luFactor(fundamental(interval[0]), n), identity(n), n);
  return (t: number) => multiply(fundamental(t), inverse, n, n, n);
}

export const relativeError = (got: ArrayLike<number>, want: Float64Array): number =>
  norm2(want.map((x, i) => got[i]! - x)) / norm2(want);

export const timesOf = ([start, end]: readonly [number, number], count: number): number[] =>
  Array.from({ length: count }, (_, i) => start + ((end - start) * i) / (count - 1));

/** Largest |log det Ψ(t) − log det Ψ(start) − ∫tr A|. */
export function liouvilleGap(
  { A, size, interval }: Pick<ClosedForm, "A" | "size" | "interval">,
  logDeterminant: (t: number) => number,
): number {
  const trace = (t: number) => A(t).reduce((sum, a, i) => sum + (i % (size + 1) ? 0 : a), 0);
  const tolerance = { relative: 1e-13, absolute: 1e-14 };
  const path = integrate({ f: (t) => [trace(t)], interval, y0: [0] }, { tolerance });
  const start = logDeterminant(interval[0]);
  const gaps = timesOf(interval, 51).map((t) =>
    Math.abs(logDeterminant(t) - start - path.at(t)[0]!),
  );
  return Math.max(...gaps);
}

/** What the reduction by n − 1 known solutions comes to; errors over 201 times. */
export function reduction(system: ClosedForm, tolerance: number) {
  const exact = exactPropagator(system);
  const known = Array.from({ length: system.size - 1 }, (_, j) => columnOf(system, j));
  const general = generalSolution({ ...system, known, tolerance });
  const errors = timesOf(system.interval, 201).map((t) =>
    relativeError(general.propagator(t).flat(), exact(t)),
  );
  return {
    error: Math.max(...errors),
    estimate: general.errorEstimate,
    liouville: liouvilleGap(system, (t) => general.logDeterminant(t).log),
    ...general.evaluations,
  };
}

interface Run {
  readonly evaluations: number;
  readonly error: number;
}

/** DOP853 on Φ̇ = A Φ, its error at its own steps only, without the cost of dense output. */
function dop853Run(system: ClosedForm, relative: number, absolute: number): Run {
  const { size: n, A, interval } = system;
  const exact = exactPropagator(system);
  const f = (t: number, y: Float64Array) => multiply(A(t), y, n, n, n);
  const options = { method: dop853, dense: false, tolerance: { relative, absolute } };
  const { times, states, counts } = integrate({ f, interval, y0: identity(n) }, options);
  const error = Math.max(...times.map((t, i) => relativeError(states[i]!, exact(t))));
  return { evaluations: counts.evaluations, error };
}

/** Runs of DOP853 from loose to tight, so many tolerances a decade, two absolute ones each. */
function sweep(system: ClosedForm, perDecade: number): Run[] {
  const runs: Run[] = [];
  for (let digits = 4; digits <= 14; digits += 1 / perDecade) {
    for (const share of [1, 1e-4]) {
      runs.push(dop853Run(system, 10 ** -digits, share * 10 ** -digits));
    }
  }
  return runs;
}

/** The cheapest run that reaches an error, if any. */
function cheapest(runs: readonly Run[], error: number): Run | undefined {
  const good = runs.filter((run) => run.error <= error);
  return good.sort((a, b) => a.evaluations - b.evaluations)[0];
}

/** Both on one system, at an error of 1e-10 and at that of the reduction. */
export function compare(system: ClosedForm, perDecade: number) {
  const own = reduction(system, 1e-10);
  const runs = sweep(system, perDecade);
  const most = Math.max(...runs.map(({ evaluations }) => evaluations));
  const enough = cheapest(runs, 1e-10)?.evaluations ?? most;
  const same = cheapest(runs, own.error);
  return {
    error: own.error,
    estimate: own.estimate,
    liouvilleGap: own.liouville,
    evaluationsOfA: own.A,
    evaluationsOfKnown: own.known,
    dop853At1e10: enough,
    ratioAt1e10: enough / own.A,
    dop853SameError: same?.evaluations ?? most,
    sameErrorReached: same === undefined ? 0 : 1,
    ratioSameError: (same?.evaluations ?? most) / own.A,
  };
}

export type Comparison = ReturnType<typeof compare>;

export const comparisonColumns = [
  ...["system", "error", "Liouville", "A", "known"],
  ...["DOP853, 1e-10", "ratio", "same error", "ratio"],
];

export function comparisonRow(name: string, figures: Comparison): (string | number)[] {
  const more = figures.sameErrorReached === 1 ? "" : "> ";
  return [
    name,
    figures.error.toExponential(1),
    figures.liouvilleGap.toExponential(1),
    figures.evaluationsOfA,
    figures.evaluationsOfKnown,
    figures.dop853At1e10,
    figures.ratioAt1e10.toFixed(1),
    `${more}${figures.dop853SameError}`,
    `${more}${figures.ratioSameError.toFixed(1)}`,
  ];
}

/** Error against evaluations of A of both methods on one system, as SVG. */
export function precisionPlot(system: ClosedForm, perDecade: number): string {
  const tolerances = [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12];
  const own = tolerances.map((tolerance): Run => {
    const { A, error } = reduction(system, tolerance);
    return { evaluations: A, error };
  });
  const other = sweep(system, perDecade).sort((a, b) => a.evaluations - b.evaluations);
  const front = other.filter((run, i) => other.slice(0, i).every((one) => one.error > run.error));
  const around = (pick: (run: Run) => number, share: number): [number, number] => {
    const values = [...own, ...front].map(pick);
    return [Math.min(...values) / share, Math.max(...values) * share];
  };
  const curve = (name: string, runs: readonly Run[]) => ({
    name,
    x: runs.map(({ evaluations }) => evaluations),
    y: runs.map(({ error }) => error),
    dots: true,
  });
  return linePlot({
    title: system.name,
    x: {
      label: "evaluations of A",
      scale: "log",
      domain: around(({ evaluations }) => evaluations, 1.2),
    },
    y: { label: "largest relative error", scale: "log", domain: around(({ error }) => error, 4) },
    series: [curve("reduction", own), curve("DOP853", front)],
  });
}
