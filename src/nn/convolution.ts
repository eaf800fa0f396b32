import { conv2d, convTranspose2d, reshape } from "../ops/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { type Initializer, torchUniform } from "./initializers.ts";
import { checkCounts } from "./linear.ts";

/** weight [outputs, inputs, kh, kw] ([inputs, outputs, kh, kw] if transposed), bias [outputs]. */
export type ConvolutionParams = { readonly weight: Value; readonly bias?: Value };

export interface InitConvolutionOptions {
  /** Channels of the layer's input. */
  readonly inputs: number;
  /** Channels of its output. */
  readonly outputs: number;
  /** Size in pixels, of a square or [height, width]. */
  readonly kernel: number | readonly [number, number];
  /** Whether there is a bias; true by default. Leave it out before a batch norm. */
  readonly bias?: boolean;
  /** Of the weight; uniform on ±1/√fanIn by default. */
  readonly initializer?: Initializer;
  /** Of the bias; uniform on ±1/√fanIn by default. */
  readonly biasInitializer?: Initializer;
}

/** Stride, padding and dilation, as for `conv2d`. */
export type ConvolutionLayerOptions = Omit<NonNullable<Parameters<typeof conv2d>[2]>, "bias">;

/** Stride, padding, output padding and dilation, as for `convTranspose2d`. */
export type TransposedConvolutionLayerOptions = NonNullable<Parameters<typeof convTranspose2d>[2]>;

/** Parameters of a convolution, fanIn = inputs·kh·kw. */
export const initConv2d = (key: Key, options: InitConvolutionOptions): ConvolutionParams =>
  initialize("initConv2d", key, options, false);

/**
 * Parameters of a transposed convolution. fanIn is outputs·kh·kw: PyTorch counts so, and with the usual
 * strides it is nearer to the numbers that meet in an output than inputs·kh·kw.
 */
export const initConvTranspose2d = (key: Key, options: InitConvolutionOptions): ConvolutionParams =>
  initialize("initConvTranspose2d", key, options, true);

function initialize(
  layer: string,
  key: Key,
  options: InitConvolutionOptions,
  transposed: boolean,
): ConvolutionParams {
  const { inputs, outputs, kernel, bias = true } = options;
  const { initializer = torchUniform, biasInitializer = torchUniform } = options;
  const [height, width] = typeof kernel === "number" ? [kernel, kernel] : kernel;
  checkCounts(layer, { inputs, outputs, "kernel height": height, "kernel width": width });
  const [first, second] = transposed ? [inputs, outputs] : [outputs, inputs];
  const fans = { fanIn: second * height * width, fanOut: first * height * width };
  const weight = initializer(key.at("weight"), [first, second, height, width], fans);
  return bias ? { weight, bias: biasInitializer(key.at("bias"), [outputs], fans) } : { weight };
}

/** Convolution and bias: x [B, inputs, H, W] → [B, outputs, H', W']. */
export const convolution = (
  { weight, bias }: ConvolutionParams,
  x: Value,
  options: ConvolutionLayerOptions = {},
): Value => conv2d(x, weight, bias === undefined ? options : { ...options, bias });

/** Transposed convolution and bias: x [B, inputs, H, W] → [B, outputs, H', W']. */
export function transposedConvolution(
  { weight, bias }: ConvolutionParams,
  x: Value,
  options: TransposedConvolutionLayerOptions = {},
): Value {
  const y = convTranspose2d(x, weight, options);
  return bias === undefined ? y : y.add(reshape(bias, [-1, 1, 1]));
}
