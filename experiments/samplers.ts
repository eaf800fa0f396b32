// Samplers on one trained model of Fashion-MNIST: how far each ends from the exact flow, and the kernel distance of its
// images from test images, against evaluations of the network, with the same noise for all.
// npx tsx experiments/samplers.ts [--run FOLDER] [--quick] [--full] [--json] [--data NAME] [--threads N]
// Cells that are done are read from runs/experiments/samplers. Without --run a small model is trained first.
// Without --quick it writes docs/results/samplers.md and its pictures.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { train } from "reparam";
import { createFeatureExtractor, kernelDistance } from "reparam/metrics";
import { linePlot, markdownTable, svgToPng, textTable } from "reparam/report";
import { tensorOf } from "reparam/tensor";
import { spreadOfSeveral } from "./figures/spread.ts";
import { type ImageSampler, openModel } from "./samplers/model.ts";

const { values } = parseArgs({
  options: {
    ...{ run: { type: "string" }, data: { type: "string", default: "fashion-mnist" } },
    ...{ quick: { type: "boolean" }, full: { type: "boolean" }, json: { type: "boolean" } },
    threads: { type: "string", default: "2" },
  },
});
const { quick = false, full = false } = values;
const cellsFolder = `runs/experiments/samplers${quick ? "-quick" : ""}`;
const folder = quick ? cellsFolder : "docs/results";
for (const each of [cellsFolder, folder]) mkdirSync(each, { recursive: true });
const threads = Number(values.threads);

const seeds = quick ? [0] : [0, 1, 2];
const count = quick ? 4 : full ? 500 : 64;
const budgets = quick ? [3] : full ? [6, 12, 24, 48] : [6, 12, 24];
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

const model = await openModel(values.run, { data: values.data, quick, threads, train });
const extractor = await createFeatureExtractor(
  new Uint8Array(readFileSync(new URL("../assets/features/fashion-mnist.onnx", import.meta.url))),
  { threads },
);

/** A cell of the grid, once. */
async function cell<T>(name: string, compute: () => Promise<T>): Promise<T> {
  const file = `${cellsFolder}/${name.replaceAll(/[^\w+-]/g, "_")}.json`;
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as T;
  const value = await compute();
  writeFileSync(file, JSON.stringify(value));
  return value;
}

const imagesOf = async (options: ImageSampler, steps: number, seed: number): Promise<number[]> =>
  Array.from(
    (await model.sample({ ...options, steps }, count, seed)).data as Float32Array,
    (v) => Math.round(v * 1e4) / 1e4,
  );
const exact = (seed: number) =>
  cell(`exact-${seed}`, () => imagesOf({ sampler: "dpm-solver++3m" }, quick ? 6 : 60, seed));
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

const name = ({ sampler, order }: ImageSampler): string =>
  order === undefined ? sampler : `${sampler} ${order}`;
const random = (options: ImageSampler): boolean => /ddpm|sde/.test(options.sampler);
const cells: Record<string, object> = {};
const rows: (string | number)[][] = [];
const curves: { name: string; x: number[]; y: number[] }[] = [];
for (const options of samplers) {
  const [x, y]: [number[], number[]] = [[], []];
  for (const budget of budgets) {
    const results: Result[] = [];
    for (const seed of seeds) {
      const key = `${name(options)}-${budget}-${seed}`;
      results.push(await cell(key, () => measure(options, budget, seed)));
    }
    const errors = results.map(({ error }) => error);
    const kernels = results.map(({ kernel }) => kernel);
    const { evaluations } = results[0]!;
    const error = random(options) ? "" : spreadOfSeveral(errors, 4);
    rows.push([name(options), evaluations, error, spreadOfSeveral(kernels, 4)]);
    x.push(evaluations);
    y.push(kernels.reduce((sum, v) => sum + v, 0) / kernels.length);
    cells[`${name(options)} ${budget}`] = { evaluations, errors, kernels };
  }
  curves.push({ name: name(options), x, y });
}
await extractor.release();
const columns = ["sampler", "evaluations", "error of pixels", "kernel distance"];
console.log(textTable(columns, rows));
if (!quick) {
  const svg = linePlot({
    title: "Kernel distance from test images",
    x: { label: "evaluations", scale: "log" },
    y: { label: "kernel distance", scale: "log" },
    series: curves,
  });
  writeFileSync(`${folder}/samplers-distance.png`, await svgToPng(svg));
}
writeFileSync(
  `${folder}/samplers.md`,
  `# Samplers on one model of Fashion-MNIST

\`\`\`
${model.command}
npx tsx experiments/samplers.ts${values.run === undefined ? "" : " --run runs/fashion"}${full ? " --full" : ""}
\`\`\`

${model.about} ${seeds.length} seeds of ${count} images each, classes in turn, no guidance, the spacing of Karras et al. and
the last step to no noise. All samplers begin from the same noise. *Error of pixels* is the root mean square difference,
of pixels in 0 … 1, from ${quick ? 6 : 60} steps of \`dpm-solver++3m\`, which stands for the exact flow; random samplers go elsewhere
and have none. *Kernel distance* is to ${count * seeds.length} test images, in the features of \`assets/features/fashion-mnist.onnx\`.
Mean ± standard deviation over seeds.

${markdownTable(columns, rows)}

![Kernel distance against evaluations](samplers-distance.png)
`,
);
if (values.json === true) console.log(JSON.stringify({ cells }));
