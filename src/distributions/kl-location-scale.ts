import {
  abs,
  and,
  broadcastShapes,
  erf,
  exp,
  greaterOrEqual,
  lessOrEqual,
  log,
  where,
} from "../ops/index.ts";
import { logGamma } from "../ops/special/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import type { Cauchy } from "./cauchy.ts";
import type { Distribution } from "./distribution.ts";
import type { Exponential } from "./exponential.ts";
import { EULER, type Gumbel } from "./gumbel.ts";
import type { HalfNormal } from "./half-normal.ts";
import type { Laplace } from "./laplace.ts";
import type { Normal } from "./normal.ts";
import { dtypeOf, stretched } from "./operand.ts";
import type { Scale } from "./scale.ts";
import type { Uniform } from "./uniform.ts";

// Divergences of location-scale families, KL(p ‖ q) = −H(p) − E_p[log q]. In the comments p has location m
// and scale s, q has μ and σ.

/** All operands as values of the common batch. */
function inCommon<const Names extends Record<string, Operand>>(
  p: Distribution,
  q: Distribution,
  operands: Names,
): { readonly [N in keyof Names]: Value } {
  const shape = broadcastShapes("kl", p.batchShape, q.batchShape);
  const dtype = dtypeOf(...Object.values(operands));
  const values = Object.entries(operands).map(([n, x]) => [n, stretched(x, shape, dtype)]);
  return Object.fromEntries(values) as { [N in keyof Names]: Value };
}

interface Located {
  readonly location: Operand;
  readonly scale: Scale;
}

/** The ratio s/σ, its logarithm, and m − μ over s and over σ. */
function compare(p: Distribution, q: Distribution, a: Located, b: Located) {
  const { m, mu, s, sigma, logS, logSigma } = inCommon(p, q, {
    m: a.location,
    mu: b.location,
    s: a.scale.value(),
    sigma: b.scale.value(),
    logS: a.scale.log(),
    logSigma: b.scale.log(),
  });
  const offset = m.sub(mu);
  return {
    ratio: s.div(sigma),
    logRatio: logS.sub(logSigma),
    offset: offset.div(sigma),
    ownOffset: offset.div(s),
  };
}

/** δ + (s/σ) exp(−|m − μ|/s) − 1 − log s/σ with δ = |m − μ|/σ. */
export function klLaplace(p: Laplace, q: Laplace): Value {
  const { ratio, logRatio, offset, ownOffset } = compare(p, q, p.parameters, q.parameters);
  const near = ratio.mul(exp(abs(ownOffset).neg()));
  return abs(offset).add(near).sub(1).sub(logRatio);
}

/** −H(p) + log σ + E z + E exp(−z), z = (x − μ)/σ; the last is exp(−(m − μ)/σ) Γ(1 + s/σ). */
export function klGumbel(p: Gumbel, q: Gumbel): Value {
  const { ratio, logRatio, offset } = compare(p, q, p.parameters, q.parameters);
  const power = exp(logGamma(ratio.add(1)).sub(offset));
  return ratio.sub(1).mul(EULER).add(offset).add(power).sub(1).sub(logRatio);
}

/** s/σ − 1 − log s/σ. */
export function klExponential(p: Exponential, q: Exponential): Value {
  const at = { location: 0 };
  const { ratio, logRatio } = compare(p, q, { ...at, ...p.parameters }, { ...at, ...q.parameters });
  return ratio.sub(1).sub(logRatio);
}

/** ½ ((s/σ)² − 1) − log s/σ. */
export function klHalfNormal(p: HalfNormal, q: HalfNormal): Value {
  const at = { location: 0 };
  const { ratio, logRatio } = compare(p, q, { ...at, ...p.parameters }, { ...at, ...q.parameters });
  return ratio.square().sub(1).mul(0.5).sub(logRatio);
}

/**
 * log ((s + σ)² + (m − μ)²)/(4 s σ) (Chyzak, Nielsen, "A closed-form formula for the Kullback-Leibler
 * divergence between Cauchy distributions", 2019).
 */
export function klCauchy(p: Cauchy, q: Cauchy): Value {
  const { ratio, logRatio, offset } = compare(p, q, p.parameters, q.parameters);
  const sum = ratio.add(1).square().add(offset.square());
  return log(sum.mul(0.25)).sub(logRatio);
}

/** log of the ratio of the widths, infinite unless q covers p. */
export function klUniform(p: Uniform, q: Uniform): Value {
  const [a, b] = [p.parameters, q.parameters];
  const { low, high, from, to } = inCommon(p, q, {
    low: a.low,
    high: a.high,
    from: b.low,
    to: b.high,
  });
  const covered = and(lessOrEqual(from, low), lessOrEqual(high, to));
  const logRatio = log(to.sub(from)).sub(log(high.sub(low)));
  return where(covered, logRatio, Number.POSITIVE_INFINITY);
}

/** −H(p) + log 2σ + E|x − μ|/σ with E|x − μ| = s √(2/π) exp(−d²/2) + (m − μ) erf(d/√2), d = (m − μ)/s. */
export function klNormalLaplace(p: Normal, q: Laplace): Value {
  const { mean, std } = p.parameters;
  const { m, mu, s, sigma, logSigma } = inCommon(p, q, {
    m: mean,
    mu: q.parameters.location,
    s: std(),
    sigma: q.parameters.scale.value(),
    logSigma: q.parameters.scale.log(),
  });
  const offset = m.sub(mu);
  const d = offset.div(s);
  const near = s.mul(exp(d.square().mul(-0.5))).mul(Math.sqrt(2 / Math.PI));
  const distance = near.add(offset.mul(erf(d.mul(Math.SQRT1_2))));
  return distance.div(sigma).add(logSigma).add(Math.LN2).sub(p.entropy());
}

/** −H(p) + log σ + (m − μ)/σ + exp(−(m − μ)/σ + s²/2σ²), by the moments of a log-normal variable. */
export function klNormalGumbel(p: Normal, q: Gumbel): Value {
  const { mean, std } = p.parameters;
  const { m, mu, s, sigma, logSigma } = inCommon(p, q, {
    m: mean,
    mu: q.parameters.location,
    s: std(),
    sigma: q.parameters.scale.value(),
    logSigma: q.parameters.scale.log(),
  });
  const offset = m.sub(mu).div(sigma);
  const power = s.div(sigma).square().mul(0.5).sub(offset);
  return offset.add(exp(power)).add(logSigma).sub(p.entropy());
}

/** −H(p) + log σ + ½ log 2π + (Var p + (E p − μ)²)/2σ², for every p that has these moments. */
export function klToNormal(p: Distribution, q: Normal): Value {
  const { mean, inverseStd, logStd } = q.parameters;
  const offset = p.mean().sub(mean).mul(inverseStd());
  const spread = p.variance().mul(inverseStd()).mul(inverseStd());
  const square = spread.add(offset.square()).mul(0.5);
  return square
    .add(logStd())
    .add(0.5 * Math.log(2 * Math.PI))
    .sub(p.entropy());
}

/** −H(p) + log σ + E p/σ, for every p of non-negative numbers that has a mean. */
export function klToExponential(p: Distribution, q: Exponential): Value {
  const { scale } = q.parameters;
  return scale.divide(p.mean()).add(scale.log()).sub(p.entropy());
}

/** The same, infinite where p reaches below 0. */
export function klUniformExponential(p: Uniform, q: Exponential): Value {
  const { low } = inCommon(p, q, { low: p.parameters.low, scale: q.parameters.scale.value() });
  return where(greaterOrEqual(low, 0), klToExponential(p, q), Number.POSITIVE_INFINITY);
}
