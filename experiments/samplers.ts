// Samplers on one trained model of Fashion-MNIST: how far each ends from the exact flow, and the kernel distance of its
// images from test images, against evaluations of the network, with the same noise for all.
// npx tsx experiments/samplers.ts [--run FOLDER] [--count 64] [--frechet 300] [--quick | --full] [--data NAME] [--json] [--markdown] [--seeds 0,1,2] [--threads 1] [--minutes 10]
// --count are the images of each cell, --frechet those of the cells of two samplers whose Fréchet distance is measured.
// Cells that are done are read from runs/experiments/samplers, where the picture is written too. Without --run a small
// model is trained first.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { train } from "reparam";
import {
  createFeatureExtractor,
  featureStatistics,
  frechetDistance,
  kernelDistance,
} from "reparam/metrics";
import { linePlot, svgToPng } from "reparam/report";
import { tensorOf } from "reparam/tensor";
import { fileOf, kept } from "./figures/cells.ts";
import {
  flag,
  numberOf,
  printJson,
  quick,
  rootOf,
  seeds,
  sized,
  table,
  threads,
} from "./figures/command-line.ts";
import { keptInTime } from "./figures/in-time.ts";
import { meanOf, spreadOfSeveral } from "./figures/spread.ts";
import { type ImageSampler, openModel } from "./samplers/model.ts";

const root = rootOf("samplers", { fullAdds: true });
await mkdir(root, { recursive: true });
const count = numberOf("count", sized(4, 64, 500));
const frechetCount = numberOf("frechet", sized(16, 300, 2000));
const budgets = sized([3], [6, 12, 24], [6, 12, 24, 48]);
const frechetSteps = sized([2], [5, 10, 20], [5, 10, 20, 40]);
const all: readonly ImageSampler[] = [
  { sampler: "ddim" },
  { sampler: "heun" },
  { sampler: "dpm-solver-2" },
  { sampler: "dpm-solver++2m" },
  { sampler: "dpm-solver++3m" },
  { sampler: "unipc", order: 2 },
  { sampler: "deis", order: 3 },
  { sampler: "ddpm" },
  { sampler: "dpm-solver++2m-sde" },
];
const samplers = quick ? all.slice(0, 3) : all;
const perStep: Readonly<Record<string, number>> = { heun: 2, "dpm-solver-2": 2 };

const data = flag("data") ?? "fashion-mnist";
const model = await openModel(flag("run"), { data, quick, threads, train });
const extractor = await createFeatureExtractor(
  new Uint8Array(await readFile(new URL("../assets/features/fashion-mnist.onnx", import.meta.url))),
  { threads },
);

let missing = 0;
/** A cell of the grid, once; undefined when the time is over. */
async function cell<T>(name: string, compute: () => Promise<T>): Promise<T | undefined> {
  const found = await keptInTime(fileOf(root, name), compute);
  if (found === undefined) missing += 1;
  return found;
}

const imagesOf = async (options: ImageSampler, steps: number, seed: number): Promise<number[]> =>
  Array.from(
    (await model.sample({ ...options, steps }, count, seed)).data as Float32Array,
    (v) => Math.round(v * 1e4) / 1e4,
  );
const exactSteps = quick ? 6 : 60;
const exact = (seed: number): Promise<number[]> =>
  kept(fileOf(root, `exact-${count}-${seed}`), () =>
    imagesOf({ sampler: "dpm-solver++3m" }, exactSteps, seed),
  );
const shape = [count, ...model.row];
const real = await extractor.features(model.test(Math.max(count * seeds.length, 8)));

interface Result {
  readonly evaluations: number;
  /** Root mean square difference of pixels from the exact flow of the same noise, of 0 … 1. */
  readonly error: number;
  readonly kernel: number;
}

