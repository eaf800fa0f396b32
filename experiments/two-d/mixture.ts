// The exact mixture, and where samplers take fixed points of it.

import {
  askMixture,
  type GaussianMixture,
  levelAt,
  levelOf,
  type MixtureAnswer,
  noiseProcess,
  type ProcessName,
  type SamplerOptions,
  type SamplingResult,
  sampleDiffusion,
} from "reparam/methods/diffusion";
import { fillNormal, fillUniform, type Tensor, tensorOf } from "reparam/tensor";

export type Sampler = SamplerOptions & { readonly sampler: NonNullable<SamplerOptions["sampler"]> };

/** Of mean 0. */
const parts: GaussianMixture = {
  weights: [0.3, 0.5, 0.2],
  means: [
    [-1.14, 0.31],
    [0.66, -0.59],
    [0.06, 1.01],
  ],
  stds: [0.35, 0.5, 0.25],
};

export const mixture = (x: Tensor, level: { alpha: number; sigma: number }): MixtureAnswer =>
  askMixture(parts, x, level);

const normal = (count: number, path: string): Tensor => {
  const data = new Float64Array(2 * count);
  fillNormal(data, { seed: 0, step: 0, path });
  return tensorOf(data, [count, 2], "float64");
};

/** Where a sampler ends from the same standard normal points: between σ/α of 3 and 0.15, or from all noise to none. */
export async function endOf(
  name: ProcessName,
  options: Sampler,
  interior: boolean,
): Promise<SamplingResult> {
  const process = noiseProcess(name);
  const interval = interior ? [levelOf(process, 0.15).t, levelOf(process, 3).t] : process.interval;
  const [least, most] = interval as [number, number];
  const points = normal(interior ? 6 : 500, "start");
  const { sigma } = levelAt(process, most);
  const start = {
    ...points,
    data: (points.data as Float64Array<ArrayBuffer>).map((v) => v * sigma),
  };
  return sampleDiffusion((x, level) => mixture(x, level).denoised, {
    ...{ process, shape: start.shape, start, interval: [least, most] },
    ...options,
    ...(interior && { finish: "least" }),
  });
}

const exact = new Map<string, Promise<SamplingResult>>();

export async function exactEnd(name: ProcessName, interior: boolean): Promise<Tensor> {
  const key = `${name} ${interior}`;
  const options = { sampler: "adaptive", tolerance: interior ? 1e-12 : 1e-9 } as const;
  const found = exact.get(key) ?? endOf(name, options, interior);
  exact.set(key, found);
  return (await found).x;
}

/** Root mean square over rows of the distance. */
export function errorTo(a: Tensor, b: Tensor): number {
  const squares = (a.data as Float64Array).reduce((s, v, i) => s + (v - Number(b.data[i])) ** 2, 0);
  return Math.sqrt(squares / (a.shape[0] ?? 1));
}

/** Draws of the mixture itself. */
export function likelihoodRows(count: number): Tensor {
  const noise = normal(count, "data").data as Float64Array;
  const uniforms = new Float64Array(count);
  fillUniform(uniforms, { seed: 0, step: 0, path: "part" });
  const data = new Float64Array(2 * count);
  for (const [i, u] of uniforms.entries()) {
    const k = u < 0.3 ? 0 : u < 0.8 ? 1 : 2;
    for (const d of [0, 1])
      data[2 * i + d] = parts.means[k]![d]! + parts.stds[k]! * noise[2 * i + d]!;
  }
  return tensorOf(data, [count, 2], "float64");
}
