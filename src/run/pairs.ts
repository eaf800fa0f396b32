// Pairs of noise and what a sampler without noise makes of it, which a flow is trained on again: Liu, Gong, Liu, "Flow
// straight and fast: Learning to generate and transfer data with rectified flow" (2023), section 2.2, reflow.
import { join } from "node:path";
import { type Column, makeSplit, type Split } from "../data/index.ts";
import type { Autoencoder } from "../step/index.ts";
import { elementCount, fillNormal, ReparamError, type Tensor } from "../tensor/index.ts";
import { readBytes, writeAtomic } from "./atomic.ts";
import { compileFunction } from "./compile-function.ts";
import { sampleRows } from "./functions.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

export interface PairOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Default 2. */
  readonly threads?: number;
  /** Of the sampler: 20 steps of heun by default. */
  readonly options?: Readonly<Record<string, unknown>>;
}

const columnOf = ({ dtype, shape, data }: Tensor): Column => ({
  dtype,
  shape: shape.slice(1) as number[],
  data,
});

/** Images in [0, 1] as bytes. */
const bytesOf = (image: Tensor): Tensor => ({
  ...{ dtype: "uint8", shape: image.shape },
  data: Uint8Array.from(image.data as Float32Array, (v) => Math.round(255 * v)),
});

/**
 * `count` rows of `noise`, and the `image` (bytes) or `x` that a trained diffusion model makes of each; classes in turn,
 * and their `label`, where it is told them. Throws for a model that does not sample so.
 */
export async function drawPairs(
  { method, weights }: Pick<Autoencoder, "method" | "weights">,
  count: number,
  { seed = 0, threads = 2, options = { sampler: "heun", steps: 20 } }: PairOptions = {},
): Promise<Split> {
  const { noise: spec, label } = method.procedures?.sample?.inputs ?? {};
  if (spec === undefined) {
    throw new ReparamError(
      `${method.name} does not make data of noise by a sampler. Take a run of diffusion.`,
    );
  }
  const row = spec.shape.slice(1) as number[];
  const noise = new Float32Array(count * elementCount(row));
  fillNormal(noise, { seed, step: 0, path: "pairs.noise" });
  const classes = Int32Array.from({ length: count }, (_, i) => i % (label?.classes ?? 1));
  const sample = await compileFunction(method, "sample", weights, { threads, options });
  const size = elementCount(row);
  const { image, x } = await sampleRows(sample, count, {
    inputs: (from, to) => ({
      noise: {
        ...{ dtype: "float32", shape: [to - from, ...row] },
        data: noise.subarray(from * size, to * size),
      },
      ...(label && {
        label: { dtype: "int32", shape: [to - from], data: classes.subarray(from, to) },
      }),
    }),
  }).finally(() => sample.release());
  return makeSplit({
    ...(image === undefined ? { x: columnOf(x as Tensor) } : { image: columnOf(bytesOf(image)) }),
    noise: { dtype: "float32", shape: row, data: noise },
    ...(label && { label: { dtype: "int32", shape: [], data: classes } }),
  });
}

const pairsFile = (folder: string): string => join(folder, "pairs.safetensors");

/** Keeps the pairs of a run in its folder: the training goes on without the run that made them. */
export async function writePairs(folder: string, { columns, length }: Split): Promise<void> {
  const tensors = Object.entries(columns).map(
    ([name, { dtype, shape, data }]) => [name, { dtype, shape: [length, ...shape], data }] as const,
  );
  const bytes = encodeSafetensors({ tensors: new Map(tensors), metadata: {} });
  await writeAtomic(pairsFile(folder), bytes);
}

/** The pairs of a run; undefined where it has none. Throws if the file is damaged. */
export async function readPairs(folder: string): Promise<Split | undefined> {
  const path = pairsFile(folder);
  const bytes = await readBytes(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const { tensors } = decodeSafetensors(bytes, path);
  return makeSplit(
    Object.fromEntries([...tensors].map(([name, tensor]) => [name, columnOf(tensor)])),
  );
}
