// A trained diffusion model as what samples from it sees, and what the procedures share.
import { z } from "zod";
import type { FunctionInput, ModelFunction, Procedure, ProcedureCall } from "../../step/index.ts";
import { dim, type Shape, type Tensor } from "../../tensor/index.ts";
import { levelAt, type NoiseLevel } from "./grid.ts";
import { guided, labelsOf } from "./guidance.ts";
import type { LatentCoder } from "./latents.ts";
import type { NoiseProcess } from "./process.ts";
import { type Denoiser, sampleDiffusion } from "./sample.ts";
import { samplerFields } from "./sampler-settings.ts";
import { tensorSpace } from "./tensor-space.ts";

export const B = dim("B");

/** A trained model as its procedures see it. */
export interface SampledModel {
  readonly process: NoiseProcess;
  /** Sizes of a row of x: [C, H, W] of images in [−1, 1], [D] of points, either of latents. */
  readonly row: readonly number[];
  /** Whether x are images. */
  readonly images: boolean;
  /** Where x are latents: between them and the images that are given and shown. */
  readonly coder?: LatentCoder;
  /** Classes that the network is told; the number itself stands for none. */
  readonly classes: number | undefined;
  /** Standard deviation of the data. */
  readonly sigmaData: number;
  /** `noisy` [B, …row], `time` [B], `label` [B] of a conditional model, and knobs → `denoised` [B, …row]. */
  readonly denoise: ModelFunction;
}

/** Options of all procedures; each takes what it knows. */
export const procedureOptions = z.object({
  ...samplerFields,
  guidance: z
    .number()
    .default(1)
    .describe(
      "classifier-free guidance: how far to go from what the network says without the class to what it says with it",
    ),
  frames: z
    .int()
    .min(0)
    .optional()
    .describe(
      "images of a row: steps on the way of a sample (none by default), or from one image to another (8)",
    ),
});

export type ProcedureOptions = z.infer<typeof procedureOptions>;

export type Body = Omit<Procedure, "options" | "functions">;

export const rowsShape = ({ row }: SampledModel): Shape => [B, ...row];

export const normalRows = (model: SampledModel, description: string): FunctionInput => ({
  ...{ dtype: "float32", shape: rowsShape(model), noise: "normal", description },
});

/** The denoiser's knobs, and the class of each row. */
export const conditions = ({ denoise, classes }: SampledModel): Record<string, FunctionInput> => ({
  ...(classes !== undefined && {
    label: {
      ...{ dtype: "int32", shape: [B], classes },
      description: `class, 0 … ${classes - 1}; all in turn where none is given`,
    },
  }),
  ...Object.fromEntries(
    Object.entries(denoise.inputs).filter(([, spec]) => spec.default !== undefined),
  ),
});

/** Data as a training has them: `image` in bytes, or `x`. */
export const dataInput = (model: SampledModel, description: string): FunctionInput => ({
  ...(model.coder?.encode.inputs.image ?? {
    ...{ dtype: model.images ? "uint8" : "float32", shape: rowsShape(model) },
  }),
  description,
});
export const dataName = ({ images, coder }: SampledModel): "image" | "x" =>
  images || coder !== undefined ? "image" : "x";

/** Bytes to [−1, 1]; points as they are. */
export const scaled = ({ images }: SampledModel, data: Tensor, shift?: Tensor): Tensor => {
  if (!images) return data;
  const values = Float32Array.from(
    data.data as Uint8Array,
    (byte, i) => ((byte + (shift === undefined ? 0 : Number(shift.data[i]) - 0.5)) * 2) / 255 - 1,
  );
  return { dtype: "float32", shape: data.shape, data: values };
};

/** Data as x: latents where there is a coder. */
const entered = async (model: SampledModel, { run }: ProcedureCall, data: Tensor) =>
  model.coder === undefined
    ? scaled(model, data)
    : ((await run("encode", { image: data })).latent as Tensor);

