// How well heads of attention fit random stochastic tables against the size of their keys, and what mixing the
// heads before and after the softmax buys at equal parameters.
// npx tsx experiments/low-rank-bottleneck.ts [--quick] [--json]
// Cells that are done are read from runs/experiments/low-rank-bottleneck and not made again.
import { mkdir, writeFile } from "node:fs/promises";
import { linePlot, type Series, svgToPng, textTable } from "reparam/report";
import { kept } from "./figures/cells.ts";
import { printJson, quick, rootOf } from "./figures/command-line.ts";
import {
  attentionTable,
  counterExample,
  divergenceOf,
  exactFactors,
} from "./low-rank-bottleneck/exact.ts";
import {
  fitTables,
  type Mixing,
  parameterCount,
  randomTable,
  type Setting,
} from "./low-rank-bottleneck/fit-tables.ts";

const root = rootOf("low-rank-bottleneck");
const seeds = quick ? 2 : 3;
const search = quick ? { seeds, starts: 2, steps: 100 } : { seeds, starts: 4, steps: 2000 };
const heads = 4;

type Figures = Readonly<Record<string, number>>;

const cell = (name: string, make: () => Promise<readonly Figures[]>): Promise<readonly Figures[]> =>
  kept(`${root}/${name.replaceAll(/\W+/g, "-")}.json`, make);

/** Key sizes of one head for a table of n rows. */
const keySizes: Readonly<Record<number, readonly number[]>> = quick
  ? { 4: [1, 3] }
  : {
      16: [1, 2, 3, 4, 6, 8, 10, 12, 14, 15, 16],
      32: [1, 2, 4, 8, 12, 16, 20, 24, 28, 30, 31, 32],
    };

/** Tables by the factors that are known, to the last digits of float64. */
const exact = (n: number): Figures[] =>
  Array.from({ length: seeds }, (_, seed) => {
    const target = randomTable(n, seed, "table0");
    const { queries, keys } = exactFactors(target, n);
    return {
      keySize: n - 1,
      divergence: divergenceOf(target, attentionTable(queries, keys, n - 1), n),
    };
  });

/** Divergences of all seeds over a list of settings, with the parameters of each. */
async function grid(settings: readonly Setting[]): Promise<readonly Figures[]> {
  const figures: Figures[] = [];
  for (const setting of settings) {
    const found = await fitTables(setting, search);
    for (const [seed, divergence] of found.entries()) {
      const { keySize, tables } = setting;
      const parameters = parameterCount(setting);
      figures.push({ keySize, tables, parameters, seed, divergence });
    }
  }
  return figures;
}

/** Series of mean divergence over a figure, with the least and the largest of the seeds as a band. */
function seriesOf(name: string, figures: readonly Figures[], over: string): Series {
  const x = [...new Set(figures.map((each) => each[over] as number))];
  const at = x.map((value) =>
    figures.filter((each) => each[over] === value).map(({ divergence }) => divergence as number),
  );
  return {
    ...{ name, x, dots: true },
    y: at.map((values) => values.reduce((a, b) => a + b) / values.length),
    band: { low: at.map((v) => Math.min(...v)), high: at.map((v) => Math.max(...v)) },
  };
}

await mkdir(root, { recursive: true });
const cells: Record<string, readonly Figures[]> = {};
cells["counter-example"] = await cell("counter-example", async () => [counterExample()]);
const byKeySize: Series[] = [];
for (const [rows, sizes] of Object.entries(keySizes)) {
  const n = Number(rows);
  cells[`exact n=${n}`] = await cell(`exact n=${n}`, async () => exact(n));
  const name = `one head n=${n}`;
  cells[name] = await cell(name, () =>
    grid(sizes.map((keySize) => ({ n, heads: 1, keySize, mixing: "none", tables: 1 }))),
  );
  byKeySize.push(seriesOf(`n = ${n}`, cells[name] ?? [], "keySize"));
}

const n = quick ? 4 : 16;
const headSizes = quick ? [1] : [1, 2, 3, 4, 6, 8];
const labels: Readonly<Record<Mixing, string>> = {
  none: "no mixing",
  logits: "logits mixed",
  tables: "tables mixed",
  both: "both mixed",
};
const ownTables: Series[] = [];
for (const mixing of ["none", "logits", "tables", "both"] as const) {
  const name = `a table a head ${mixing}`;
  cells[name] = await cell(name, () =>
    grid(headSizes.map((keySize) => ({ n, heads, keySize, mixing, tables: heads }))),
  );
  ownTables.push(seriesOf(labels[mixing], cells[name] ?? [], "parameters"));
}

const oneTable: Series[] = [];
const single = quick ? [2] : [1, 2, 4, 8, 12];
cells["one table one head"] = await cell("one table one head", () =>
  grid(single.map((keySize) => ({ n, heads: 1, keySize, mixing: "none", tables: 1 }))),
);
oneTable.push(seriesOf("one head", cells["one table one head"] ?? [], "parameters"));
for (const mixing of ["logits", "tables", "both"] as const) {
  const name = `one table four heads ${mixing}`;
  cells[name] = await cell(name, () =>
    grid((quick ? [1] : [1, 2, 3]).map((keySize) => ({ n, heads, keySize, mixing, tables: 1 }))),
  );
  oneTable.push(seriesOf(`four heads, ${labels[mixing]}`, cells[name] ?? [], "parameters"));
}

const y = { label: "KL, nats a row", scale: "log" } as const;
/** From 0 to a little beyond the largest value, so that no point lies on the frame. */
const axis = (label: string, series: readonly Series[]) => {
  const most = Math.max(...series.flatMap(({ x }) => x));
  return { label, domain: [0, 1.02 * most] } as const;
};
const pictures = {
  "key-size": linePlot({
    title: "Random stochastic tables by one head, free queries and keys",
    x: axis("key size", byKeySize),
    y: { ...y, domain: [1e-8, 1] },
    series: byKeySize,
  }),
  "own-tables": linePlot({
    title: `Four tables of ${n} rows by four heads`,
    x: axis("parameters", ownTables),
    y,
    series: ownTables,
  }),
  "one-table": linePlot({
    title: `One table of ${n} rows`,
    x: axis("parameters", oneTable),
    y: { ...y, domain: [1e-8, 1] },
    series: oneTable,
  }),
};
for (const [name, svg] of Object.entries(pictures)) {
  await writeFile(`${root}/${name}.png`, await svgToPng(svg));
}
const rows = Object.entries(cells).map(([name, figures]) => [name, textOf(figures)]);
console.log(textTable(["cell", "KL, nats a row: mean over the seeds (least to largest)"], rows));
printJson({ cells });

function textOf(figures: readonly Figures[]): string {
  if (figures[0]?.divergence === undefined) return JSON.stringify(figures[0]);
  const { x, y: means, band } = seriesOf("", figures, "keySize");
  return x
    .map((size, i) => {
      const [low, high] = [band?.low[i], band?.high[i]].map((v) => (v as number).toPrecision(2));
      return `k=${size}: ${(means[i] as number).toPrecision(3)} (${low} to ${high})`;
    })
    .join("; ");
}
