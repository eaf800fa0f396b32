// Bias, variance and time of every gradient estimator against exact gradients, and where pathwise gradients are
// the worse ones.
// npx tsx experiments/gradient-variance.ts [--quick] [--json] [--markdown]
// Cells that are done are read from runs/experiments/gradient-variance and not measured again; the pictures are
// written there.
import { formatNumber } from "reparam/report";
import { kept } from "./figures/cells.ts";
import { printJson, quick, rootOf, seeds, table } from "./figures/command-line.ts";
import { deviationOf, meanOf } from "./figures/spread.ts";
import {
  boundEstimators,
  measureBound,
  sampleCounts,
  signalToNoise,
} from "./gradient-variance/bounds.ts";
import { converge, type Figures, measure } from "./gradient-variance/measure.ts";
import { drawCurves } from "./gradient-variance/pictures.ts";
import { compare, frequencies, rippled, smooth } from "./gradient-variance/ripple.ts";
import {
  type Problem,
  problems,
  temperatures,
  type Variant,
  variants,
} from "./gradient-variance/setting.ts";

const root = rootOf("gradient-variance");
const rows = quick ? 5000 : 100_000;
const tuning = quick ? 5 : 2000;
const training = quick ? { steps: 20, every: 10 } : { steps: 4000, every: 100 };
const chains = quick ? [0] : [0, 1, 2, 3, 4, 5, 6, 7];

/** The result of `work`, or what it was before. */
const cell = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  kept(`${root}/${name.replaceAll(/[^\p{L}\p{N}.=]+/gu, "-")}.json`, work);

/** mean ± sample standard deviation over seeds */
function spread(values: readonly number[], digits = 3): string {
  return `${formatNumber(meanOf(values), digits)} ± ${formatNumber(deviationOf(values), 2)}`;
}

const cells: Record<string, Figures[]> = {};

/** How often f is computed for one estimate. */
const evaluationsOf = ({ estimator, evaluations }: Variant, { logits }: Problem): string =>
  String(estimator === "exact" ? 2 ** logits.length : evaluations);

async function measureAll(): Promise<void> {
  for (const problem of problems) {
    const lines: { order: number; row: string[] }[] = [];
    for (const variant of variants) {
      const name = `${problem.name}, ${variant.name}`;
      const figures: Figures[] = [];
      for (const seed of seeds) {
        const settings = { seed, rows, steps: tuning };
        figures.push(
          await cell(`${name}, seed ${seed}`, () => measure(problem, variant, settings)),
        );
      }
      cells[name] = figures;
      const column = (field: string): number[] => figures.map((f) => f[field] as number);
      const order = column("variance").reduce((a, b) => a + b) / seeds.length;
      const relative = figures.map((f) => (f.bias as number) / (f.standardError as number));
      // Rounding is all there is of the exact gradient's.
      const log = order < 1e-12 ? "" : spread(column("variance").map(Math.log10));
      const off = order < 1e-12 ? "" : spread(relative);
      const fields = [
        spread(column("bias")),
        off,
        log,
        formatNumber(Math.min(...column("nanosecondsEach")), 2),
      ];
      lines.push({ order, row: [variant.name, evaluationsOf(variant, problem), ...fields] });
    }
    const columns = [
      "estimator",
      "f",
      "|bias|",
      "in standard errors",
      "log₁₀ variance",
      "fastest ns",
    ];
    const exact = formatNumber(cells[`${problem.name}, exact`]?.[0]?.exact as number, 4);
    console.log(`\n${problem.name}: |exact gradient| ${exact}, by rising variance`);
    console.log(
      table(
        columns,
        lines.sort((a, b) => a.order - b.order).map(({ row }) => row),
      ),
    );
  }
}

async function compareNormals(): Promise<void> {
  const lines: string[][] = [];
  for (const each of [...smooth, ...frequencies.map(rippled)]) {
    const figures: Figures[] = [];
    for (const seed of seeds) {
      figures.push(await cell(`${each.name}, seed ${seed}`, () => compare(each, { seed, rows })));
    }
    cells[each.name] = figures;
    const names = Object.keys(figures[0] ?? {});
    lines.push([each.name, ...names.map((name) => spread(figures.map((f) => f[name] as number)))]);
  }
  const names = Object.keys(Object.values(cells).at(-1)?.[0] ?? {});
  console.log("\nvariance of the gradient towards the mean of N(½, 1)");
  console.log(table(["f", ...names], lines));
  const curve = (name: string) => ({
    name,
    x: frequencies,
    seeds: seeds.map((_, s) =>
      frequencies.map((k) => cells[rippled(k).name]?.[s]?.[name] as number),
    ),
  });
  await drawCurves(
    `${root}/ripple.png`,
    {
      ...{ title: "Towards the mean of N(½, 1), f = z² + ½ sin(kz)", x: "k" },
      ...{ y: "variance of the gradient", logarithmic: "both" },
    },
    names.map(curve),
  );
}

