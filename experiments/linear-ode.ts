// General solutions of linear systems from n − 1 known solutions, against DOP853 on all columns; the order of
// every integrator; general solutions as expressions.
// npx tsx experiments/linear-ode.ts [--quick] [--json] [--timing]
// Without --quick it writes docs/results/linear-ode.md and its pictures. --timing adds milliseconds, and those of
// odex and, where python3 (or $PYTHON) has it, of SciPy.
import { mkdirSync, writeFileSync } from "node:fs";
import { closedForms, hillSystem, rotatingSystem, triangularSystem } from "reparam/ode";
import { type Cell, markdownTable, svgToPng, textTable } from "reparam/report";
import { has, printJson, quick } from "./figures/command-line.ts";
import { hardCases, solveHard } from "./linear-ode/hard-cases.ts";
import { measuredOrders } from "./linear-ode/orders.ts";
import {
  compare,
  comparisonColumns,
  comparisonRow,
  precisionPlot,
} from "./linear-ode/precision.ts";
import { solveEquations } from "./linear-ode/symbolic.ts";
import { timing, timingCells, timingColumns } from "./linear-ode/timing.ts";

const folder = quick ? "runs/experiments/linear-ode-quick" : "docs/results";
const perDecade = quick ? 1 : 4;
const systems = quick ? [rotatingSystem(2), hillSystem] : closedForms;

const cells: Record<string, readonly object[]> = {};
const page: string[] = [];

/** A table on the terminal, and on the page below some words. */
function section(words: string, columns: readonly string[], rows: readonly (readonly Cell[])[]) {
  console.log(`\n${textTable(columns, rows)}`);
  page.push(words, markdownTable(columns, rows));
}

const comparisons = systems.map((system) => {
  console.error(`${system.name} …`);
  const figures = compare(system, perDecade);
  cells[system.name] = [figures];
  return comparisonRow(system.name, figures);
});
section(
  "n − 1 solutions are known in closed form, and the reduction finds the last by quadrature at tolerance 1e-10. `error` is max‖Φ̂ − Φ‖/‖Φ‖ (Frobenius) over 201 times; `Liouville` the largest gap of log det Ψ(t) − log det Ψ(s) = ∫tr A; `A` and `known` count times at which A and the known solutions were evaluated. DOP853 integrates all columns of Φ̇ = AΦ; of tolerances four to a decade, each with two absolute ones, the cheapest run that reaches an error counts, measured at its own steps and without the cost of dense output. First that for an error of 1e-10, then for the error that the reduction had; `>` where not even a tolerance of 1e-14 reached it.",
  comparisonColumns,
  comparisons,
);

mkdirSync(folder, { recursive: true });
for (const [system, file] of [
  [hillSystem, "linear-ode-hill.png"],
  [triangularSystem(quick ? 3 : 8), "linear-ode-triangular.png"],
] as const) {
  writeFileSync(`${folder}/${file}`, await svgToPng(precisionPlot(system, perDecade)));
}
page.push(
  "![Work and precision on Hill's equation](linear-ode-hill.png)",
  "![Work and precision on a triangular system](linear-ode-triangular.png)",
);

const hard = hardCases(quick).map((each) => ({ name: each.name, ...solveHard(each) }));
cells.hardCases = hard;
section(
  "## Hard cases\n\nThe reduction at tolerance 1e-10: a turning frame with decays of ratio 10⁶ over two time units, its first layer included; a thousand turns at a speed that swings; turning frames in which the first components of all known solutions vanish together at t = 3. `Liouville` is empty where the determinant itself is below what float64 holds.",
  ["case", "error", "estimate", "Liouville", "A", "panels"],
  hard.map(({ name, error, estimate, liouvilleGap, evaluationsOfA, panels }) => [
    name,
    error.toExponential(1),
    estimate.toExponential(1),
    liouvilleGap?.toExponential(1) ?? "",
    evaluationsOfA,
    panels,
  ]),
);

const orders = measuredOrders();
cells.orders = orders;
section(
  "## Orders\n\nMeasured by least squares over fixed steps.",
  ["method", "order", "measured"],
  orders.map(({ name, order, measured }) => [name, order, measured.toFixed(3)]),
);

const found = await solveEquations();
cells.symbolic = found;
section(
  "## By expressions\n\nGeneral solutions as they are printed. The first equation is the one of SymPy's issue 23351, which SymPy leaves unsolved; 1 − 1/x and e^{−x}(2/x − x) solve it, up to what the constants take up. `difference` is the largest from the numeric solution with all constants 1, relative to its size.",
  ["equation", "known", "y", "difference"],
  found.map(({ written, known, text, difference }) => [
    written,
    known,
    `\`${text}\``,
    difference.toExponential(1),
  ]),
);

if (has("timing")) {
  const rows = timing();
  cells.timing = rows;
  section(
    "## Time\n\nMilliseconds of the fastest call within two seconds, one thread, on a virtual machine that others used as well: good for factors, not for percents; behind them the relative error at the end that they bought.",
    timingColumns,
    rows.map(timingCells),
  );
}

if (!quick) {
  const head = [
    "# Linear systems from known solutions",
    "```\nnpx tsx experiments/linear-ode.ts --timing\n```",
    "Nothing is drawn by chance. A minute on one core.",
  ];
  writeFileSync(`${folder}/linear-ode.md`, `${[...head, ...page].join("\n\n")}\n`);
}
printJson({ cells });
