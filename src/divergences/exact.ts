import { abs, equal, erf, exp, full, greater, log, sqrt, sum, where } from "../ops/index.ts";
import { ReparamError, ShapeError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import type { FDivergence } from "./divergence.ts";

/**
 * D(P ‖ Q) of distributions over K outcomes: probabilities p and q [..., K] to [...]. Outcomes without
 * probability count as their limits do, and may make the divergence infinite.
 * @throws ShapeError where the numbers of outcomes differ.
 */
export function finiteDivergence(divergence: FDivergence, p: Value, q: Value): Value {
  if (p.rank === 0 || q.rank === 0 || p.size(-1) !== q.size(-1)) {
    throw new ShapeError(
      "finiteDivergence",
      `p and q must be [..., K] of the same K, got ${p} and ${q}. Give both the same outcomes.`,
    );
  }
  const [noP, noQ] = [equal(p, 0), equal(q, 0)];
  // Where there is a limit, the generator sees 1 in place of a quotient by 0.
  const ratio = where(noP, 1, where(noQ, 1, p).div(where(noQ, 1, q)));
  const missing = where(noQ, 0, limit(q, divergence.atZero));
  const surplus = where(noP, 0, limit(p, divergence.slopeAtInfinity));
  const inside = q.mul(divergence.generator(ratio));
  return sum(where(noP, missing, where(noQ, surplus, inside)), -1);
}

/** mass·slope, where a mass above 0 may cost infinitely much. */
const limit = (mass: Value, slope: number): Value =>
  Number.isFinite(slope) ? mass.mul(slope) : full(mass.shape, slope, mass.dtype);

/** Means and standard deviations [..., D] of independent normal elements; they broadcast. */
export interface NormalParameters {
  readonly mean: Value;
  readonly std: Value;
}

/**
 * D(P ‖ Q) between normal distributions with independent elements, [...]. There is a closed form for all
 * divergences that are functions of ∫ pᵅ q¹⁻ᵅ (Gil, Alajaji, Linder 2013, table 2), which may be infinite for
 * α outside of [0, 1], and for the total variation where both have the same `std`, one value.
 * @throws ReparamError for the others, as Jensen-Shannon.
 */
export function normalDivergence(
  divergence: FDivergence,
  p: NormalParameters,
  q: NormalParameters,
): Value {
  const { power, name } = divergence;
  if (power !== undefined) return powerDivergence(power.alpha, p, q).mul(power.factor);
  if (name === "total-variation" && p.std === q.std) return sharedScaleVariation(p, q);
  const why =
    name === "total-variation" ? "only for one std in common, the same value" : "not at all";
  throw new ReparamError(
    `normalDivergence: ${name} has a closed form ${why}. Estimate it by variationalEstimate with the optimal critic.`,
  );
}

function powerDivergence(alpha: number, p: NormalParameters, q: NormalParameters): Value {
  if (alpha === 1) return klOfNormals(p, q);
  if (alpha === 0) return klOfNormals(q, p);
  const gap = p.mean.sub(q.mean).square();
  const spread = q.std
    .square()
    .mul(alpha)
    .add(p.std.square().mul(1 - alpha));
  const exists = greater(spread, 0);
  const safe = where(exists, spread, 1);
  // log ∫ pᵅ q¹⁻ᵅ of one element.
  const logPower = log(q.std)
    .mul(alpha)
    .add(log(p.std).mul(1 - alpha))
    .sub(log(safe).mul(0.5))
    .sub(gap.div(safe).mul((alpha * (1 - alpha)) / 2));
  const total = sum(where(exists, logPower, Infinity), -1);
  return exp(total)
    .sub(1)
    .div(alpha * (alpha - 1));
}

function klOfNormals(p: NormalParameters, q: NormalParameters): Value {
  const ratio = p.std.div(q.std).square();
  const offset = p.mean.sub(q.mean).div(q.std).square();
  return sum(ratio.add(offset).sub(1).sub(log(ratio)).mul(0.5), -1);
}

/** Both sides of the hyperplane half way between the means: erf(‖(μp − μq)/σ‖/√8). */
function sharedScaleVariation(p: NormalParameters, q: NormalParameters): Value {
  const distance = sqrt(sum(p.mean.sub(q.mean).div(p.std).square(), -1));
  return erf(abs(distance).mul(Math.SQRT1_2 / 2));
}
