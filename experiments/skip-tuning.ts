// Skip-Tuning (Ma et al. 2024): does a factor below 1 on the inner skip connections of a trained U-Net improve samples
// of few evaluations? One model, a deterministic and a stochastic sampler, kernel distance with the same noise for every
// factor; and the error of denoising, level by level, in pixels and in features.
// npx tsx experiments/skip-tuning.ts [--run FOLDER] [--count 2000] [--quick | --full] [--data NAME] [--json] [--markdown] [--seeds 0,1,2] [--threads 1] [--minutes 10]
// Without --run the model is trained first. Cells that are done are read from runs/experiments/skip-tuning, where the
// pictures are written too. --full has more evaluations and factors, the placement behind the norm, and a U-Net without
// projections around its blocks, which is trained besides.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { train } from "reparam";
import { linePlot, type Series, svgToPng } from "reparam/report";
import { openTrained } from "../src/cli/runs.ts";
import type { Context } from "../src/cli/terminal.ts";
import { createFeatureExtractor, kernelDistance } from "../src/metrics/index.ts";
import { compileFunction, type KnobTuning, rowsOf, tuneKnob } from "../src/run/index.ts";
import type { Tensor } from "../src/tensor/index.ts";
import { fileOf } from "./figures/cells.ts";
import {
  flag,
  full,
  numberOf,
  printJson,
  quick,
  rootOf,
  seeds,
  table,
  threads,
} from "./figures/command-line.ts";
import { keptInTime } from "./figures/in-time.ts";
import { denoisingLosses, type LossPoint } from "./skip-tuning/losses.ts";

const root = rootOf("skip-tuning", { fullAdds: true });
const count = numberOf("count", quick ? 16 : 2000);
const samplers = quick ? ["dpm-solver++2m"] : ["dpm-solver++2m", "euler-ancestral"];
const stepCounts = quick ? [2] : full ? [5, 9, 14, 20, 40] : [5, 9, 18];
const rhos = quick ? [0.8] : full ? [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1] : [0.7, 0.8, 0.9, 1, 1.1];
/** Where the factors act, and whether blocks that change the number of channels have a projection around them. */
interface Kind {
  readonly placement: "before-concatenation" | "after-norm";
  readonly projection: boolean;
}
const kinds: readonly Kind[] = [true, ...(full ? [false] : [])].flatMap((projection) =>
  (["before-concatenation", ...(full ? (["after-norm"] as const) : [])] as const).map(
    (placement) => ({ placement, projection }),
  ),
);
const kindName = ({ placement, projection }: Kind): string =>
  projection ? placement : `${placement}-no-projection`;
