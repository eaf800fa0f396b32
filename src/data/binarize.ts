import { elementCount, fillBits, ReparamError } from "../tensor/index.ts";
import type { Binarization, Column, Split } from "./types.ts";

export interface BinarizeOptions {
  readonly seed?: number;
  /** Names the stream of random numbers: the part of the source that the samples come from. */
  readonly part?: string;
  /** Place of each sample in that part; default 0, 1, 2, … */
  readonly indices?: Uint32Array;
}

/**
 * The split with the bytes of its `image` column turned to 0 or 255, in new memory.
 *
 * - "fixed": each pixel is once and for all 255 with probability value/255. Larochelle and Murray, "The
 *   neural autoregressive distribution estimator" (AISTATS 2011), and Salakhutdinov and Murray, "On the
 *   quantitative analysis of deep belief networks" (ICML 2008), published one such draw of MNIST; this is
 *   our own draw from `seed`, so log-likelihoods are comparable to theirs in distribution, not pixel by
 *   pixel.
 * - "threshold": 255 where the byte is at least 128. A different, easier data set than the sampled ones.
 * - "none": the split itself.
 */
export function binarize(split: Split, kind: Binarization, options: BinarizeOptions = {}): Split {
  if (kind === "none") return split;
  const image = split.columns.image;
  if (image === undefined || image.dtype !== "uint8") {
    throw new ReparamError('binarize: the data has no uint8 column "image". Use binarize "none".');
  }
  const data = kind === "fixed" ? drawn(image, split.length, options) : thresholded(image);
  return { length: split.length, columns: { ...split.columns, image: { ...image, data } } };
}

function thresholded({ data }: Column): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = (data[i] as number) >= 128 ? 255 : 0;
  return out;
}

function drawn(
  { shape, data }: Column,
  length: number,
  { seed = 0, part = "train", indices }: BinarizeOptions,
): Uint8Array<ArrayBuffer> {
  const size = elementCount(shape);
  const out = new Uint8Array(data.length);
  // 16 bits a pixel: the probability is right to 1.5e-5, and 0 and 255 are certain.
  const bits = new Uint32Array(Math.ceil(size / 2));
  const draws = new Uint16Array(bits.buffer);
  for (let sample = 0; sample < length; sample++) {
    fillBits(bits, { seed, step: indices?.[sample] ?? sample, path: `binarize.${part}` });
    const at = sample * size;
    for (let i = 0; i < size; i++) {
      const on = (draws[i] as number) * 255 < (data[at + i] as number) * 65536;
      out[at + i] = on ? 255 : 0;
    }
  }
  return out;
}
