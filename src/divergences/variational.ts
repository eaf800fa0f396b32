import { mean, sizeValue, sqrt, stopGradient } from "../ops/index.ts";
import { sizeOf } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import type { FDivergence } from "./divergence.ts";

/** Scalars. */
export interface VariationalEstimate {
  /** What a critic maximises. Its expectation is at most the divergence, whatever the critic. */
  readonly value: Value;
  /** Over draws of the samples, for a critic that has not seen them; no gradient flows through it. */
  readonly standardError: Value;
}

/**
 * E_P[g(v)] − E_Q[f*(g(v))], g the divergence's activation: a lower bound on D(P ‖ Q) by a critic's raw outputs v
 * (Nowozin, Cseke, Tomioka 2016, equation 4).
 * @param p outputs at samples of P, any shape.
 * @param q outputs at samples of Q, any shape.
 */
export function variationalEstimate(
  divergence: FDivergence,
  p: Value,
  q: Value,
): VariationalEstimate {
  const [reward, penalty] = [divergence.activation(p), divergence.penalty(q)];
  return {
    value: mean(reward).sub(mean(penalty)),
    standardError: stopGradient(sqrt(varianceOfMean(reward).add(varianceOfMean(penalty)))),
  };
}

/** Of independent elements. */
function varianceOfMean(x: Value): Value {
  const square = mean(x.sub(mean(x)).square());
  const count = sizeValue(sizeOf(x.shape), x);
  return square.div(typeof count === "number" ? count - 1 : count.sub(1));
}
