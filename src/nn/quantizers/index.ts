export { product, projected, residual, sharedHeads } from "./composite.ts";
export { type FiniteScalarBound, type FiniteScalarOptions, finiteScalar } from "./finite-scalar.ts";
export { type GumbelOptions, gumbelQuantizer } from "./gumbel.ts";
export { digitsOfIndex, indexOfDigits, recommendedLevels } from "./levels.ts";
export { entropyGap, type LookupFreeOptions, lookupFree } from "./lookup-free.ts";
export { nearestCodes } from "./nearest.ts";
export { type Lookup, type Quantized, type Quantizer, revive } from "./quantizer.ts";
export {
  type ResidualFiniteScalarOptions,
  residualFiniteScalar,
} from "./residual-finite-scalar.ts";
export { countCodes, type UsageOptions } from "./usage.ts";
export { rotated, type VectorQuantizerOptions, vectorQuantizer } from "./vector-quantizer.ts";
