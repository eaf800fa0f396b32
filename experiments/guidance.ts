// Guidance without a classifier (Ho, Salimans, "Classifier-free diffusion guidance", 2022): one conditional model of
// Fashion-MNIST, whose training withheld some classes, at several scales. Fidelity rises and variety falls.
// npx tsx experiments/guidance.ts [--run FOLDER] [--count 500] [--steps 12] [--quick | --full] [--data NAME] [--json] [--markdown] [--seeds 0,1,2] [--threads 1] [--minutes 10]
// All scales have the same noise and classes. Without --run a small model is trained first. Cells that are done are read
// from runs/experiments/guidance, where the pictures are written too.
import { readFile, writeFile } from "node:fs/promises";
import { train } from "reparam";
import {
  createFeatureExtractor,
  featureStatistics,
  frechetDistance,
  kernelDistance,
  manifoldFigures,
} from "reparam/metrics";
import { encodePng, imageGrid, linePlot, svgToPng } from "reparam/report";
import type { Tensor } from "reparam/tensor";
import { fileOf } from "./figures/cells.ts";
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
import { openModel } from "./samplers/model.ts";

const root = rootOf("guidance", { fullAdds: true });
const scales = sized([1, 2], [0, 1, 1.5, 2, 3, 5], [0, 0.5, 1, 1.25, 1.5, 2, 3, 5, 8]);
const count = numberOf("count", sized(16, 500, 2000));
const steps = numberOf("steps", quick ? 2 : 12);
const data = flag("data") ?? "fashion-mnist";

const model = await openModel(flag("run"), { data, quick, threads, train, conditional: true });
const extractor = await createFeatureExtractor(
  new Uint8Array(await readFile(new URL("../assets/features/fashion-mnist.onnx", import.meta.url))),
  { threads },
);
const realCount = sized(16, 1000, 5000);
const real = await extractor.features(model.test(realCount));

/** Share of images [N, …] that the classifier puts into the class that they were asked for: 0 … 9 in turn. */
function accuracyOf({ shape, data: logits }: Tensor): number {
  const [n = 0, classes = 1] = shape;
  let hits = 0;
  for (let row = 0; row < n; row++) {
    const own = logits.slice(row * classes, (row + 1) * classes) as Float32Array;
    if (own.indexOf(Math.max(...own)) === row % 10) hits++;
  }
  return hits / n;
}

interface Figures {
  readonly frechet: number;
  readonly kernel: number;
  readonly precision: number;
  readonly recall: number;
  readonly coverage: number;
  readonly accuracy: number;
}

/** Generated features [N, D], or those of other test images, beside the real ones. */
async function compared(features: Tensor): Promise<Omit<Figures, "accuracy">> {
  const { precision, recall, coverage } = await manifoldFigures(real, features, { threads });
  const subsetSize = Math.min(features.shape[0] as number, real.shape[0] as number);
  return {
    frechet: frechetDistance(featureStatistics(real), featureStatistics(features)),
    kernel: (await kernelDistance(real, features, { subsetSize, threads })).distance,
    ...{ precision, recall, coverage },
  };
}

async function measured(guidance: number, seed: number): Promise<Figures> {
  const images = await model.sample({ sampler: "dpm-solver++2m", steps, guidance }, count, seed);
  if (seed === 0) {
    const [channels, height, width] = model.row as [number, number, number];
    const shown = Math.min(40, count);
    const first = images.data.slice(0, shown * channels * height * width) as Float32Array;
    const grid = { ...images, shape: [shown, channels, height, width], data: first } as Tensor;
    await writeFile(
      `${root}/guidance-${guidance}.png`,
      await encodePng(imageGrid(grid, { columns: 10 })),
    );
  }
  const { features, logits } = await extractor.extract(images);
  return { ...(await compared(features)), accuracy: accuracyOf(logits as Tensor) };
}

const cells: Record<string, Figures[]> = {};
let missing = 0;
for (const seed of seeds) {
  for (const scale of scales) {
    const file = fileOf(root, `${scale}-${steps}-${count}-seed${seed}`);
    const figures = await keptInTime(file, () => measured(scale, seed));
    if (figures === undefined) missing += 1;
    else cells[scale] = [...(cells[scale] ?? []), figures];
  }
}
// What a perfect sampler would show: as many other test images.
const others = await extractor.features(model.test(realCount + count));
const [, size = 0] = others.shape;
const last = Math.min(count, others.shape[0] as number);
const floor = await compared({
  ...{ dtype: "float32", shape: [last, size] },
  data: (others.data as Float32Array<ArrayBuffer>).slice(-last * size),
});
await extractor.release();

const names = ["frechet", "kernel", "accuracy", "precision", "recall", "coverage"] as const;
const found = scales.filter((scale) => cells[scale] !== undefined);
const column = (scale: number, name: (typeof names)[number]): number[] =>
  (cells[scale] as Figures[]).map((figures) => figures[name]);
console.log(
  table(
    ["scale", "Fréchet distance", "kernel distance", "accuracy", "precision", "recall", "coverage"],
    [
      ...found.map((scale) => [
        String(scale),
        ...names.map((name) => spreadOfSeveral(column(scale, name), 3)),
      ]),
      [
        "other test images",
        ...names.map((name) => (name === "accuracy" ? "" : floor[name].toFixed(3))),
      ],
    ],
  ),
);
console.log(
  `${count} images of each scale and seed, classes in turn, dpm-solver++2m in ${steps} steps, against ${realCount} test images; features and classifier ${extractor.sha256.slice(0, 12)}; mean ± standard deviation over seeds ${seeds.join(", ")} of the noise; ${missing} cells missing. ${model.about}`,
);
if (found.length > 1) {
  const svg = linePlot({
    title: "Guidance on Fashion-MNIST",
    x: { label: "guidance scale" },
    y: { label: "share" },
    series: names.slice(2).map((name) => ({
      ...{ name, dots: true, x: found },
      y: found.map((scale) => meanOf(column(scale, name))),
    })),
  });
  await writeFile(`${root}/guidance.png`, await svgToPng(svg));
}
printJson({ seeds, count, steps, floor, cells });
