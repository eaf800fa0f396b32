// How well noise is taken out, level by level, with factors on the skip connections: in pixels and in features.
import type { FeatureExtractor } from "../../src/metrics/index.ts";
import { compileFunction } from "../../src/run/index.ts";
import type { Method } from "../../src/step/index.ts";
import { fillNormal, scalar, type Tensor, type Tree } from "../../src/tensor/index.ts";

export interface LossPoint {
  readonly sigma: number;
  readonly rhoBottom: number;
  /** Mean squared error of x̂₀, of a pixel on the scale −1 … 1; and of a feature of it. */
  readonly pixels: number;
  readonly features: number;
  /** Of the difference to rhoBottom 1, over images: same images and noise. */
  readonly pixelsError: number;
  readonly featuresError: number;
}

/** Squared differences of each row, mean over its numbers. */
function rowErrors(a: Tensor, b: Tensor): number[] {
  const [count = 0] = a.shape;
  const size = a.data.length / count;
  return Array.from({ length: count }, (_, row) => {
    let sum = 0;
    for (let i = row * size; i < (row + 1) * size; i++) {
      sum += (Number(a.data[i]) - Number(b.data[i])) ** 2;
    }
    return sum / size;
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard error of the mean of paired differences. */
function differenceError(a: readonly number[], b: readonly number[]): number {
  const gaps = a.map((value, i) => value - (b[i] as number));
  const centre = mean(gaps);
  const squares = gaps.reduce((sum, gap) => sum + (gap - centre) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, gaps.length - 1) / gaps.length);
}

/** Of test images [N, C, H, W], bytes, with their classes. Noise levels σ of a process with α = 1. */
export async function denoisingLosses(
  { method, weights }: { readonly method: Method; readonly weights: Tree<Tensor> },
  { image, label }: { readonly image: Tensor; readonly label: Tensor },
  {
    sigmas,
    rhos,
    extractor,
    threads,
  }: {
    readonly sigmas: readonly number[];
    readonly rhos: readonly number[];
    readonly extractor: FeatureExtractor;
    readonly threads: number;
  },
): Promise<LossPoint[]> {
  const denoise = await compileFunction(method, "denoise", weights, { threads });
  const [count = 0] = image.shape;
  const clean = Float32Array.from(image.data as Uint8Array, (byte) => (byte * 2) / 255 - 1);
  const unit = (x: Tensor): Tensor => ({
    ...x,
    data: (x.data as Float32Array<ArrayBuffer>).map((v) => Math.min(1, Math.max(0, (v + 1) / 2))),
  });
  const x0: Tensor = { dtype: "float32", shape: image.shape, data: clean };
  const trueFeatures = await extractor.features(unit(x0));
  const noise = new Float32Array(clean.length);
  const points: LossPoint[] = [];
  for (const [step, sigma] of sigmas.entries()) {
    fillNormal(noise, { seed: 0, step, path: "losses" });
    const noisy: Tensor = { ...x0, data: clean.map((v, i) => v + sigma * (noise[i] as number)) };
    const time: Tensor = {
      ...{ dtype: "float32", shape: [count] },
      data: new Float32Array(count).fill(sigma),
    };
    const errors = new Map<number, { pixels: number[]; features: number[] }>();
    for (const rho of [...new Set([1, ...rhos])]) {
      const given = {
        ...{ noisy, time, rhoBottom: scalar(rho) },
        ...("label" in denoise.definition.inputs && { label }),
      };
      const denoised = (await denoise.run(given)).denoised as Tensor;
      errors.set(rho, {
        pixels: rowErrors(denoised, x0),
        features: rowErrors(await extractor.features(unit(denoised)), trueFeatures),
      });
    }
    const plain = errors.get(1) as { pixels: number[]; features: number[] };
    for (const [rhoBottom, { pixels, features }] of errors) {
      points.push({
        ...{ sigma, rhoBottom, pixels: mean(pixels), features: mean(features) },
        pixelsError: differenceError(pixels, plain.pixels),
        featuresError: differenceError(features, plain.features),
      });
    }
  }
  await denoise.release();
  return points;
}