const sigmas = quick ? [1] : [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const lossImages = quick ? 16 : full ? 1000 : 128;

const context = { note: (text: string) => console.error(text) } as unknown as Context;

/** The model: that of a run, or a new one that goes on where it was killed. */
async function open({ placement, projection }: Kind) {
  const folder = flag("run");
  const options = { skipPlacement: placement };
  if (folder !== undefined && projection) return openTrained(folder, context, options);
  const data = flag("data") ?? "fashion-mnist";
  const sizes = quick ? { width: 8, patch: 4, multipliers: "1" } : { width: 24, sigmaData: 0.7 };
  const made = `${root}/model${projection ? "" : "-no-projection"}`;
  await mkdir(made, { recursive: true });
  return train("diffusion", {
    ...{ data, folder: made, threads, batchSize: 32, steps: quick ? 3 : 3000 },
    load: { validation: quick ? 0 : 500 },
    options: { conditional: true, learningRate: 1.5e-3, projection, ...sizes, ...options },
  });
}

interface Cell {
  readonly kind: string;
  readonly sampler: string;
  readonly steps: number;
  readonly tuning: KnobTuning;
}

await mkdir(root, { recursive: true });
const name = flag("data") === undefined ? "fashion-mnist" : "mnist";
const model = new Uint8Array(
  await readFile(new URL(`../assets/features/${name}.onnx`, import.meta.url)),
);
const extractor = await createFeatureExtractor(model, { threads });
const results: Cell[] = [];
let losses: LossPoint[] | undefined;
let missing = 0;
for (const each of kinds) {
  const kind = kindName(each);
  const { method, weights, dataset } = await open(each);
  const kinds = rowsOf(dataset.test, 0, Math.min(count, dataset.test.length));
  const real = await extractor.features(kinds.image as Tensor);
  losses ??= await keptInTime(fileOf(root, `losses-${lossImages}`), () => {
    const { image, label } = rowsOf(dataset.test, 0, Math.min(lossImages, dataset.test.length));
    const images = { image: image as Tensor, label: label as Tensor };
    return denoisingLosses({ method, weights }, images, { sigmas, rhos, extractor, threads });
  });
  for (const sampler of samplers) {
    for (const steps of stepCounts) {
      const cell = fileOf(root, `${kind}-${sampler}-${steps}-${count}`);
      const tuning = await keptInTime(cell, async () => {
        const options = { sampler, steps };
        const sample = await compileFunction(method, "sample", weights, { threads, options });
        const found = await tuneKnob(sample, {
          ...{ knob: "rhoBottom", values: rhos, count, seeds },
          distance: async ({ image }) => {
            const features = await extractor.features(image as Tensor);
            const subsetSize = Math.min(real.shape[0] as number, features.shape[0] as number);
            return (await kernelDistance(real, features, { subsetSize, threads })).distance;
          },
        });
        await sample.release();
        return found;
      });
      if (tuning === undefined) missing += 1;
      else results.push({ kind, sampler, steps, tuning });
    }
  }
}
await extractor.release();

const figure = ({ mean, standardError }: { mean: number; standardError: number }): string =>
  seeds.length > 1 ? `${mean.toFixed(4)} ± ${standardError.toFixed(4)}` : mean.toFixed(4);
const rows = results.map(({ kind, sampler, steps, tuning: { points, best } }) => [
  ...(kinds.length > 1 ? [kind] : []),
  ...[sampler, String(steps)],
  ...points.map(({ distance }) => figure(distance)),
  `${best.value}: ${figure(best.gain)}`,
]);
const values = results[0]?.tuning.points.map(({ value }) => `ρ_bottom ${value}`) ?? [];
const head = [...(kinds.length > 1 ? ["factors act"] : []), "sampler", "evaluations"];
console.log(table([...head, ...values, "best, less that at 1"], rows));
const levels = [...new Set(losses?.map(({ sigma }) => sigma))].map((sigma) => {
  const own = (losses ?? []).filter((point) => point.sigma === sigma);
  const plain = own.find(({ rhoBottom }) => rhoBottom === 1) as LossPoint;
  const ratios = own
    .filter(({ rhoBottom }) => rhoBottom !== 1)
    .sort((a, b) => a.rhoBottom - b.rhoBottom)
    .flatMap((point) => [
      `${(point.pixels / plain.pixels).toFixed(3)} ± ${(point.pixelsError / plain.pixels).toFixed(3)}`,
      `${(point.features / plain.features).toFixed(3)} ± ${(point.featuresError / plain.features).toFixed(3)}`,
    ]);
  return [String(sigma), plain.pixels.toExponential(2), plain.features.toExponential(2), ...ratios];
});
const tried = [...new Set(losses?.map(({ rhoBottom }) => rhoBottom))]
  .filter((rho) => rho !== 1)
  .sort();
console.log(
  table(
    [
      "σ",
      "pixels, ρ 1",
      "features, ρ 1",
      ...tried.flatMap((rho) => [`pixels, ${rho}`, `features, ${rho}`]),
    ],
    levels,
  ),
);
console.log(
  `${count} samples of each factor and seed against as many test images, extractor ${extractor.sha256.slice(0, 12)}; seeds ${seeds.join(", ")}, mean ± standard error; losses of ${lossImages} test images with their classes, as shares of those at ρ_bottom 1 ± standard error of the difference; ${missing} cells missing`,
);

const series = (sampler: string): Series[] =>
  results
    .filter((cell) => cell.sampler === sampler && cell.kind === kindName(kinds[0] as Kind))
    .map(({ steps, tuning: { points } }) => {
      const y = points.map(({ gain }) => gain.mean);
      const off = points.map(({ gain }) => gain.standardError);
      return {
        ...{ name: `${steps} evaluations`, x: points.map(({ value }) => value), y, dots: true },
        band: { low: y.map((v, i) => v - (off[i] ?? 0)), high: y.map((v, i) => v + (off[i] ?? 0)) },
      };
    });
for (const sampler of samplers) {
  if (series(sampler).length === 0) continue;
  const svg = linePlot({
    title: sampler,
    x: { label: "ρ_bottom" },
    y: { label: "kernel distance less that at 1, same noise" },
    series: series(sampler),
  });
  await writeFile(`${root}/skip-tuning-${sampler.replaceAll("+", "p")}.png`, await svgToPng(svg));
}
const cells = {
  ...Object.fromEntries(
    results.map(({ kind, sampler, steps, tuning }) => [
      `${kind}, ${sampler}, ${steps}`,
      tuning.points.map(({ value, distances }) => [value, ...distances]),
    ]),
  ),
  losses,
};
printJson({ seeds, count, cells });
