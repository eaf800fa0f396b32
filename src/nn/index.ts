export {
  type AttentionMask,
  type AttentionOptions,
  prefixMask,
  scaledDotProductAttention,
} from "./attention.ts";
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
export {
  type DiffusionTransformerCall,
  type DiffusionTransformerOptions,
  type DiffusionTransformerParams,
  diffusionTransformer,
  initDiffusionTransformer,
} from "./diffusion-transformer.ts";
export { dropout } from "./dropout.ts";
export {
  type EmbeddingOptions,
  type EmbeddingParams,
  embedding,
  initEmbedding,
} from "./embedding.ts";
export {
  type EqualizedOptions,
  equalizedConvolution,
  equalizedLinear,
  heGain,
  initEqualizedConv2d,
  initEqualizedLinear,
} from "./equalized.ts";
export {
  type FeedForwardKind,
  type FeedForwardParams,
  feedForward,
  feedForwardWidth,
  type InitFeedForwardOptions,
  initFeedForward,
} from "./feed-forward.ts";
export type { Fans, Initializer } from "./initializers.ts";
export * as initializers from "./initializers.ts";
export { initLinear, type LinearOptions, type LinearParams, linear } from "./linear.ts";
export { minibatchDeviation } from "./minibatch-deviation.ts";
export {
  type AttentionCache,
  type AttentionParams,
  type AttentionSizes,
  cachedAttention,
  type InitAttentionOptions,
  initMultiHeadAttention,
  type MultiHeadAttentionOptions,
  multiHeadAttention,
} from "./multi-head-attention.ts";
export {
  adaptiveInstanceNorm,
  type BatchNormOptions,
  type BatchNormParams,
  batchNorm,
  type GroupNormOptions,
  groupNorm,
  initBatchNorm,
  initGroupNorm,
  initInstanceNorm,
  initLayerNorm,
  initRmsNorm,
  instanceNorm,
  layerNormalization,
  type NormOptions,
  type NormParams,
  pixelNorm,
  rmsNorm,
} from "./normalization.ts";
export {
  alibiBias,
  alibiSlopes,
  type RotaryOptions,
  rotary,
  sinusoidal,
  sinusoidalTable,
} from "./positions.ts";
export * from "./quantizers/index.ts";
export {
  gru,
  gruCell,
  type InitRecurrentOptions,
  initGru,
  initLstm,
  type LstmState,
  lstm,
  lstmCell,
  type RecurrentParams,
} from "./recurrent.ts";
export {
  initRelativePositions,
  type RelativeParams,
  relativeLogits,
} from "./relative-positions.ts";
export {
  assemble,
  type BlockFilter,
  buffer,
  type Model,
  ModelBuffer,
  Scope,
  type ScopeOptions,
  type Variables,
  variablesOf,
} from "./scope.ts";
export {
  initSelfAttention2d,
  type SelfAttentionParams,
  selfAttention2d,
} from "./self-attention.ts";
export {
  chainSkips,
  type FreeUOptions,
  freeU,
  type SkipPlacement,
  scaleSkips,
  skipPlacements,
} from "./skip-hooks.ts";
export {
  initSpectralNorm,
  type SpectralNormOptions,
  type SpectralNormParams,
  spectralNorm,
} from "./spectral-norm.ts";
export {
  initTalkingHeads,
  type TalkingHeadsKind,
  type TalkingHeadsOptions,
  type TalkingHeadsParams,
  talkingHeads,
} from "./talking-heads.ts";
export { initTimeFeatures, type TimeFeatures, timeFeatures } from "./time-features.ts";
export {
  type AttentionPart,
  type BlockCall,
  type BlockOptions,
  type FeedForwardPart,
  type InitBlockOptions,
  initAttentionPart,
  initFeedForwardPart,
  initTransformerNorm,
  type Modulation,
  type NormPlacement,
  type PositionKind,
  type TransformerNorm,
  type TransformerNormParams,
  transformerBlock,
  transformerNorm,
} from "./transformer-block.ts";
export {
  initUNet,
  type JoinedSkip,
  type SkipHook,
  type SkipJoin,
  type UNetCall,
  type UNetOptions,
  type UNetParams,
  unet,
} from "./unet.ts";
export {
  type JoinNorm,
  joinNorms,
  joinsOf,
  type UNetLayer,
  type UNetPlan,
  type UNetPlanOptions,
  unetPlan,
} from "./unet-plan.ts";
