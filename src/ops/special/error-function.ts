import type { Value } from "../../trace/index.ts";
import { greater, where } from "../binary.ts";
import { abs, exp, log, reciprocal } from "../elementwise.ts";
import { customGradient } from "../stop-gradient.ts";
import { polynomial } from "./polynomial.ts";

// For x ≥ 0, log(e^{x²}·erfc x) − log t with t = 1/(1 + x/2.5) is a smooth function of u = 2t − 1 over all
// of [−1, 1]: these are its Chebyshev series (computed with 50 digits) as polynomials, exact to 1e-16 and
// 1e-7. One fit thus serves from 0 to infinity.

const scale = 2.5;

const double = [
  -0.86366809216731904, 0.76340375493195524, 0.1392529069645442, -0.017983809878014958,
  -0.023787984321988608, -0.0019463315872206877, 0.0047209770215315517, 0.0011575351791752502,
  -0.0010479622955922586, -0.00039519670690824542, 0.00025452096312292832, 0.0001172957609604683,
  -6.6313809739405254e-5, -3.1820269461311454e-5, 1.7919019263733517e-5, 7.8513245210822952e-6,
  -4.771521901917913e-6, -1.7210765466884899e-6, 1.1718098922191138e-6, 3.2507533131650761e-7,
  -2.4298869393375666e-7, -5.12152434049936e-8, 3.6933782124873894e-8, 6.3432138678623748e-9,
  -3.0063291762271915e-9, -4.8233435546058498e-10,
];

const single = [
  -0.8636680775, 0.7634043492, 0.1392518296, -0.01799608254, -0.02377500347, -0.001874172694,
  0.004662803715, 0.0009785364785, -0.0009260569038, -0.0001848399658, 0.0001266802097,
];

/** log(e^{x²}·erfc |x|). */
function logScaledTail(x: Value): Value {
  const t = reciprocal(
    abs(x)
      .mul(1 / scale)
      .add(1),
  );
  return log(t).add(polynomial(t.mul(2).sub(1), x.dtype === "float64" ? double : single));
}

/** log erfc x where x ≤ 0, as log(2 − erfc |x|). */
const logLargeErfc = (x: Value): Value => log(exp(logScaledTail(x).sub(x.square())).neg().add(2));

/** log(e^{x²}·erfc x), which stays finite where erfc x vanishes. */
export function logErfcx(x: Value): Value {
  const y = where(greater(x, 0), logScaledTail(x), logLargeErfc(x).add(x.square()));
  const result: Value = customGradient(y, [x], (dy) => [dy.mul(x.mul(2).sub(tailRatio(result)))]);
  return result;
}

/** 2/√π·e^{−x²}/erfc x, from log(e^{x²}·erfc x). */
const tailRatio = (logErfcxOfX: Value): Value => exp(logErfcxOfX.neg()).mul(2 / Math.sqrt(Math.PI));

/** log erfc x, exact in both tails. */
export function logErfc(x: Value): Value {
  const y = where(greater(x, 0), logScaledTail(x).sub(x.square()), logLargeErfc(x));
  return customGradient(y, [x], (dy) => [dy.mul(tailRatio(logErfcx(x))).neg()]);
}

/** The complementary error function 1 − erf x, to full relative precision for positive x. */
export const erfc = (x: Value): Value => exp(logErfc(x));

/** log Φ(x), the logarithm of the standard normal distribution function, exact in both tails. */
export const logNormalCdf = (x: Value): Value => logErfc(x.mul(-Math.SQRT1_2)).sub(Math.LN2);

/** Φ(x), to full relative precision in the lower tail; the upper one is Φ(−x). */
export const normalCdf = (x: Value): Value => exp(logNormalCdf(x));

/** φ(x)/Φ(x), the derivative of log Φ (the inverse Mills ratio). */
export const inverseMillsRatio = (x: Value): Value =>
  exp(logErfcx(x.mul(-Math.SQRT1_2)).neg()).mul(Math.sqrt(2 / Math.PI));