async function compareBounds(): Promise<void> {
  const lines: string[][] = [];
  for (const samples of sampleCounts) {
    for (const estimator of boundEstimators) {
      const name = `bound of ${samples} samples, ${estimator}`;
      const figures: Figures[] = [];
      for (const seed of seeds) {
        const settings = { samples, seed, rows };
        figures.push(await cell(`${name}, seed ${seed}`, () => measureBound(estimator, settings)));
      }
      cells[name] = figures;
      const column = (field: string): number[] => figures.map((f) => f[field] as number);
      const off = figures.map((f) => (f.bias as number) / (f.standardError as number));
      const logs = spread(column("variance").map(Math.log10));
      const noise = spread(figures.map(signalToNoise));
      const bias = samples === 2 ? [spread(column("bias")), spread(off)] : ["", ""];
      lines.push([String(samples), estimator, spread(column("bound"), 4), ...bias, logs, noise]);
    }
  }
  console.log("\nmulti-sample bound, gradient towards q = N(½, 0.7²)");
  const figures = ["bound", "|bias|", "in standard errors", "log₁₀ variance", "signal/noise"];
  console.log(table(["m", "estimator", ...figures], lines));
}

async function convergeAll(): Promise<void> {
  const shown = variants.filter(
    ({ temperature }) => temperature === undefined || temperature === 0.5,
  );
  for (const [i, problem] of problems.entries()) {
    const curves = [];
    const lines: string[][] = [];
    for (const variant of shown) {
      const name = `training on ${problem.name}, ${variant.name}`;
      const runs: number[][] = [];
      for (const seed of chains) {
        const settings = { ...training, seed };
        runs.push(await cell(`${name}, seed ${seed}`, () => converge(problem, variant, settings)));
      }
      const final = runs.map((values) => values.at(-1) as number);
      cells[name] = final.map((value) => ({ final: value }));
      lines.push([variant.name, spread(final, 5)]);
      const x = (runs[0] as number[]).map((_, k) => k * training.every);
      curves.push({ name: variant.name, x, seeds: runs });
    }
    console.log(`\n${problem.name}: E f after ${training.steps} steps of one estimate, Adam 0.01`);
    console.log(table(["estimator", "E f"], lines));
    const unrelaxed = curves.filter(({ name }) => !/4 samples|fixed/.test(name));
    await drawCurves(
      `${root}/training-${i}.png`,
      { title: problem.name, x: "steps", y: "E f", logarithmic: "none" },
      unrelaxed.map(({ name, x, seeds: all }) => ({ name, x, seeds: [meanCurve(all)] })),
    );
  }
}

const meanCurve = (runs: readonly (readonly number[])[]): number[] =>
  (runs[0] ?? []).map(
    (_, i) => runs.reduce((s, values) => s + (values[i] as number), 0) / runs.length,
  );

/** Bias and variance of the relaxed estimators over the temperature, on three coins. */
async function drawTemperatures(): Promise<void> {
  const problem = problems.at(-1)?.name;
  const curves = ["gumbel-softmax", "st-gumbel-softmax"].flatMap((estimator) =>
    (["bias", "variance"] as const).map((field) => ({
      name: `${estimator}: ${field}`,
      x: temperatures,
      seeds: seeds.map((_, s) =>
        temperatures.map(
          (tau) => cells[`${problem}, ${estimator}, τ = ${tau}`]?.[s]?.[field] as number,
        ),
      ),
    })),
  );
  const labels = { title: `${problem}: relaxed samples`, x: "τ", y: "|bias|, variance" };
  await drawCurves(`${root}/temperature.png`, { ...labels, logarithmic: "both" }, curves);
}

await measureAll();
await drawTemperatures();
await compareNormals();
await compareBounds();
await convergeAll();
console.log(
  `\n${rows} estimates a cell; mean ± standard deviation over seeds ${seeds.join(", ")}, trainings over seeds ${chains.join(", ")}; pictures in ${root}`,
);
printJson({ seeds, rows, cells });