async function measure(options: ImageSampler, budget: number, seed: number): Promise<Result> {
  const steps = Math.max(1, Math.round(budget / (perStep[options.sampler] ?? 1)));
  const made = await imagesOf(options, steps, seed);
  const end = await exact(seed);
  const squares = made.reduce((sum, v, i) => sum + (v - end[i]!) ** 2, 0);
  const fake = await extractor.features(tensorOf(made, shape));
  const subsetSize = Math.min(count, real.shape[0] as number);
  const { distance } = await kernelDistance(real, fake, { subsetSize, threads });
  const evaluations = steps * (perStep[options.sampler] ?? 1) - (perStep[options.sampler] ? 1 : 0);
  return { evaluations, error: Math.sqrt(squares / made.length), kernel: distance };
}

const frechetReal = sized(16, 1000, 5000);
let moments: ReturnType<typeof featureStatistics> | undefined;
/** Fréchet distance of images from test images. */
async function frechet(sampler: ImageSampler, steps: number, seed: number): Promise<number> {
  moments ??= featureStatistics(await extractor.features(model.test(frechetReal)));
  const images = await model.sample({ ...sampler, steps }, frechetCount, seed);
  return frechetDistance(moments, featureStatistics(await extractor.features(images)));
}

const nameOf = ({ sampler, order }: ImageSampler): string =>
  order === undefined ? sampler : `${sampler} ${order}`;
const random = (options: ImageSampler): boolean => /ddpm|sde/.test(options.sampler);
const cells: Record<string, object> = {};
const rows: string[][] = [];
const curves: { name: string; x: number[]; y: number[] }[] = [];
for (const options of samplers) {
  const [x, y]: [number[], number[]] = [[], []];
  const name = nameOf(options);
  for (const budget of budgets) {
    const results: Result[] = [];
    for (const seed of seeds) {
      const found = await cell(`${name}-${budget}-${count}-${seed}`, () =>
        measure(options, budget, seed),
      );
      if (found !== undefined) results.push(found);
    }
    if (results.length === 0) continue;
    const errors = results.map(({ error }) => error);
    const kernels = results.map(({ kernel }) => kernel);
    const { evaluations } = results[0] as Result;
    const error = random(options) ? "" : spreadOfSeveral(errors, 4);
    rows.push([name, String(evaluations), error, spreadOfSeveral(kernels, 4)]);
    x.push(evaluations);
    y.push(meanOf(kernels));
    cells[`${name} ${budget}`] = { evaluations, errors, kernels };
  }
  curves.push({ name, x, y });
}
const frechetRows: string[][] = [];
const frechetSamplers: readonly ImageSampler[] = [
  { sampler: "dpm-solver++2m" },
  { sampler: "dpm-solver++2m-sde" },
];
for (const options of frechetSamplers) {
  const row: string[] = [options.sampler];
  for (const steps of frechetSteps) {
    const found: number[] = [];
    for (const seed of seeds) {
      const name = `frechet-${options.sampler}-${steps}-${frechetCount}-${seed}`;
      const distance = await cell(name, () => frechet(options, steps, seed));
      if (distance !== undefined) found.push(distance);
    }
    row.push(found.length === 0 ? "" : spreadOfSeveral(found, 3));
    cells[`frechet ${options.sampler} ${steps}`] = { distances: found };
  }
  frechetRows.push(row);
}
await extractor.release();
console.log(table(["sampler", "evaluations", "error of pixels", "kernel distance"], rows));
console.log(
  table(["Fréchet distance", ...frechetSteps.map((steps) => `${steps} evaluations`)], frechetRows),
);
console.log(
  `${count} images of each cell and seed, against ${count * seeds.length} test images; pixels in 0 … 1 against ${exactSteps} steps of dpm-solver++3m; Fréchet distances of ${frechetCount} images to ${frechetReal}; features ${extractor.sha256.slice(0, 12)}; mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} cells missing. ${model.about}`,
);
if (!quick && curves.every(({ x }) => x.length > 0)) {
  const svg = linePlot({
    title: "Kernel distance from test images",
    x: { label: "evaluations", scale: "log" },
    y: { label: "kernel distance", scale: "log" },
    series: curves,
  });
  await writeFile(`${root}/samplers-distance.png`, await svgToPng(svg));
}
printJson({ seeds, count, cells });
