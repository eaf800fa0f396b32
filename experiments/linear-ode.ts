// General solutions of linear systems from n − 1 known solutions, against DOP853 on all columns.
// npx tsx experiments/linear-ode.ts [--quick] [--json] [--timing]
// Without --quick it writes docs/results/linear-ode.md and its pictures. --timing adds seconds, and those of
// odex and, where python3 (or $PYTHON) has it, of SciPy.
import { mkdirSync, writeFileSync } from "node:fs";
import { identity, luFactor, luSolve, multiply, norm2 } from "reparam/numerics";
import {
  bogackiShampine,
  type ClosedForm,
  closedForms,
  columnOf,
  dop853,
  dormandPrince,
  euler,
  generalSolution,
  heun,
  hillSystem,
  integrate,
  magnus,
  rotatingSystem,
  rungeKutta4,
  triangularSystem,
} from "reparam/ode";
import { linePlot, markdownTable, svgToPng, textTable } from "reparam/report";
import { timing } from "./linear-ode/timing.ts";

const quick = process.argv.includes("--quick");
const folder = quick ? "runs/experiments/linear-ode-quick" : "docs/results";
const systems = quick ? [rotatingSystem(2), hillSystem] : closedForms;

/** Φ(t, start) in closed form. */
function exactPropagator({ size: n, interval, fundamental }: ClosedForm) {
  const inverse = luSolve(luFactor(fundamental(interval[0]), n), identity(n), n);
  return (t: number) => multiply(fundamental(t), inverse, n, n, n);
}

const relativeError = (got: Float64Array, want: Float64Array): number =>
  norm2(got.map((x, i) => x - want[i]!)) / norm2(want);

const timesOf = ([start, end]: readonly [number, number], count: number) =>
  Array.from({ length: count }, (_, i) => start + ((end - start) * i) / (count - 1));

const knownOf = (system: ClosedForm) =>
  Array.from({ length: system.size - 1 }, (_, j) => columnOf(system, j));

