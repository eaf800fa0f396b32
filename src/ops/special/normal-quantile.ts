import type { Value } from "../../trace/index.ts";
import { greater, less, minimum, where } from "../binary.ts";
import { abs, exp, log, sign, sqrt } from "../elementwise.ts";
import { customGradient } from "../stop-gradient.ts";
import { inverseMillsRatio, logNormalCdf } from "./error-function.ts";
import { logOneMinusExp } from "./logarithms.ts";
import { polynomial } from "./polynomial.ts";

/** Abramowitz, Stegun, "Handbook of Mathematical Functions" (1964), 26.2.23: within 4.5e-4. */
function roughQuantile(logP: Value): Value {
  const t = sqrt(logP.mul(-2));
  const above = polynomial(t, [2.515517, 0.802853, 0.010328]);
  const below = polynomial(t, [1, 1.432788, 0.189269, 0.001308]);
  return above.div(below).sub(t);
}

/** The x ≤ 0 with log Φ(x) = logP ≤ log ½: Halley's iteration, of third order, from the rough value. */
function lowerQuantile(logP: Value): Value {
  const steps = logP.dtype === "float64" ? 2 : 1;
  let x = roughQuantile(logP);
  for (let i = 0; i < steps; i++) {
    const slope = inverseMillsRatio(x);
    const r = logNormalCdf(x).sub(logP).div(slope);
    x = x.sub(r.div(r.mul(x.add(slope)).mul(0.5).add(1)));
  }
  return x;
}

/**
 * The standard normal quantile of a probability given by its logarithm, Φ⁻¹(e^logP) for logP < 0: exact as
 * deep in the lower tail as logarithms reach.
 */
export function normalQuantileOfLog(logP: Value): Value {
  const isUpper = greater(logP, -Math.LN2);
  const tail = where(isUpper, logOneMinusExp(logP), logP);
  const x = lowerQuantile(tail);
  const y: Value = customGradient(where(isUpper, x.neg(), x), [logP], (dy) => [
    dy.div(inverseMillsRatio(y)),
  ]);
  return y;
}

/** The standard normal quantile Φ⁻¹(p) for 0 < p < 1. */
export function normalQuantile(p: Value): Value {
  const q = p.neg().add(1);
  const x = lowerQuantile(log(minimum(p, q)));
  const y: Value = customGradient(where(less(p, 0.5), x, x.neg()), [p], (dy) => [
    dy.mul(exp(y.square().mul(0.5)).mul(Math.sqrt(2 * Math.PI))),
  ]);
  return y;
}

/** Terms of the power series of erf⁻¹ in y², over √π/2 (NIST Digital Library, 7.17.2). */
const series = [
  1,
  Math.PI / 12,
  (7 * Math.PI ** 2) / 480,
  (127 * Math.PI ** 3) / 40320,
  (4369 * Math.PI ** 4) / 5806080,
].map((c) => (c * Math.sqrt(Math.PI)) / 2);

/** The inverse of the error function for −1 < y < 1. */
export function erfInverse(y: Value): Value {
  const size = abs(y);
  const x = lowerQuantile(log(size.neg().add(1).mul(0.5)));
  const small = y.mul(polynomial(y.square(), series));
  const far = x.mul(sign(y)).mul(-Math.SQRT1_2);
  const near = y.dtype === "float64" ? 0.03 : 0.1;
  const z: Value = customGradient(where(less(size, near), small, far), [y], (dz) => [
    dz.mul(exp(z.square()).mul(Math.sqrt(Math.PI) / 2)),
  ]);
  return z;
}
