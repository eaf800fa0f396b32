// Bias and variance of every estimator of mutual information where the truth is known: 20 correlated normal pairs
// with 2 to 10 nats, and their cubes.
// npx tsx experiments/mi-staircase.ts [--quick|--full] [--json] [--markdown] [--threads N]
// Cells that are done are read from runs/experiments/mi-staircase and not trained again; the pictures are written
// there. --full doubles the steps and adds the concatenated critic, ten times as slow.
import { writeFile } from "node:fs/promises";
import { formatNumber, linePlot, svgToPng } from "reparam/report";
import type { CriticKind } from "../src/methods/mi/critics.ts";
import { kept } from "./figures/cells.ts";
import { full, numberOf, printJson, quick, rootOf, seeds, table } from "./figures/command-line.ts";
import { deviationOf, meanOf } from "./figures/spread.ts";
import type { Variant } from "./mi-staircase/problem.ts";
import { byNeighbours, climb, type Settings, trainees } from "./mi-staircase/train.ts";

const threads = numberOf("threads", 1);
const root = rootOf("mi-staircase");
const levels = quick ? [2, 10] : [2, 4, 6, 8, 10];
const stepsPerLevel = quick ? 48 : full ? 4000 : 2000;
const batchSize = 64;
const hidden = quick ? 32 : 256;
const pairs = quick ? 200 : 4000;
/** Steps of which the picture shows the mean. */
const block = quick ? 16 : 100;

interface Setting {
  readonly variant: Variant;
  readonly critic: CriticKind;
}
const settings: readonly Setting[] = [
  { variant: "gaussian", critic: "separable" },
  { variant: "cubed", critic: "separable" },
  ...(full || quick ? [{ variant: "gaussian", critic: "concatenated" } as const] : []),
  ...(full ? [{ variant: "cubed", critic: "concatenated" } as const] : []),
];

/** Mean and variance of the estimates in the last quarter of every level, and a curve for the picture. */
interface Cell {
  readonly mean: readonly number[];
  readonly variance: readonly number[];
  readonly curve: readonly number[];
}

function cellOf(values: readonly number[]): Cell {
  const last = levels.map((_, i) =>
    values.slice(Math.round((i + 0.75) * stepsPerLevel), (i + 1) * stepsPerLevel),
  );
  const mean = last.map(meanOf);
  const variance = last.map((level, i) => meanOf(level.map((v) => (v - (mean[i] as number)) ** 2)));
  const curve = Array.from({ length: values.length / block }, (_, i) =>
    meanOf(values.slice(i * block, (i + 1) * block)),
  );
  return { mean, variance, curve };
}

/** The result of `work`, or what it was before. */
const cached = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  kept(`${root}/${name}.json`, work);

/** Cells of every estimator by name, a cell a seed. */
async function measure(
  { variant, critic }: Setting,
  chosen: readonly number[],
): Promise<Record<string, Cell[]>> {
  const found: Record<string, Cell[]> = {};
  for (const seed of chosen) {
    for (const trainee of trainees) {
      // A Gaussian model has no critic.
      if (trainee.name === "barber-agakov" && critic !== "separable") continue;
      const own = { seed, variant, critic, hidden, batchSize, levels, stepsPerLevel, threads };
      const cells = await cached(`${variant}-${critic}-${trainee.name}-seed${seed}`, async () => {
        const estimates = await climb(trainee, own satisfies Settings);
        return Object.fromEntries(
          Object.entries(estimates).map(([name, values]) => [name, cellOf(values)]),
        );
      });
      for (const [name, cell] of Object.entries(cells)) {
        found[name] = [...(found[name] ?? []), cell];
      }
    }
    if (critic !== "separable") continue;
    const neighbours = await cached(`${variant}-kraskov-seed${seed}`, async () =>
      levels.map((nats) => byNeighbours(nats, { seed, variant, pairs })),
    );
    const none = levels.map(() => 0);
    const cell = { mean: neighbours, variance: none, curve: [] };
    found.kraskov = [...(found.kraskov ?? []), cell];
  }
  return found;
}

/** mean ± sample standard deviation over seeds */
function spread(values: readonly number[], digits = 2): string {
  return `${meanOf(values).toFixed(digits)} ± ${formatNumber(deviationOf(values), 1)}`;
}

const cells: Record<string, Record<string, number>[]> = {};

function report(setting: Setting, found: Record<string, Cell[]>): void {
  const title = `${setting.variant}, ${setting.critic} critic`;
  const rows = Object.entries(found).map(([name, runs]) => {
    cells[`${title}, ${name}`] = runs.map((cell) =>
      Object.fromEntries(
        levels.flatMap((nats, i) => [
          [`bias at ${nats}`, (cell.mean[i] as number) - nats],
          [`variance at ${nats}`, cell.variance[i] as number],
        ]),
      ),
    );
    const bias = levels.map((nats, i) =>
      spread(runs.map(({ mean }) => (mean[i] as number) - nats)),
    );
    const variances = levels.map((_, i) =>
      name === "kraskov"
        ? "–"
        : formatNumber(meanOf(runs.map(({ variance }) => variance[i] as number)), 2),
    );
    return [name, ...bias, ...variances];
  });
  const columns = [
    "estimator",
    ...levels.map((nats) => `bias at ${nats}`),
    ...levels.map((nats) => `var. at ${nats}`),
  ];
  console.log(`\n${title}`);
  console.log(table(columns, rows));
}

/** The first seed's course, a mean over `block` steps a point. */
async function draw(setting: Setting, found: Record<string, Cell[]>): Promise<void> {
  const shown = Object.entries(found).filter(([, [cell]]) => (cell?.curve.length ?? 0) > 0);
  const x = (shown[0]?.[1][0]?.curve ?? []).map((_, i) => (i + 0.5) * block);
  const truth = x.map((step) => levels[Math.floor(step / stepsPerLevel)] as number);
  const kept = shown.filter(([name]) => name !== "smile, τ = ∞");
  const svg = linePlot({
    title: `${setting.variant === "cubed" ? "y cubed" : "correlated normals"}, ${setting.critic} critic, batch ${batchSize}`,
    ...{ width: 900, height: 440 },
    x: { label: "steps" },
    y: { label: "nats", domain: [0, Math.max(...levels) + 4] },
    series: [
      { name: "truth", x, y: truth },
      ...kept.map(([name, [cell]]) => ({ name, x, y: cell?.curve ?? [] })),
    ],
  });
  await writeFile(`${root}/${setting.variant}-${setting.critic}.png`, await svgToPng(svg));
}

// A seed after the other, so that what is there early covers every setting.
for (const seed of seeds) for (const setting of settings) await measure(setting, [seed]);
for (const setting of settings) {
  const found = await measure(setting, seeds);
  report(setting, found);
  await draw(setting, found);
}
console.log(
  `\nbatch ${batchSize}, ${stepsPerLevel} steps a level, the last quarter counts; bias: mean ± standard deviation over seeds ${seeds.join(", ")}; variance: of single batches; kraskov: ${pairs} pairs; pictures in ${root}`,
);
printJson({ cells });
