export {
  erfc,
  inverseMillsRatio,
  logErfc,
  logErfcx,
  logNormalCdf,
  normalCdf,
} from "./error-function.ts";
export { betaVariateSlopes, incompleteBeta } from "./incomplete-beta.ts";
export {
  gammaVariateSlope,
  lowerIncompleteGamma,
  upperIncompleteGamma,
} from "./incomplete-gamma.ts";
export { logBeta, logBinomial } from "./log-beta.ts";
export { digamma, logGamma, logGammaKernel, polygamma, trigamma } from "./log-gamma.ts";
export { logAddExp, logExpm1, logOneMinusExp, logSubExp } from "./logarithms.ts";
export { erfInverse, normalQuantile, normalQuantileOfLog } from "./normal-quantile.ts";
