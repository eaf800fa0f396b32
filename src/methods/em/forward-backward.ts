/**
 * The forward-backward recursions of a hidden Markov model in logarithms, unrolled over time: Rabiner, "A
 * tutorial on hidden Markov models and selected applications in speech recognition" (1989), equations 19 to
 * 38, in place of its scaling:
 *
 *   log αₜ(j) = log bⱼ(xₜ) + log Σᵢ exp(log αₜ₋₁(i))·a_ij,      log α₁(j) = log πⱼ + log bⱼ(x₁)
 *   log βₜ(i) = log Σⱼ a_ij·exp(log bⱼ(xₜ₊₁) + log βₜ₊₁(j)),      log β_T = 0
 *   γₜ(i) = exp(log αₜ(i) + log βₜ(i) − log p(x)),   ξₜ(i, j) = αₜ(i)·a_ij·bⱼ(xₜ₊₁)·βₜ₊₁(j) / p(x)
 */
import {
  exp,
  expandDims,
  full,
  log,
  logSumExp,
  matmul,
  max,
  minimum,
  reshape,
  slice,
  stack,
} from "../../ops/index.ts";
import type { Value } from "../../trace/index.ts";

export interface Chain {
  /** π [K], and a [K, K], rows sum to 1. */
  readonly initial: Value;
  readonly transition: Value;
}

export interface Posterior {
  /** log p(x) [B]. */
  readonly logLikelihood: Value;
  /** γ [T, B, K]. */
  readonly states: Value;
  /** Σ over rows (by weight) and time of ξ, [K, K]. */
  readonly transitions: Value;
}

/** log Σᵢ exp(v(i))·m(i, j) of v [B, K]: a product of matrices, shifted so that it does not vanish. */
function logProduct(v: Value, m: Value, transposeB: boolean): Value {
  const shift = max(v, 1, { keepDims: true });
  return log(matmul(exp(v.sub(shift)), m, { transposeB })).add(shift);
}

const at = (x: Value, t: number): Value => reshape(slice(x, 0, t, t + 1), x.shape.slice(1));

/** Posteriors of the states from log-densities of the observations [T, B, K]; weights [B]. */
export function forwardBackward(
  { initial, transition }: Chain,
  emissions: Value,
  weight?: Value,
): Posterior {
  const steps = emissions.size(0) as number;
  const forward: Value[] = [];
  for (let t = 0; t < steps; t++) {
    const before = t === 0 ? log(initial) : logProduct(forward[t - 1] as Value, transition, false);
    forward.push(at(emissions, t).add(before));
  }
  const last = forward[steps - 1] as Value;
  const logLikelihood = logSumExp(last, 1);
  const backward: Value[] = [full(last.shape, 0, "float64")];
  const arriving: Value[] = [];
  for (let t = steps - 1; t > 0; t--) {
    const next = at(emissions, t).add(backward[0] as Value);
    arriving.unshift(next);
    backward.unshift(logProduct(next, transition, true));
  }
  const alpha = stack(forward, 0);
  const evidence = expandDims(logLikelihood, -1);
  return {
    logLikelihood,
    states: exp(alpha.add(stack(backward, 0)).sub(evidence)),
    transitions:
      steps === 1
        ? transition.mul(0)
        : transitionSums(
            stack(forward.slice(0, -1), 0),
            stack(arriving, 0),
            evidence,
            transition,
            weight,
          ),
  };
}

/** e^700 is the largest power that float64 holds; where it is cut, the other factor is 0. */
const largestExponent = 700;

function transitionSums(
  from: Value,
  to: Value,
  evidence: Value,
  transition: Value,
  weight: Value | undefined,
): Value {
  const states = transition.size(0);
  const shift = max(from, 2, { keepDims: true });
  const left = exp(from.sub(shift));
  const right = exp(minimum(to.add(shift).sub(evidence), largestExponent));
  const counted = weight === undefined ? right : right.mul(expandDims(weight, -1));
  const rows = (x: Value): Value => reshape(x, [-1, states]);
  return matmul(rows(left), rows(counted), { transposeA: true }).mul(transition);
}
