// Samples of few evaluations beside exact ones.
import { noiseProcess, sampleDiffusion } from "reparam/methods/diffusion";
import { scatterPlot, svgToPng } from "reparam/report";
import type { Tensor } from "reparam/tensor";
import { likelihoodRows, mixture, type Sampler } from "./mixture.ts";

const few: readonly (readonly [string, Sampler])[] = [
  ["ddim", { sampler: "ddim", steps: 6 }],
  ["unipc 2", { sampler: "unipc", order: 2, steps: 6 }],
  ["dpm-solver++2m", { sampler: "dpm-solver++2m", steps: 6 }],
];

export interface NamedPoints {
  readonly name: string;
  readonly points: Tensor;
}

/** Samples by each sampler, and draws of the mixture. */
export async function sampled(count: number): Promise<NamedPoints[]> {
  const made: NamedPoints[] = [{ name: "data", points: likelihoodRows(count) }];
  for (const [name, options] of few) {
    const { x } = await sampleDiffusion((rows, level) => mixture(rows, level).denoised, {
      ...{ process: noiseProcess("edm"), shape: [count, 2], dtype: "float64", seed: 1 },
      ...options,
    });
    made.push({ name, points: x });
  }
  return made;
}

/** Side by side, each moved to the right by its place. */
export function samplePicture(sets: readonly NamedPoints[]): Promise<Uint8Array> {
  const apart = 4.5;
  const all = sets.flatMap(({ name, points }, place) =>
    Array.from({ length: points.shape[0] ?? 0 }, (_, i) => ({
      name,
      x: Number(points.data[2 * i]) + apart * place,
      y: Number(points.data[2 * i + 1]),
    })),
  );
  return svgToPng(
    scatterPlot({
      title: "Draws of the mixture, and samples of six evaluations",
      x: { label: `x[0], each set ${apart} further to the right` },
      y: { label: "x[1]" },
      points: { x: all.map(({ x }) => x), y: all.map(({ y }) => y) },
      classes: all.map(({ name }) => name),
      equalUnits: true,
      ...{ width: 900, height: 320 },
    }),
  );
}
