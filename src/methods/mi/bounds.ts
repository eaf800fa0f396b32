/**
 * Estimators of mutual information I(X; Y) = KL(p(x, y) ‖ p(x)p(y)) by a critic T, from the scores
 * S = T(xᵢ, yⱼ) of all pairs of a batch: true pairs on the diagonal, independent ones beside it. E₊ and E₋ are
 * the means over the two.
 *
 *   dv      E₊[T] − log E₋[e^T]                               Donsker, Varadhan 1983
 *   mine    the same value; the gradient of the logarithm has a moving average of E₋[e^T] below it
 *                                                             Belghazi et al. 2018, section 3.2
 *   nwj     E₊[T] − E₋[e^(T−1)]                               Nguyen, Wainwright, Jordan 2010
 *   infonce E₊[T] − meanᵢ log meanⱼ e^T(xᵢ,yⱼ) ≤ log B        van den Oord, Li, Vinyals 2018, equation 4
 *   jsd     T trained by E₊[log σ(T)] + E₋[log(1 − σ(T))], its value that of nwj at T + 1
 *                                                             Hjelm et al. 2019; Poole et al. 2019
 *   smile   T trained so, its value E₊[T] − log E₋[clip(e^T, e^−τ, e^τ)]
 *                                                             Song, Ermon 2020
 */
import { divergences, variationalEstimate } from "../../divergences/index.ts";
import type { ModelBuffer, Scope } from "../../nn/index.ts";
import {
  clip,
  constant,
  diagonal,
  exp,
  logAddExp,
  logSumExp,
  mean,
  slice,
  stack,
  stopGradient,
  straightThrough,
} from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { offDiagonal } from "./critics.ts";

export const boundNames = ["dv", "mine", "nwj", "infonce", "jsd", "smile"] as const;
export type BoundName = (typeof boundNames)[number];

/** What a batch says; scalars. */
export interface BatchStatistics {
  /** What training maximises, on this batch alone. */
  readonly objective: Value;
  /** The part of the estimate from true pairs. */
  readonly joint: Value;
  /** The part from independent pairs, in logarithms where they are pooled as exponentials. */
  readonly marginal: Value;
}

/** How the parts of batches become an estimate. */
export interface Combination {
  /** How the marginal parts of several batches join: log mean exp, or the mean. */
  readonly pool: "log-mean-exp" | "mean";
  /** The estimate in nats. */
  readonly value: (joint: number, marginal: number) => number;
  /** Its derivative towards the marginal part. */
  readonly slope: (marginal: number) => number;
}

export interface InformationBound extends Combination {
  readonly name: BoundName;
  readonly source: string;
  /** What is known of its expectation. */
  readonly obeys: string;
  /** The largest value it can have with batches of B. */
  readonly limit?: (batchSize: number) => number;
  /** From the scores of a batch, [B, B]. */
  readonly statistics: (scores: Value) => BatchStatistics;
  /** What training maximises where that differs from `statistics`: it may carry a moving average. */
  readonly training?: (scores: Value, average: ModelBuffer, scope: Scope) => Value;
}

/** log of the mean of e^x over all elements. */
const logMeanExp = (x: Value): Value =>
  logSumExp(x).sub(Math.log((x.shape as number[]).reduce((n, d) => n * d, 1)));

const jointOf = (scores: Value): Value => mean(diagonal(scores));

/** Of estimates E₊[T] − log E₋[e^T]. */
export const difference: Combination = {
  pool: "log-mean-exp",
  value: (joint, marginal) => joint - marginal,
  slope: () => -1,
};

const donskerVaradhan = (scores: Value): BatchStatistics => {
  const [joint, marginal] = [jointOf(scores), logMeanExp(offDiagonal(scores))];
  return { objective: joint.sub(marginal), joint, marginal };
};

const byDivergence =
  (name: "kl" | "jensen-shannon", negatives: (x: Value) => Value = (x) => x) =>
  (scores: Value): BatchStatistics => {
    const [positive, negative] = [diagonal(scores), offDiagonal(scores)];
    return {
      objective: variationalEstimate(divergences[name], positive, negative).value,
      joint: mean(positive),
      marginal: logMeanExp(negatives(negative)),
    };
  };

