// Spherical Gaussians whose one variance goes to 0, beside k-means from the same start.
import { compileFunction } from "reparam";
import { openPartialFit } from "reparam/run";
import type { Tensor, Tree } from "reparam/tensor";
import { blobs, methodFor } from "./setting.ts";

export interface Limit {
  readonly variance: number;
  /** Mean entropy of the responsibilities, in nats: 0 where they are 0 and 1. */
  readonly entropy: number;
  /** Largest distance between a mean and the centre of k-means. */
  readonly distance: number;
}

const [count, components, size, iterations] = [600, 5, 2, 200];
const variances = [3, 1, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-6];

const tensorOf = (weights: Tree<Tensor>, name: string): Float64Array =>
  (weights as unknown as Record<string, Tensor>)[name]?.data as Float64Array;

/** 600 rows of unit variance around five centres of the plane; both begin at the first five rows. */
export async function kMeansLimit(seed: number): Promise<readonly Limit[]> {
  const x = blobs(count, { size, clusters: components, apart: 2.5, seed: 40 + seed });
  const start = [...(x.data as Float64Array).subarray(0, components * size)];
  const fitted = async (name: string, options: Readonly<Record<string, unknown>>) => {
    const method = await methodFor(name, options, size);
    const running = openPartialFit(method, { threads: 1 });
    for (let i = 0; i < iterations; i++) await running.partialFit({ x });
    const weights = running.weights();
    await running.release();
    return { method, weights };
  };
  const given = JSON.stringify({ centres: start });
  const clusters = await fitted("k-means", { clusters: components, parameters: given });
  const centres = tensorOf(clusters.weights, "centres");
  const limits: Limit[] = [];
  for (const variance of variances) {
    const parameters = {
      weights: Array(components).fill(1 / components),
      means: start,
      covariances: Array(components).fill(variance),
    };
    const { method, weights } = await fitted("gaussian-mixture", {
      ...{ components, covariance: "spherical", fixed: "weights,covariances" },
      parameters: JSON.stringify(parameters),
    });
    const encode = await compileFunction(method, "encode", weights, { threads: 1 });
    const { latent } = (await encode.run({ x })) as { readonly latent: Tensor };
    await encode.release();
    const entropy = (latent.data as Float64Array).reduce(
      (sum, r) => (r > 0 ? sum - (r * Math.log(r)) / count : sum),
      0,
    );
    limits.push({ variance, entropy, distance: farthest(tensorOf(weights, "means"), centres) });
  }
  return limits;
}

function farthest(a: Float64Array, b: Float64Array): number {
  let most = 0;
  for (let k = 0; k < a.length; k += size) {
    const square = [0, 1].reduce(
      (sum, j) => sum + ((a[k + j] as number) - (b[k + j] as number)) ** 2,
      0,
    );
    most = Math.max(most, Math.sqrt(square));
  }
  return most;
}
