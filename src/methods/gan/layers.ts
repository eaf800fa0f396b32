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
import { full, gather, reshape } from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import type { Told } from "./networks.ts";

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

/** What scales and offsets follow: the class, by tables, or a vector of every row, by linear layers. */
export type ConditionSizes =
  | { readonly classes: number }
  | { readonly vector: number; readonly key: Key; readonly initializer: Initializer };

/**
 * Scales and offsets by class where a generator is told the class (Dumoulin, Shlens, Kudlur 2017), or 1 + linear and
 * linear functions of a vector of every row (Brock, Donahue, Simonyan 2019, figure 15).
 */
export type Normalization = {
  readonly batch?: BatchNormParams;
  readonly instance?: NormParams;
  readonly scales?: Value;
  readonly offsets?: Value;
  readonly toScale?: LinearParams;
  readonly toOffset?: LinearParams;
};

function initCondition(features: number, sizes: ConditionSizes | undefined): Normalization {
  if (sizes === undefined) return {};
  if ("classes" in sizes) {
    const table = (value: number): Value => full([sizes.classes, features], value);
    return { scales: table(1), offsets: table(0) };
  }
  const { vector, key, initializer } = sizes;
  const linearOf = (name: string): LinearParams =>
    initLinear(key.at(name), vector, features, { bias: false, initializer });
  return { toScale: linearOf("scale"), toOffset: linearOf("offset") };
}

export function initNormalization(
  kind: NormalizationName,
  features: number,
  sizes?: ConditionSizes,
): Normalization {
  const condition = initCondition(features, sizes);
  if (kind === "batch") return { batch: initBatchNorm(features), ...condition };
  if (kind === "instance") return { instance: initInstanceNorm(features), ...condition };
  return {};
}

/** x [B, C, H, W] or [B, C]; told the classes where there are tables, the vector where there are linear layers. */
export function normalize(
  // A record without parameters is left out of a state.
  { batch, instance, scales, offsets, toScale, toOffset }: Normalization | undefined = {},
  x: Value,
  scope: Scope,
  { label, vector }: Told & { readonly vector?: Value | undefined } = {},
): Value {
  const plain =
    batch !== undefined
      ? batchNorm(batch, x, scope)
      : instance !== undefined
        ? instanceNorm(instance, x)
        : x;
  const perRow = (rows: Value): Value =>
    reshape(rows, [-1, rows.size(1), ...x.shape.slice(2).map(() => 1)]);
  if (toScale !== undefined && toOffset !== undefined && vector !== undefined) {
    return plain.mul(perRow(linear(toScale, vector).add(1))).add(perRow(linear(toOffset, vector)));
  }
  if (scales === undefined || offsets === undefined || label === undefined) return plain;
  return plain.mul(perRow(gather(scales, label))).add(perRow(gather(offsets, label)));
}
