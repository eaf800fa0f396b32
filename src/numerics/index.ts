// Host numerics in float64: small dense linear algebra, quadrature, Chebyshev series.
export {
  chebyshevCoefficients,
  chebyshevDerivative,
  chebyshevIntegral,
  chebyshevNodes,
  chebyshevTail,
  chebyshevValue,
  integrationMatrix,
} from "./chebyshev.ts";
export {
  allFinite,
  flatten,
  identity,
  linearCombination,
  type MatrixLike,
  multiply,
  norm1,
  norm2,
  toRows,
  transpose,
} from "./dense.ts";
export { type Complex, eigenvalues, singularValues, symmetricEigenvectors } from "./eigenvalues.ts";
export { matrixExponential, phiFunctions } from "./exponential.ts";
export { type KraskovResult, kraskovInformation, type Rows } from "./kraskov.ts";
export { exponentialAction, type KrylovOptions, type KrylovResult } from "./krylov.ts";
export { type LbfgsOptions, lbfgs, type Minimum } from "./lbfgs.ts";
export { type LuFactors, logDeterminant, luFactor, luSolve } from "./lu.ts";
export { type QrFactors, qrFactor, solveUpper } from "./qr.ts";
export { type Integral, integral, type QuadratureOptions } from "./quadrature.ts";
