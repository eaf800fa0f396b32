export {
  type ConvolutionLayerOptions,
  type ConvolutionParams,
  convolution,
  type InitConvolutionOptions,
  initConv2d,
  initConvTranspose2d,
  type TransposedConvolutionLayerOptions,
  transposedConvolution,
} from "./convolution.ts";
export { dropout } from "./dropout.ts";
export {
  type EmbeddingOptions,
  type EmbeddingParams,
  embedding,
  initEmbedding,
} from "./embedding.ts";
export type { Fans, Initializer } from "./initializers.ts";
export * as initializers from "./initializers.ts";
export { initLinear, type LinearOptions, type LinearParams, linear } from "./linear.ts";
export {
  type BatchNormOptions,
  type BatchNormParams,
  batchNorm,
  type GroupNormOptions,
  groupNorm,
  initBatchNorm,
  initGroupNorm,
  initLayerNorm,
  layerNormalization,
  type NormOptions,
  type NormParams,
} from "./normalization.ts";
export {
  assemble,
  buffer,
  type Model,
  ModelBuffer,
  Scope,
  type ScopeOptions,
  type Variables,
  variablesOf,
} from "./scope.ts";
