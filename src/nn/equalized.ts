// Layers whose weights are kept at a standard deviation of 1 and scaled when they are used, so that Adam, whose steps
// are of one length whatever the gradient's, moves every layer as fast in proportion to its weights: Karras, Aila,
// Laine, Lehtinen, "Progressive growing of GANs for improved quality, stability, and variation" (2018), section 4.1.
import type { Key, Value } from "../trace/index.ts";
import {
  type ConvolutionLayerOptions,
  type ConvolutionParams,
  convolution,
  type InitConvolutionOptions,
  initConv2d,
} from "./convolution.ts";
import { normal, zeros } from "./initializers.ts";
import { initLinear, type LinearParams, linear } from "./linear.ts";

/** Keeps the variance of what goes through a layer before a leaky ReLU (He, Zhang, Ren, Sun 2015, equation 10). */
export const heGain = Math.SQRT2;

export interface EqualizedOptions {
  /** The weights in use have this deviation over √fanIn; √2 by default, 1 for linear outputs. */
  readonly gain?: number;
  /**
   * Weights and biases in use are this times those that are learnt, which start larger by as much: the layer learns
   * slower (Karras, Laine, Aila, "A style-based generator architecture for GANs", 2019, appendix C). 1 by default.
   */
  readonly rate?: number;
}

/** Weight [inputs, outputs] of N(0, 1/rate²), bias 0. */
export const initEqualizedLinear = (
  key: Key,
  inputs: number,
  outputs: number,
  { rate = 1 }: Pick<EqualizedOptions, "rate"> = {},
): LinearParams =>
  initLinear(key, inputs, outputs, { initializer: normal(1 / rate), biasInitializer: zeros });

/** Weight [outputs, inputs, k, k] of N(0, 1), bias 0. */
export const initEqualizedConv2d = (
  key: Key,
  sizes: Pick<InitConvolutionOptions, "inputs" | "outputs" | "kernel" | "bias">,
): ConvolutionParams =>
  initConv2d(key, { ...sizes, initializer: normal(1), biasInitializer: zeros });

/** x·(weight·gain·rate/√inputs) + bias·rate: [..., inputs] → [..., outputs]. */
export function equalizedLinear(
  { weight, bias }: LinearParams,
  x: Value,
  { gain = heGain, rate = 1 }: EqualizedOptions = {},
): Value {
  const scaled = weight.mul((gain * rate) / Math.sqrt(weight.size(0) as number));
  if (bias === undefined) return linear({ weight: scaled }, x);
  return linear({ weight: scaled, bias: rate === 1 ? bias : bias.mul(rate) }, x);
}

/** Convolution by weight·gain/√(inputs·kh·kw), and bias: x [B, inputs, H, W] → [B, outputs, H', W']. */
export function equalizedConvolution(
  { weight, bias }: ConvolutionParams,
  x: Value,
  { gain = heGain, ...options }: ConvolutionLayerOptions & Pick<EqualizedOptions, "gain"> = {},
): Value {
  const fanIn = weight.shape.slice(1).reduce((n: number, size) => n * (size as number), 1);
  const scaled = weight.mul(gain / Math.sqrt(fanIn));
  return convolution(
    bias === undefined ? { weight: scaled } : { weight: scaled, bias },
    x,
    options,
  );
}