/** x as it is shown: [−1, 1] to `image` in [0, 1], latents to their images, points as `x`. */
export async function shown(
  { images, coder }: SampledModel,
  { run }: ProcedureCall,
  x: Tensor,
): Promise<Readonly<Record<string, Tensor>>> {
  if (coder !== undefined) return run("decode", { latent: x });
  if (!images) return { x };
  const data = (x.data as Float32Array).map((v) => Math.min(1, Math.max(0, (v + 1) / 2)));
  return { image: { ...x, data: data as Float32Array<ArrayBuffer> } };
}

/** The denoiser of a call, guided where the options say so. */
export function denoiserOf(model: SampledModel, call: ProcedureCall): Denoiser {
  const { run, inputs } = call;
  const { guidance } = call.options as ProcedureOptions;
  const knobs = Object.fromEntries(
    Object.keys(conditions(model))
      .filter((name) => name !== "label")
      .map((name) => [name, inputs[name] as Tensor]),
  );
  const ask = async (noisy: Tensor, level: NoiseLevel, label: Tensor | undefined) => {
    const count = noisy.shape[0] ?? 0;
    const time: Tensor = {
      ...{ dtype: "float32", shape: [count] },
      data: new Float32Array(count).fill(level.t),
    };
    const given = { noisy, time, ...(label && { label }), ...knobs };
    return (await run("denoise", given)).denoised as Tensor;
  };
  return guided(ask, labelsOf(model.classes, inputs.label, guidance), guidance);
}

/** How a sampling is run: by the sampler's options, with the call's noise and progress. */
function samplingOf(model: SampledModel, call: ProcedureCall, start: Tensor) {
  const { guidance: _, frames: __, ...sampler } = call.options as ProcedureOptions;
  const { process } = model;
  return {
    ...sampler,
    ...{ process, shape: start.shape, seed: call.seed, chunk: call.chunk },
  };
}

/** x at the most noise of standard normal rows. */
export const atMostNoise = ({ process }: SampledModel, rows: Tensor): Tensor =>
  tensorSpace.combine([levelAt(process, process.interval[1]).sigma], [rows]) as Tensor;

/** Samples from x at the most noise; intermediate x̂₀ go to `frames`. */
export async function decoded(
  model: SampledModel,
  call: ProcedureCall,
  start: Tensor,
  options: { readonly denoiser?: Denoiser; readonly keep?: (x: Tensor, of: number) => void } = {},
): Promise<Tensor> {
  const denoiser = options.denoiser ?? denoiserOf(model, call);
  let evaluations = 0;
  const counted: Denoiser = (x, level) => {
    evaluations++;
    return denoiser(x, level);
  };
  const { x } = await sampleDiffusion(counted, {
    ...samplingOf(model, call, start),
    start,
    onStep: async ({ count, steps = 0, denoised }) => {
      options.keep?.(denoised, steps);
      await call.onProgress({ step: count, steps, evaluations });
    },
  });
  return x;
}

/** Standard normal rows that the same sampler makes the data of: the way backwards. */
export async function encoded(
  model: SampledModel,
  call: ProcedureCall,
  data: Tensor,
): Promise<Tensor> {
  const { finish: _, ...sampling } = samplingOf(model, call, data);
  const { x } = await sampleDiffusion(denoiserOf(model, call), {
    ...sampling,
    start: tensorSpace.combine(
      [levelAt(model.process, model.process.interval[0]).alpha],
      [await entered(model, call, data)],
    ) as Tensor,
    backwards: true,
  });
  const { sigma } = levelAt(model.process, model.process.interval[1]);
  return tensorSpace.combine([1 / sigma], [x]) as Tensor;
}

/** Tensors [B, …] as [B, n, …]. */
export function sideBySide(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as [Tensor];
  const [count = 0, ...row] = first.shape;
  const size = first.data.length / count;
  const data = new Float32Array(first.data.length * tensors.length);
  for (const [n, tensor] of tensors.entries()) {
    for (let i = 0; i < count; i++) {
      const from = (tensor.data as Float32Array).subarray(i * size, (i + 1) * size);
      data.set(from, (i * tensors.length + n) * size);
    }
  }
  return { dtype: "float32", shape: [count, tensors.length, ...row], data };
}
