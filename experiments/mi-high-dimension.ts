// Estimators of mutual information from a few thousand pairs in up to 50 dimensions: dense, sparse, cubed and
// heavy-tailed dependence of known information.
// npx tsx experiments/mi-high-dimension.ts [--quick|--full] [--json] [--markdown] [--threads N]
// Cells that are done are read from runs/experiments/mi-high-dimension and not computed again; the pictures are
// written there. --full has more estimators and 20,000 pairs.
import { writeFile } from "node:fs/promises";
import { formatNumber, linePlot, svgToPng } from "reparam/report";
import { estimateMutualInformation, type InformationMethod } from "../src/mutual-information.ts";
import { kept } from "./figures/cells.ts";
import { full, printJson, quick, rootOf, seeds, table, threads } from "./figures/command-line.ts";
import { deviationOf, meanOf } from "./figures/spread.ts";
import { type Problem, problems } from "./mi-high-dimension/problems.ts";

const root = rootOf("mi-high-dimension");
const sizes = quick ? [2, 5] : [2, 10, 50];
const rows = quick ? 400 : full ? 20_000 : 4000;
const steps = quick ? 20 : 3000;
const methods: readonly InformationMethod[] = full
  ? ["dv", "mine", "nwj", "infonce", "jsd", "smile", "barber-agakov", "kraskov"]
  : ["dv", "infonce", "smile", "barber-agakov", "kraskov"];

interface Cell {
  readonly nats: number;
  readonly value: number;
  readonly standardError: number;
}

async function cell(
  problem: Problem,
  size: number,
  method: InformationMethod,
  seed: number,
): Promise<Cell> {
  return kept(`${root}/${problem.name}-${size}-${method}-seed${seed}.json`, async () => {
    const { x, y, nats } = problem.draw(size, rows, seed);
    const options = { method, seed, steps, threads, batchSize: 128, patience: 15 };
    const { value, standardError } = await estimateMutualInformation(x, y, options);
    return { nats, value, standardError };
  });
}

function spread(values: readonly number[]): string {
  const mean = meanOf(values);
  const deviation = deviationOf(values);
  return Math.abs(mean) < 100
    ? `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`
    : `${formatNumber(mean, 2)} ± ${formatNumber(deviation, 1)}`;
}

const cells: Record<string, Cell[]> = {};
for (const seed of seeds) {
  for (const problem of problems) {
    for (const size of sizes) {
      for (const method of methods) {
        const name = `${problem.name}, ${size}, ${method}`;
        cells[name] = [...(cells[name] ?? []), await cell(problem, size, method, seed)];
      }
    }
  }
}
const lines = problems.flatMap(({ name }) =>
  sizes.map((size) => {
    const of = (method: string): Cell[] => cells[`${name}, ${size}, ${method}`] as Cell[];
    const truth = of(methods[0] as string)[0]?.nats as number;
    const estimates = methods.map((method) => spread(of(method).map(({ value }) => value)));
    return [name, String(size), truth.toFixed(2), ...estimates];
  }),
);
console.log(table(["pairs", "dimensions", "truth", ...methods], lines));
console.log(
  `nats from ${rows} pairs, separable critics, batch 128 (log 128 = ${Math.log(128).toFixed(2)}); mean ± standard deviation over seeds ${seeds.join(", ")}`,
);
for (const { name } of problems) {
  const of = (method: string): Cell[][] =>
    sizes.map((size) => cells[`${name}, ${size}, ${method}`] as Cell[]);
  const truth = of(methods[0] as string).map(([first]) => first?.nats as number);
  const svg = linePlot({
    title: `${name} pairs`,
    ...{ width: 480, height: 320 },
    x: { label: "dimensions of each side", scale: "log" },
    y: { label: "nats", domain: [-0.5, 4.5] },
    series: [
      { name: "truth", x: sizes, y: truth },
      ...methods.map((method) => ({
        name: method,
        x: sizes,
        y: of(method).map((found) => meanOf(found.map(({ value }) => value))),
      })),
    ],
  });
  await writeFile(`${root}/${name}.png`, await svgToPng(svg));
}
printJson({ cells });
