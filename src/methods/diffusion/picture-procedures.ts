// Procedures that start from images: those between two of them, and parts filled in.
import type { Tensor } from "../../tensor/index.ts";
import { levelAt } from "./grid.ts";
import type { Denoiser } from "./sample.ts";
import {
  atMostNoise,
  type Body,
  conditions,
  dataInput,
  dataName,
  decoded,
  denoiserOf,
  encoded,
  normalRows,
  type ProcedureOptions,
  type SampledModel,
  scaled,
  shown,
  sideBySide,
} from "./sampled-model.ts";
import { tensorSpace } from "./tensor-space.ts";

/** Frames from one image to another; 8 columns unless the caller asks for others. */
const between = 8;

export function interpolateOf(model: SampledModel): Body {
  return {
    summary: "images between two, along the great circle of their latents",
    inputs: {
      image: dataInput(model, "where each row begins"),
      other: dataInput(model, "where it ends"),
      ...conditions(model),
    },
    rowsAtOnce: 16,
    run: async (call) => {
      const { frames = between } = call.options as ProcedureOptions;
      const [from, to] = [
        await encoded(model, call, call.inputs.image as Tensor),
        await encoded(model, call, call.inputs.other as Tensor),
      ];
      const made: Tensor[] = [];
      for (let i = 0; i < frames; i++) {
        const latent = slerp(from, to, frames === 1 ? 0.5 : i / (frames - 1));
        const x = await decoded(model, call, atMostNoise(model, latent));
        made.push((await shown(model, call, x)).image as Tensor);
      }
      return { frames: sideBySide(made) };
    },
  };
}

/** Spherical interpolation of each row: Song, Meng, Ermon 2021, eq. 67. */
export function slerp(from: Tensor, to: Tensor, share: number): Tensor {
  const [count = 0] = from.shape;
  const size = from.data.length / count;
  const data = new Float32Array(from.data.length);
  for (let row = 0; row < count; row++) {
    let [product, a, b] = [0, 0, 0];
    const at = (i: number): [number, number] => [
      Number(from.data[row * size + i]),
      Number(to.data[row * size + i]),
    ];
    for (let i = 0; i < size; i++) {
      const [x, y] = at(i);
      product += x * y;
      a += x * x;
      b += y * y;
    }
    const angle = Math.acos(Math.min(1, Math.max(-1, product / Math.sqrt(a * b))));
    const sine = Math.sin(angle);
    const [p, q] =
      sine < 1e-6
        ? [1 - share, share]
        : [Math.sin((1 - share) * angle) / sine, Math.sin(share * angle) / sine];
    for (let i = 0; i < size; i++) {
      const [x, y] = at(i);
      data[row * size + i] = p * x + q * y;
    }
  }
  return { dtype: "float32", shape: from.shape, data };
}

export function inpaintOf(model: SampledModel): Body {
  const name = dataName(model);
  return {
    summary: "data with what a mask leaves open filled in anew",
    inputs: {
      [name]: dataInput(model, "data of which a part is known"),
      mask: {
        ...{ dtype: "float32", shape: model.images ? model.row.slice(1) : model.row },
        description: "1 where the data are known, 0 where they are filled in",
      },
      noise: normalRows(model, "N(0, 1), what the sampling begins from"),
      ...conditions(model),
    },
    run: async (call) => {
      const known = scaled(model, call.inputs[name] as Tensor);
      const mask = call.inputs.mask as Tensor;
      const { denoiser, start } = knownPart(model, known, mask, {
        denoiser: denoiserOf(model, call),
        noise: call.inputs.noise as Tensor,
      });
      return shown(model, call, await decoded(model, call, start, { denoiser }));
    },
  };
}

/**
 * Where the data y are known, x̂₀ is y, whatever the network says: exactly the denoiser of what is known, so that x
 * there stays αy + σε all along, and the network sees it beside what it fills in (the replacement of Song et al. 2021,
 * appendix I.2, for samplers that keep their noise).
 */
function knownPart(
  { process, row, images }: SampledModel,
  known: Tensor,
  mask: Tensor,
  { denoiser, noise }: { readonly denoiser: Denoiser; readonly noise: Tensor },
): { denoiser: Denoiser; start: Tensor } {
  const size = row.reduce((n, s) => n * s, 1);
  const plane = images ? size / (row[0] as number) : size;
  const blend = (free: Tensor, given: (i: number) => number): Tensor => ({
    ...free,
    data: (free.data as Float32Array<ArrayBuffer>).map((value, i) => {
      const kept = Number(mask.data[(i % size) % plane]);
      return kept * given(i) + (1 - kept) * value;
    }),
  });
  const { alpha, sigma } = levelAt(process, process.interval[1]);
  const free = tensorSpace.combine([sigma], [noise]) as Tensor;
  return {
    denoiser: async (x, level) => blend(await denoiser(x, level), (i) => Number(known.data[i])),
    start: blend(free, (i) => alpha * Number(known.data[i]) + Number(free.data[i])),
  };
}
