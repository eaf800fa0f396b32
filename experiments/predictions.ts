// What a diffusion's network predicts: noise, data, v, the mix of EDM or the velocity of a flow, at equal budget.
// npx tsx experiments/predictions.ts [--quick | --full] [--json] [--markdown] [--seeds 0,1,2] [--threads 1] [--minutes 10]
// Points of eight normal distributions on a ring; the distance of samples to test points by 5, 10 and 20 evaluations. All
// predictions on one noise process and one law of times, and EDM and flow as published. --full has other data too. Cells
// that are done are read from runs/experiments/predictions; one that was killed goes on.
import { train } from "reparam";
import { slicedWasserstein } from "../src/metrics/index.ts";
import { compileFunction, rowsOf, sampleRows } from "../src/run/index.ts";
import type { Tensor } from "../src/tensor/index.ts";
import { printJson, quick, rootOf, seeds, sized, table, threads } from "./figures/command-line.ts";
import { keptInTime } from "./figures/in-time.ts";
import { spreadOfSeveral } from "./figures/spread.ts";

const root = rootOf("predictions", { fullAdds: true });
const stepCounts = quick ? [5] : [5, 10, 20];
const [steps, batchSize, count] = quick ? [30, 64, 200] : [1000, 256, 4000];
const core = ["eight-gaussians"];
const datasets = sized(core, core, [...core, "two-moons", "spirals"]);

const shared = { process: "vp-cosine", times: "stratified", weighting: "simple" };
const variants: Readonly<Record<string, object>> = {
  ...Object.fromEntries(
    (quick ? ["noise", "flow"] : ["noise", "data", "v", "edm", "flow"]).map((prediction) => [
      `${prediction}, cosine`,
      { prediction, ...shared },
    ]),
  ),
  ...(quick
    ? {}
    : { "EDM as published": { prediction: "edm" }, "flow as published": { prediction: "flow" } }),
};

type Figures = Readonly<Record<string, number>>;

/** Trains one cell, and samples from it. */
async function measured(
  folder: string,
  data: string,
  name: string,
  seed: number,
): Promise<Figures> {
  const { method, weights, dataset } = await train("diffusion", {
    ...{ data, seed, folder, threads, steps, batchSize },
    load: { validation: 0, ...(quick && { toySize: 800 }) },
    options: { width: 64, layers: 3, halfLives: "20", ...variants[name] },
  });
  const test = rowsOf(dataset.test, 0, Math.min(count, dataset.test.length)).x as Tensor;
  const figures: Record<string, number> = {};
  for (const each of stepCounts) {
    const options = { sampler: "dpm-solver++2m", steps: each };
    const sample = await compileFunction(method, "sample", weights, { threads, options });
    const { x } = await sampleRows(sample, test.shape[0] as number, { seed });
    await sample.release();
    figures[each] = slicedWasserstein(x as Tensor, test);
  }
  // What a perfect sampler would show: two halves of the test points.
  const half = Math.floor((test.shape[0] as number) / 2);
  const halves = [0, half].map((from) => rowsOf(dataset.test, from, from + half).x as Tensor);
  figures.floor = slicedWasserstein(halves[0] as Tensor, halves[1] as Tensor) / Math.SQRT2;
  return figures;
}

const cells: Record<string, Figures[]> = {};
let missing = 0;
for (const seed of seeds) {
  for (const data of datasets) {
    for (const name of Object.keys(variants)) {
      const folder = `${root}/${data}-${name.replaceAll(/\W+/g, "-")}-seed${seed}`;
      const figures = await keptInTime(`${folder}/figures.json`, () =>
        measured(folder, data, name, seed),
      );
      const cell = datasets.length > 1 ? `${data}: ${name}` : name;
      if (figures === undefined) missing += 1;
      else cells[cell] = [...(cells[cell] ?? []), figures];
    }
  }
}

const columns = [...stepCounts.map(String), "floor"];
const rows = Object.entries(cells).map(([name, figures]) => [
  name,
  ...columns.map((key) =>
    spreadOfSeveral(
      figures.map((f) => f[key] as number),
      4,
    ),
  ),
  String(figures.length),
]);
console.log(
  table(
    ["", ...stepCounts.map((n) => `${n} evaluations`), "two sets of test points", "seeds"],
    rows,
  ),
);
console.log(
  `sliced Wasserstein distance of ${count} samples to test points; ${steps} updates of batches of ${batchSize}; dpm-solver++2m; mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} cells missing`,
);
printJson({ seeds, steps, count, cells });
