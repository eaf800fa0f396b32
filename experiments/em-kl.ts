// What expectation-maximisation minimises: the joint divergence, in turns; that it never rises, on random
// problems; and the clusters of real measurements with missing values.
// npx tsx experiments/em-kl.ts [--quick] [--json]
// Cells that are done are read from runs/experiments/em-kl and not made again.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { train } from "reparam";
import { linePlot, scatterPlot, svgToPng, textTable } from "reparam/report";
import { loadDataset, makeSplit, type Split } from "../src/data/index.ts";
import { gaussianMixture } from "../src/methods/em/gaussian-mixture.ts";
import { heldState } from "../src/run/checkpoint.ts";
import { rowsOf } from "../src/run/index.ts";
import { PhaseRun } from "../src/run/phase-run.ts";
import { initialState, iteratePhase } from "../src/step/index.ts";
import { dim, fillNormal, spec, type Tensor, tensor } from "../src/tensor/index.ts";

const quick = process.argv.includes("--quick");
const root = `runs/experiments/em-kl${quick ? "-quick" : ""}`;
const problems = quick ? 8 : 250;
const kinds = ["full", "tied", "diagonal", "spherical"] as const;

type Figures = Readonly<Record<string, number>>;

async function cell(
  name: string,
  make: () => Promise<readonly Figures[]>,
): Promise<readonly Figures[]> {
  const file = `${root}/${name.replaceAll(" ", "-")}.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Figures[];
  console.error(`${name} …`);
  const figures = await make();
  await writeFile(file, JSON.stringify(figures));
  return figures;
}

/** Rows [count, size] around a few centres. */
function blobs(count: number, size: number, clusters: number, apart: number, seed: number): Tensor {
  const centres = new Float64Array(clusters * size);
  fillNormal(centres, { seed, step: 1, path: "centres" });
  const data = new Float64Array(count * size);
  fillNormal(data, { seed, step: 0, path: "rows" });
  for (let i = 0; i < data.length; i++) {
    const centre = Math.floor(i / size) % clusters;
    data[i] = (data[i] as number) + apart * (centres[centre * size + (i % size)] as number);
  }
  return tensor(data, [count, size]);
}

/** Ten iterations on each of many random problems: the largest rise of the loss, relative to it. */
async function monotone(covariance: (typeof kinds)[number]): Promise<readonly Figures[]> {
  const options = gaussianMixture.options.parse({ covariance, regCovar: 0 });
  const method = gaussianMixture.create(options, {
    columns: { x: spec("float64", [dim("B"), 3]) },
    ...{ trainSize: 150, batchSize: 150, classes: undefined },
  });
  const phase = method.phases[0] as (typeof method.phases)[number];
  const start = initialState(phase, 0);
  const running = new PhaseRun(phase, start, 1);
  let [largest, collapsed] = [Number.NEGATIVE_INFINITY, 0];
  for (let seed = 0; seed < problems; seed++) {
    const batch = { x: blobs(150, 3, 1 + (seed % 5), 1 + (seed % 3), seed) };
    running.state = heldState(start);
    let before = Number.POSITIVE_INFINITY;
    try {
      for (let index = 0; index < 10; index++) {
        let step = 0;
        const { loss } = await iteratePhase(phase, {
          ...{ index, next: () => batch, epoch: () => [batch] },
          run: (program, inputs) => running.run(program, inputs, { seed, step: step++ }),
        });
        if (index > 0) largest = Math.max(largest, ((loss as number) - before) / Math.abs(before));
        before = loss as number;
      }
    } catch (error) {
      // A component that shrinks onto too few rows: the likelihood has no maximum there.
      if (!String(error).includes("positive definite")) throw error;
      collapsed += 1;
    }
  }
  await running.release();
  return [{ problems, largestRise: largest, collapsed }];
}

/** KL(p̃(x)q(k|x) ‖ p(x, k; θ)) up to a constant, after the E-step and after the M-step of every iteration. */
async function jointDivergence(): Promise<readonly Figures[]> {
  const x = blobs(400, 2, 4, 2, 5);
  const split: Split = makeSplit({ x: { dtype: "float64", shape: [2], data: x.data } });
  const dataset = {
    ...(await loadDataset("two-moons", { toySize: 40 })),
    train: split,
    validation: split,
    test: split,
  };
  const at = async (steps: number) => {
    const options = {
      components: 4,
      covariance: "full",
      regCovar: 0,
      start: "random",
      tolerance: 0,
    };
    const model = await train("gaussian-mixture", {
      data: dataset,
      steps,
      batchSize: 400,
      options,
    });
    const { latent, logDensity } = await model.call<"latent" | "logDensity">("encode", { x });
    return { latent: latent.data as Float64Array, logDensity: logDensity.data as Float64Array };
  };
  const figures: Figures[] = [];
  const iterations = quick ? 3 : 24;
  let now = await at(1);
  for (let i = 1; i <= iterations; i++) {
    const next = await at(i + 1);
    let [afterE, afterM] = [0, 0];
    for (const [j, r] of now.latent.entries()) {
      if (r === 0) continue;
      const n = Math.floor(j / 4);
      const joint = (state: typeof now): number =>
        Math.log(Math.max(state.latent[j] as number, 1e-300)) + (state.logDensity[n] as number);
      afterE += (r * (Math.log(r) - joint(now))) / 400;
      afterM += (r * (Math.log(r) - joint(next))) / 400;
    }
    figures.push({ iteration: i, afterE, afterM });
    now = next;
  }
  return figures;
}

/** Agreement of two partitions, 1 at best and 0 by chance (Hubert, Arabie, 1985). */
function adjustedRand(a: readonly number[], b: readonly number[]): number {
  const pairs = (n: number): number => (n * (n - 1)) / 2;
  const count = (keys: readonly string[]): number => {
    const found = new Map<string, number>();
    for (const key of keys) found.set(key, (found.get(key) ?? 0) + 1);
    return [...found.values()].reduce((sum, n) => sum + pairs(n), 0);
  };
  const [both, left, right] = [
    count(a.map((v, i) => `${v} ${b[i]}`)),
    count(a.map(String)),
    count(b.map(String)),
  ];
  const expected = (left * right) / pairs(a.length);
  return (both - expected) / ((left + right) / 2 - expected);
}

/** Bill length and depth of the penguins by component, and ellipses two standard deviations wide. */
async function drawEllipses(
  name: string,
  x: Tensor,
  components: readonly number[],
  { means, covariances }: Readonly<Record<"means" | "covariances", Tensor>>,
): Promise<void> {
  const [m, c, values] = [means, covariances, x].map(({ data }) => data as Float64Array) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const [a, b, d] = [c[0], c[1], c[5]] as [number, number, number];
  const [l11, l21] = [Math.sqrt(a), b / Math.sqrt(a)];
  const l22 = Math.sqrt(d - l21 * l21);
  const points = components.map((k, n) => [values[4 * n], values[4 * n + 1], `component ${k}`]);
  const ellipses = [0, 1, 2].flatMap((k) =>
    Array.from({ length: 300 }, (_, i) => {
      const [u, v] = [2 * Math.cos((i * Math.PI) / 150), 2 * Math.sin((i * Math.PI) / 150)];
      const [left, top] = [m[4 * k] as number, m[4 * k + 1] as number];
      return [left + l11 * u, top + l21 * u + l22 * v, "two standard deviations"];
    }),
  );
  const all = [...points, ...ellipses].filter(([v, w]) => Number.isFinite(v) && Number.isFinite(w));
  const svg = scatterPlot({
    title: "Penguins by component",
    x: { label: "bill length, mm" },
    y: { label: "bill depth, mm" },
    points: { x: all.map(([v]) => v as number), y: all.map(([, w]) => w as number) },
    classes: all.map(([, , label]) => label as string),
  });
  await writeFile(`${root}/${name}.png`, await svgToPng(svg));
}

/** Three components on measurements of penguins, of which a fifth is taken away. */
async function penguins(share: number): Promise<readonly Figures[]> {
  const dataset = await loadDataset("penguins", { validation: 0 });
  const figures: Figures[] = [];
  for (const seed of [0, 1, 2]) {
    const { x, label } = rowsOf(dataset.train, 0, dataset.train.length);
    const noise = new Float64Array((x as Tensor).data.length);
    fillNormal(noise, { seed, step: 0, path: "missing" });
    const cut = share === 0 ? Number.POSITIVE_INFINITY : 0.8416; // of N(0, 1), a fifth lies above
    const values = (x as Tensor).data as Float64Array<ArrayBuffer>;
    const data = values.map((v, i) => ((noise[i] as number) > cut ? Number.NaN : v));
    const column = { dtype: "float64", shape: [4], data } as const;
    const train3 = makeSplit({ x: column });
    const options = { components: 3, covariance: "tied", starts: 5 };
    const model = await train("gaussian-mixture", {
      data: { ...dataset, train: train3 },
      seed,
      options,
    });
    const input = { dtype: "float64", shape: (x as Tensor).shape, data } as const;
    const { latent } = await model.call<"latent">("encode", { x: input });
    const rows = Array.from({ length: train3.length }, (_, n) => {
      const row = (latent.data as Float64Array).subarray(3 * n, 3 * n + 3);
      return row.indexOf(Math.max(...row));
    });
    const labels = Array.from((label as Tensor).data as Int32Array);
    if (seed === 0)
      await drawEllipses(`penguins-${share}`, x as Tensor, rows, model.weights as never);
    const { metrics } = await model.evaluate("test");
    figures.push({
      adjustedRand: adjustedRand(rows, labels),
      testNats: metrics.negativeLogLikelihood as number,
    });
  }
  return figures;
}

await mkdir(root, { recursive: true });
const cells: Record<string, readonly Figures[]> = {};
for (const kind of kinds)
  cells[`monotone ${kind}`] = await cell(`monotone ${kind}`, () => monotone(kind));
cells.divergence = await cell("divergence", jointDivergence);
if (!quick) {
  cells.penguins = await cell("penguins", () => penguins(0));
  cells["penguins, a fifth missing"] = await cell("penguins missing", () => penguins(0.2));
}

const path = cells.divergence ?? [];
const svg = linePlot({
  title: "KL(p̃(x) q(k|x) ‖ p(x, k; θ)) + constant",
  x: { label: "iteration" },
  y: { label: "nats a row" },
  series: [
    {
      name: "after E-step and M-step in turns",
      x: path.flatMap(({ iteration: i }) => [i as number, (i as number) + 0.5]),
      y: path.flatMap(({ afterE, afterM }) => [afterE as number, afterM as number]),
      dots: true,
    },
  ],
});
await writeFile(`${root}/divergence.png`, await svgToPng(svg));
const values = path.flatMap(({ afterE, afterM }) => [afterE as number, afterM as number]);
const rise = Math.max(...values.slice(1).map((v, i) => v - (values[i] as number)));
console.log(
  `joint divergence: largest step upwards ${rise.toExponential(1)} in ${values.length} steps`,
);
const rows = Object.entries(cells)
  .filter(([name]) => name !== "divergence")
  .map(([name, figures]) => [
    name,
    figures
      .map((f) =>
        Object.entries(f)
          .map(([k, v]) => `${k} ${v.toPrecision(4)}`)
          .join(", "),
      )
      .join("; "),
  ]);
console.log(textTable(["cell", "figures"], rows));
if (process.argv.includes("--json")) console.log(JSON.stringify({ cells }));