/** The reduction: error over 201 times, evaluations. */
function reduce(system: ClosedForm, tolerance: number) {
  const exact = exactPropagator(system);
  const general = generalSolution({ ...system, known: knownOf(system), tolerance });
  const errors = timesOf(system.interval, 201).map((t) =>
    relativeError(Float64Array.from(general.propagator(t).flat()), exact(t)),
  );
  const start = general.logDeterminant(system.interval[0]).log;
  const trace = integrate(
    {
      f: (t) => [system.A(t).reduce((sum, a, i) => sum + (i % (system.size + 1) ? 0 : a), 0)],
      interval: system.interval,
      y0: [0],
    },
    { tolerance: { relative: 1e-13, absolute: 1e-14 } },
  );
  const gaps = timesOf(system.interval, 51).map((t) =>
    Math.abs(general.logDeterminant(t).log - start - trace.at(t)[0]!),
  );
  const { A, known } = general.evaluations;
  const figures = { error: Math.max(...errors), liouville: Math.max(...gaps), A, known };
  return { ...figures, estimate: general.errorEstimate };
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

/** Runs of DOP853 from loose to tight, four tolerances a decade, two absolute ones each. */
function sweep(system: ClosedForm): Run[] {
  const runs: Run[] = [];
  for (let digits = 4; digits <= 14; digits += quick ? 1 : 0.25) {
    for (const share of [1, 1e-4])
      runs.push(dop853Run(system, 10 ** -digits, share * 10 ** -digits));
  }
  return runs;
}

/** The cheapest run that reaches an error, if any. */
function cheapest(runs: readonly Run[], error: number): Run | undefined {
  const good = runs.filter((run) => run.error <= error);
  return good.sort((a, b) => a.evaluations - b.evaluations)[0];
}

const cells: Record<string, Record<string, number>[]> = {};
const rows: (string | number)[][] = [];
for (const system of systems) {
  console.error(`${system.name} …`);
  const own = reduce(system, 1e-10);
  const runs = sweep(system);
  const most = Math.max(...runs.map(({ evaluations }) => evaluations));
  const enough = cheapest(runs, 1e-10);
  const same = cheapest(runs, own.error);
  const figures = {
    error: own.error,
    estimate: own.estimate,
    liouvilleGap: own.liouville,
    evaluationsOfA: own.A,
    evaluationsOfKnown: own.known,
    dop853At1e10: enough?.evaluations ?? most,
    ratioAt1e10: (enough?.evaluations ?? most) / own.A,
    dop853SameError: same?.evaluations ?? most,
    sameErrorReached: same === undefined ? 0 : 1,
    ratioSameError: (same?.evaluations ?? most) / own.A,
  };
  cells[system.name] = [figures];
  const more = same === undefined ? "> " : "";
  rows.push([
    system.name,
    own.error.toExponential(1),
    own.liouville.toExponential(1),
    own.A,
    own.known,
    figures.dop853At1e10,
    figures.ratioAt1e10.toFixed(1),
    `${more}${figures.dop853SameError}`,
    `${more}${figures.ratioSameError.toFixed(1)}`,
  ]);
}
const columns = [
  "system",
  "error",
  "Liouville",
  "A",
  "known",
  "DOP853, 1e-10",
  "ratio",
  "same error",
  "ratio",
];
console.log(textTable(columns, rows));

/** Order by least squares on the errors of fixed steps. */
function measuredOrder(errors: readonly number[], steps: readonly number[]): number {
  const [x, y] = [steps.map(Math.log), errors.map(Math.log)];
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const above = x.reduce((sum, v, i) => sum + (v - mx) * (y[i]! - my), 0);
  return -above / x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
}

const orderColumns = ["method", "order", "measured"];
const orders = [
  ...[euler, heun, bogackiShampine, rungeKutta4, dormandPrince, dop853].map((method) => {
    const f = (t: number, y: Float64Array) => [
      y[1]! * Math.cos(t) + 0.1 * y[0]! ** 2,
      -y[0]! - t * y[1]!,
    ];
    const problem = { f, interval: [0, 2] as const, y0: [1, 0.3] };
    const exact = integrate(problem, { tolerance: { relative: 1e-14, absolute: 1e-15 } });
    const steps = method.order === 8 ? [6, 8, 11, 14, 18] : [40, 80, 160];
    const errors = steps.map((count) =>
      relativeError(
        integrate(problem, { method, steps: count }).states.at(-1)!,
        exact.states.at(-1)!,
      ),
    );
    return [method.name, method.order, measuredOrder(errors, steps)];
  }),
  ...([2, 4, 6] as const).map((order) => {
    const exact = exactPropagator(hillSystem);
    const end = hillSystem.interval[1];
    const steps = [60, 120, 240];
    const errors = steps.map((count) => {
      const { propagator } = magnus(hillSystem.A, hillSystem.interval, { order, steps: count });
      return relativeError(Float64Array.from(propagator(end).flat()), exact(end));
    });
    return [`Magnus ${order}`, order, measuredOrder(errors, steps)];
  }),
];
console.log(`\n${textTable(orderColumns, orders)}`);
cells.orders = orders.map(([, order, measured]) => ({
  order: Number(order),
  measured: Number(measured),
}));

/** Error against evaluations of A of both methods on one system. */
async function picture(system: ClosedForm, file: string): Promise<void> {
  const own = [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12].map((tolerance) => reduce(system, tolerance));
  const other = sweep(system).sort((a, b) => a.evaluations - b.evaluations);
  const front = other.filter((run, i) => other.slice(0, i).every((one) => one.error > run.error));
  const all = [...own.map(({ A, error }) => ({ evaluations: A, error })), ...front];
  const around = (values: readonly number[], share: number): [number, number] => [
    Math.min(...values) / share,
    Math.max(...values) * share,
  ];
  const [x, y] = [all.map(({ evaluations }) => evaluations), all.map(({ error }) => error)];
  const svg = linePlot({
    title: system.name,
    x: { label: "evaluations of A", scale: "log", domain: around(x, 1.2) },
    y: { label: "largest relative error", scale: "log", domain: around(y, 4) },
    series: [
      { name: "reduction", x: own.map(({ A }) => A), y: own.map(({ error }) => error), dots: true },
      {
        name: "DOP853",
        x: front.map(({ evaluations }) => evaluations),
        y: front.map(({ error }) => error),
        dots: true,
      },
    ],
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${file}`, await svgToPng(svg));
}
await picture(hillSystem, "linear-ode-hill.png");
if (!quick) await picture(triangularSystem(8), "linear-ode-triangular.png");

const times = process.argv.includes("--timing") ? timing() : undefined;
if (times !== undefined) console.log(`\n${times}`);

if (!quick) {
  const parts = [
    "# Linear systems from known solutions",
    "```\nnpx tsx experiments/linear-ode.ts --timing\n```",
    "n − 1 solutions are known in closed form, and the reduction finds the last by quadrature at tolerance 1e-10. `error` is max‖Φ̂ − Φ‖/‖Φ‖ (Frobenius) over 201 times; `Liouville` the largest gap of log det Ψ(t) − log det Ψ(s) = ∫tr A; `A` and `known` count times at which A and the known solutions were evaluated. DOP853 integrates all columns of Φ̇ = AΦ; of tolerances four to a decade, each with two absolute ones, the cheapest run that reaches an error counts, measured at its own steps and without the cost of dense output. First that for an error of 1e-10, then for the error that the reduction had; `>` where not even a tolerance of 1e-14 reached it.",
    markdownTable(columns, rows),
    "![Work and precision on Hill's equation](linear-ode-hill.png)",
    "![Work and precision on a triangular system](linear-ode-triangular.png)",
    "## Orders\n\nMeasured by least squares over fixed steps.",
    markdownTable(orderColumns, orders),
    ...(times === undefined
      ? []
      : ["## Time\n\nThe fastest call, one thread, on a shared virtual machine.", times]),
  ];
  writeFileSync(`${folder}/linear-ode.md`, `${parts.join("\n\n")}\n`);
}
if (process.argv.includes("--json")) console.log(JSON.stringify({ cells }));
