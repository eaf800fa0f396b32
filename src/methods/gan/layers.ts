// Layers of discriminators and generators, with the normalization that an option chose.
import {
  type BatchNormParams,
  batchNorm,
  type ConvolutionLayerOptions,
  type ConvolutionParams,
  convolution,
  type InitConvolutionOptions,
  type Initializer,
  initBatchNorm,
  initConv2d,
  initInstanceNorm,
  initLinear,
  initSpectralNorm,
  instanceNorm,
  type LinearParams,
  linear,
  type NormParams,
  type Scope,
  type SpectralNormParams,
  spectralNorm,
} from "../../nn/index.ts";
import { gather, reshape } from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";

/** Weights divided by their largest singular value, or as they are. */
export interface Weighting {
  readonly spectral: boolean;
  readonly initializer: Initializer;
}

export type Conv = { readonly conv: ConvolutionParams; readonly spectral?: SpectralNormParams };
export type Dense = { readonly dense: LinearParams; readonly spectral?: SpectralNormParams };

export function initConv(
  key: Key,
  sizes: Pick<InitConvolutionOptions, "inputs" | "outputs" | "kernel" | "bias">,
  { spectral, initializer }: Weighting,
): Conv {
  const conv = initConv2d(key, { ...sizes, initializer });
  return spectral
    ? { conv, spectral: initSpectralNorm(key.at("spectral"), conv.weight) }
    : { conv };
}

export const conv = (
  { conv: params, spectral }: Conv,
  x: Value,
  scope: Scope,
  options: ConvolutionLayerOptions = {},
): Value =>
  spectral === undefined
    ? convolution(params, x, options)
    : convolution({ ...params, weight: spectralNorm(spectral, params.weight, scope) }, x, options);

export function initDense(
  key: Key,
  inputs: number,
  outputs: number,
  { spectral, initializer }: Weighting,
  bias = true,
): Dense {
  const dense = initLinear(key, inputs, outputs, { bias, initializer });
  return spectral
    ? { dense, spectral: initSpectralNorm(key.at("spectral"), dense.weight) }
    : { dense };
}

export const dense = ({ dense: params, spectral }: Dense, x: Value, scope: Scope): Value =>
  spectral === undefined
    ? linear(params, x)
    : linear({ ...params, weight: spectralNorm(spectral, params.weight, scope) }, x);

/** One row of a table for every class, as a linear layer of one-hot vectors: label [B] → [B, width]. */
export function initClassTable(
  key: Key,
  classes: number,
  width: number,
  { spectral, initializer }: Weighting,
): Dense {
  return initDense(key, classes, width, { spectral, initializer }, false);
}

export function classRow({ dense: params, spectral }: Dense, label: Value, scope: Scope): Value {
  const weight =
    spectral === undefined ? params.weight : spectralNorm(spectral, params.weight, scope);
  return gather(weight, label);
}

export type NormalizationName = "none" | "batch" | "instance";

/** Scales and offsets by class where a generator is told the class (Dumoulin, Shlens, Kudlur 2017). */
export type Normalization = {
  readonly batch?: BatchNormParams;
  readonly instance?: NormParams;
  readonly scales?: Value;
  readonly offsets?: Value;
};

export function initNormalization(
  kind: NormalizationName,
  features: number,
  classTables?: { readonly classes: number; readonly table: (value: number) => Value },
): Normalization {
  const byClass =
    classTables === undefined
      ? {}
      : { scales: classTables.table(1), offsets: classTables.table(0) };
  if (kind === "batch") return { batch: initBatchNorm(features), ...byClass };
  if (kind === "instance") return { instance: initInstanceNorm(features), ...byClass };
  return {};
}

/** x [B, C, H, W] or [B, C]; label [B] where there are tables by class. */
export function normalize(
  // A record without parameters is left out of a state.
  { batch, instance, scales, offsets }: Normalization | undefined = {},
  x: Value,
  scope: Scope,
  label?: Value,
): Value {
  const plain =
    batch !== undefined
      ? batchNorm(batch, x, scope)
      : instance !== undefined
        ? instanceNorm(instance, x)
        : x;
  if (scales === undefined || offsets === undefined || label === undefined) return plain;
  const perRow = (table: Value): Value =>
    reshape(gather(table, label), [-1, table.size(1), ...x.shape.slice(2).map(() => 1)]);
  return plain.mul(perRow(scales)).add(perRow(offsets));
}