function contrastive(scores: Value): BatchStatistics {
  const joint = jointOf(scores);
  const marginal = mean(logSumExp(scores, 1)).sub(Math.log(scores.size(1) as number));
  return { objective: joint.sub(marginal), joint, marginal };
}

/** Decay of MINE's moving average. */
const decay = 0.99;

/** The start of MINE's moving average: the logarithm of the average, and of the weight it has gathered. */
export const initialMean = (): Value =>
  constant({ dtype: "float32", shape: [2], data: Float32Array.of(-1e4, -1e4) });

/** ∇ log E₋[e^T] is estimated by ∇ E₋[e^T] over its moving average, all in logarithms. */
function correctedDonskerVaradhan(scores: Value, average: ModelBuffer, scope: Scope): Value {
  const { objective, joint, marginal } = donskerVaradhan(scores);
  const before = average.value.add(Math.log(decay));
  const now = stack([stopGradient(marginal), constant(0)]).add(Math.log(1 - decay));
  const next = logAddExp(before, now);
  scope.update(average, next);
  const logMean = slice(next, 0, 0, 1).sub(slice(next, 0, 1));
  const weight = stopGradient(exp(marginal.sub(mean(logMean))));
  return straightThrough(objective, joint.sub(marginal.mul(weight)));
}

const lower = "a lower bound in expectation, for any critic";

const table: Readonly<Record<Exclude<BoundName, "smile">, Omit<InformationBound, "name">>> = {
  dv: {
    ...difference,
    source:
      "Donsker, Varadhan, Asymptotic evaluation of certain Markov process expectations (1983)",
    obeys: `${lower}, but for the logarithm of a mean over a finite sample, which makes it too large`,
    statistics: donskerVaradhan,
  },
  mine: {
    ...difference,
    source: "Belghazi et al., Mutual Information Neural Estimation (2018), section 3.2",
    obeys: `${lower}, but for the logarithm of a mean over a finite sample, which makes it too large`,
    statistics: donskerVaradhan,
    training: correctedDonskerVaradhan,
  },
  nwj: {
    pool: "log-mean-exp",
    value: (joint, marginal) => joint - Math.exp(marginal - 1),
    slope: (marginal) => -Math.exp(marginal - 1),
    source: "Nguyen, Wainwright, Jordan, Estimating divergence functionals (2010), lemma 1",
    obeys: `${lower}; its variance grows as e to the information`,
    statistics: byDivergence("kl"),
  },
  infonce: {
    ...difference,
    pool: "mean",
    source: "van den Oord, Li, Vinyals, Representation Learning with CPC (2018), equation 4",
    obeys: `${lower}, and at most the logarithm of the batch size`,
    limit: Math.log,
    statistics: contrastive,
  },
  jsd: {
    pool: "log-mean-exp",
    value: (joint, marginal) => joint + 1 - Math.exp(marginal),
    slope: (marginal) => -Math.exp(marginal),
    source: "Poole et al., On Variational Bounds of Mutual Information (2019)",
    obeys: `${lower}; its variance grows as e to the information`,
    statistics: byDivergence("jensen-shannon"),
  },
};

/**
 * The estimator of that name.
 * @param clipAt τ of smile, above 0; Infinity leaves a logarithm of a mean. 5 by default.
 */
export function boundOf(name: BoundName, clipAt = 5): InformationBound {
  if (name !== "smile") return { name, ...table[name] };
  if (!(clipAt > 0)) throw new ReparamError(`smile: the clip must be above 0, got ${clipAt}.`);
  const clipped = (x: Value): Value => (Number.isFinite(clipAt) ? clip(x, -clipAt, clipAt) : x);
  return {
    ...difference,
    name,
    source: "Song, Ermon, Understanding the Limitations of Variational MI Estimators (2020)",
    obeys: "no bound: clipping takes variance away and adds bias, upwards for large information",
    statistics: byDivergence("jensen-shannon", clipped),
  };
}
