export { elu, gelu, leakyRelu, relu, silu, softplus } from "./activations.ts";
export { barrier } from "./barrier.ts";
export {
  add,
  and,
  div,
  equal,
  expm1,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  log1p,
  maximum,
  minimum,
  mul,
  notEqual,
  or,
  power,
  sub,
  where,
} from "./binary.ts";
export { broadcastShapes, sameShape } from "./broadcast.ts";
export {
  cholesky,
  choleskyLogDeterminant,
  diagonal,
  diagonalMatrix,
  logDeterminant,
  lowerTriangular,
  solveTriangular,
  type TriangularOptions,
  triangularInverse,
} from "./cholesky.ts";
export { constant, full, sizeValue } from "./constant.ts";
export {
  type ConvolutionOptions,
  conv2d,
  convTranspose2d,
  type TransposedConvolutionOptions,
} from "./convolution.ts";
export { type Convolution1dOptions, conv1d } from "./convolution-1d.ts";
export { einsum } from "./einsum.ts";
export {
  abs,
  cast,
  ceil,
  clip,
  cos,
  erf,
  exp,
  floor,
  log,
  neg,
  not,
  reciprocal,
  round,
  sigmoid,
  sign,
  sin,
  sqrt,
  step,
  tanh,
} from "./elementwise.ts";
export { type Form, type FormName, forms } from "./forms.ts";
export { gather, oneHot, scatterAlongAxis, takeAlongAxis } from "./indexing.ts";
export { type MatmulOptions, matmul } from "./linalg.ts";
export {
  axisOf,
  broadcastTo,
  expandDims,
  flatten,
  reshape,
  squeeze,
  sumTo,
  transpose,
} from "./movement.ts";
export { layerNorm, logSoftmax, softmax } from "./normalization.ts";
export { argSort, type SortOptions, sort, type TopKOptions, topK } from "./order.ts";
export {
  averagePool2d,
  globalAveragePool2d,
  globalMaxPool2d,
  maxPool2d,
  type PoolOptions,
} from "./pooling.ts";
export { range } from "./range.ts";
export { scan } from "./recurrence.ts";
export {
  type Axes,
  argMax,
  argMin,
  logSumExp,
  max,
  mean,
  min,
  norm,
  type ReduceOptions,
  sum,
  variance,
} from "./reduce.ts";
export {
  pixelShuffle,
  pixelUnshuffle,
  resizeBilinear2d,
  upsampleNearest2d,
} from "./resampling.ts";
export { type CumulativeOptions, cumulativeSum, flip, prod, tile } from "./scan.ts";
export { concat, pad, type SliceOptions, slice, stack } from "./slicing.ts";
export {
  betaVariateSlopes,
  digamma,
  erfc,
  erfInverse,
  gammaVariateSlope,
  incompleteBeta,
  inverseMillsRatio,
  logAddExp,
  logBeta,
  logBinomial,
  logErfc,
  logErfcx,
  logExpm1,
  logGamma,
  logGammaKernel,
  logNormalCdf,
  logOneMinusExp,
  logSubExp,
  lowerIncompleteGamma,
  normalCdf,
  normalQuantile,
  normalQuantileOfLog,
  polygamma,
  trigamma,
  upperIncompleteGamma,
} from "./special/index.ts";
export { split } from "./split.ts";
export {
  customGradient,
  type GradientRule,
  stopGradient,
  straightThrough,
} from "./stop-gradient.ts";
export type { Margins, Padding2d, Pair } from "./window.ts";
