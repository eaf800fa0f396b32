// Reflow (Liu, Gong, Liu, "Flow straight and fast", 2023, section 2.2): a flow is trained again on the pairs of noise and
// data that it made itself. Its paths become straighter, and few Euler steps are enough.
// npx tsx experiments/reflow.ts [--quick] [--json] [--markdown] [--seeds 0,1,2] [--threads 1] [--minutes 10]
// Cells that are done are read from runs/experiments/reflow; one that was killed goes on. The picture is written there.
import { mkdir, writeFile } from "node:fs/promises";
import { type Dataset, drawPairs, train } from "reparam";
import { drawSamples } from "reparam/report";
import { slicedWasserstein } from "../src/metrics/index.ts";
import { compileFunction, rowsOf } from "../src/run/index.ts";
import type { Method } from "../src/step/index.ts";
import { fillNormal, type Tensor, type Tree } from "../src/tensor/index.ts";
import { printJson, quick, rootOf, seeds, table, threads } from "./figures/command-line.ts";
import { keptInTime } from "./figures/in-time.ts";
import { spreadOfSeveral } from "./figures/spread.ts";

const root = rootOf("reflow");
const stepCounts = quick ? [1, 2] : [1, 2, 4, 20];
const [steps, batchSize, count, pairs] = quick ? [20, 64, 200, 200] : [1000, 256, 4000, 10_000];
const pairSteps = quick ? 4 : 30;
const rounds = 2;
const data = "eight-gaussians";

interface Model {
  readonly method: Method;
  readonly weights: Tree<Tensor>;
}
type Figures = Readonly<Record<string, number>>;

/** Samples of given noise by Euler steps, of which ddim takes the same where α and σ are linear in t. */
async function sampled({ method, weights }: Model, noise: Tensor, each: number): Promise<Tensor> {
  const options = { sampler: "ddim", steps: each, spacing: "uniform" };
  const sample = await compileFunction(method, "sample", weights, { threads, options });
  const { x } = await sample.run({ noise });
  await sample.release();
  return x as Tensor;
}

function noiseOf(size: number, seed: number, path: string): Tensor {
  const made = new Float32Array(2 * size);
  fillNormal(made, { seed, step: 0, path: `reflow.${path}` });
  return { dtype: "float32", shape: [size, 2], data: made };
}

/**
 * E‖(x₁ − x₀) − v(x_t, t)‖² along the flow's own straight lines from noise x₁ to what it makes of it, x₀ (equation 4 of
 * the paper): 0 for straight paths. v = (x_t − x̂₀)/t.
 */
async function curvature({ method, weights }: Model, noise: Tensor, made: Tensor): Promise<number> {
  const denoise = await compileFunction(method, "denoise", weights, { threads });
  const [size = 0] = noise.shape;
  const [from, to] = [made.data as Float32Array, noise.data as Float32Array];
  const times = Array.from({ length: 10 }, (_, i) => (i + 0.5) / 10);
  let sum = 0;
  for (const t of times) {
    const data = Float32Array.from(from, (x, i) => (1 - t) * x + t * (to[i] as number));
    const noisy: Tensor = { ...noise, data };
    const time: Tensor = { dtype: "float32", shape: [size], data: new Float32Array(size).fill(t) };
    const denoised = (await denoise.run({ noisy, time })).denoised?.data as Float32Array;
    for (const [i, x] of data.entries()) {
      const v = (x - (denoised[i] as number)) / t;
      sum += ((to[i] as number) - (from[i] as number) - v) ** 2;
    }
  }
  await denoise.release();
  return sum / size / times.length;
}

/** All rounds of a seed. */
async function rounded(folder: string, seed: number): Promise<Figures[]> {
  const found: Figures[] = [];
  let source: string | Dataset = data;
  for (let round = 1; round <= rounds; round++) {
    console.error(`seed ${seed}, flow ${round} …`);
    const at = `${folder}/flow${round}`;
    await mkdir(at, { recursive: true });
    const model: Awaited<ReturnType<typeof train>> = await train("diffusion", {
      ...{ data: source, seed, folder: at, threads, steps, batchSize },
      load: { validation: 0, ...(quick && { toySize: 800 }) },
      options: { prediction: "flow", times: "uniform", width: 64, layers: 3, halfLives: "20" },
    });
    const test = rowsOf(model.dataset.test, 0, Math.min(count, model.dataset.test.length));
    const noise = noiseOf(test.x?.shape[0] as number, seed, "test");
    const figures: Record<string, number> = {};
    for (const each of stepCounts) {
      const made = await sampled(model, noise, each);
      figures[each] = slicedWasserstein(made, test.x as Tensor);
      if (seed !== 0 || each > 2) continue;
      const png = await drawSamples(made, { data: test.x as Tensor });
      await writeFile(`${root}/flow${round}-steps${each}.png`, png);
    }
    const made = await sampled(model, noise, pairSteps);
    figures.curvature = await curvature(model, noise, made);
    found.push(figures);
    if (round < rounds) {
      const options = { sampler: "ddim", steps: pairSteps, spacing: "uniform" };
      const drawn = await drawPairs(model, pairs, { seed, threads, options });
      source = { ...model.dataset, train: drawn };
    }
  }
  return found;
}

const cells: Record<string, Figures[]> = {};
let missing = 0;
for (const seed of seeds) {
  const folder = `${root}/seed${seed}`;
  const found = await keptInTime(`${folder}/figures.json`, () => rounded(folder, seed));
  if (found === undefined) missing += 1;
  for (const [i, figures] of (found ?? []).entries()) {
    const name = `${i + 1}-rectified flow`;
    cells[name] = [...(cells[name] ?? []), figures];
  }
}
const rows = Object.entries(cells).map(([name, figures]) => [
  name,
  spreadOfSeveral(
    figures.map((f) => f.curvature as number),
    4,
  ),
  ...stepCounts.map((each) =>
    spreadOfSeveral(
      figures.map((f) => f[each] as number),
      4,
    ),
  ),
]);
console.log(table(["", "curvature", ...stepCounts.map((n) => `${n} Euler steps`)], rows));
console.log(
  `sliced Wasserstein distance of ${count} samples to test points; ${steps} updates of batches of ${batchSize} a flow, ${pairs} pairs by ${pairSteps} steps; mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} seeds missing`,
);
printJson({ seeds, steps, count, cells });
