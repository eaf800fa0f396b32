/**
 * What a trained diffusion model does by many runs of its denoiser: samples by any sampler, latents of data by a
 * deterministic one and back, images between two, filled-in images, and likelihoods.
 */
import type { Method, ProcedureCall } from "../../step/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { bakedOf } from "./baked-procedure.ts";
import { likelihoodOf } from "./likelihood-procedure.ts";
import { inpaintOf, interpolateOf } from "./picture-procedures.ts";
import {
  atMostNoise,
  type Body,
  conditions,
  dataInput,
  dataName,
  decoded,
  encoded,
  normalRows,
  type ProcedureOptions,
  procedureOptions,
  rowsShape,
  type SampledModel,
  shown,
  sideBySide,
} from "./sampled-model.ts";

export function diffusionProcedures(model: SampledModel): NonNullable<Method["procedures"]> {
  const functions = { denoise: model.denoise, ...model.coder };
  const common = { options: procedureOptions, functions };
  const drawn = {
    sample: { ...common, ...sampleOf(model) },
    ...(dataName(model) === "image" && { interpolate: { ...common, ...interpolateOf(model) } }),
  };
  // Of latents, encode and decode are the autoencoder's; a mask and a density of pixels have no counterpart in them.
  if (model.coder !== undefined) return drawn;
  return {
    ...drawn,
    encode: { ...common, ...encodeOf(model) },
    decode: { ...common, ...decodeOf(model) },
    inpaint: { ...common, ...inpaintOf(model) },
    likelihood: likelihoodOf(model),
  };
}

function sampleOf(model: SampledModel): Body {
  const inputs = {
    noise: normalRows(model, "N(0, 1), what the sampling begins from"),
    ...conditions(model),
  };
  return {
    summary: "new rows, by a sampler of choice",
    inputs,
    run: async (call) => {
      const { frames = 0 } = call.options as ProcedureOptions;
      const seen: Tensor[] = [];
      const start = atMostNoise(model, call.inputs.noise as Tensor);
      const keep = (x: Tensor): void => void seen.push(x);
      const x = await decoded(model, call, start, frames > 0 ? { keep } : {});
      return {
        ...(await shown(model, call, x)),
        ...(frames > 0 && { frames: await framesOf(model, call, seen, frames) }),
      };
    },
    baked: (options) => bakedOf(model, inputs, procedureOptions.parse(options)),
  };
}

/** Some of the steps side by side: [B, frames, …], the last step last. */
async function framesOf(
  model: SampledModel,
  call: ProcedureCall,
  seen: readonly Tensor[],
  frames: number,
): Promise<Tensor> {
  const chosen = Array.from({ length: Math.min(frames, seen.length) }, (_, i, all = frames) => {
    const count = Math.min(all, seen.length);
    return seen[count === 1 ? seen.length - 1 : Math.round((i * (seen.length - 1)) / (count - 1))]!;
  });
  const drawn: Tensor[] = [];
  for (const x of chosen) drawn.push((await shown(model, call, x))[dataName(model)] as Tensor);
  return sideBySide(drawn);
}

function encodeOf(model: SampledModel): Body {
  const name = dataName(model);
  return {
    summary: "data to the noise that a sampler without noise makes them of",
    inputs: { [name]: dataInput(model, "rows of data"), ...conditions(model) },
    run: async (call) => ({ latent: await encoded(model, call, call.inputs[name] as Tensor) }),
  };
}

function decodeOf(model: SampledModel): Body {
  return {
    summary: "latents, about N(0, 1), to data",
    inputs: {
      latent: { dtype: "float32", shape: rowsShape(model), description: "from encode, or N(0, 1)" },
      ...conditions(model),
    },
    run: async (call) =>
      shown(
        model,
        call,
        await decoded(model, call, atMostNoise(model, call.inputs.latent as Tensor)),
      ),
  };
}
