/**
 * The neural dependency measure of Hjelm et al., "Learning deep representations by mutual information estimation and
 * maximization" (2019), after Brakel, Bengio, "Learning independent features with adversarial nets for
 * non-linear ICA" (2017): a critic's bound of the total correlation
 *
 *   KL(p(z) ‖ Π p(z_d)) ≥ E_p[T(z)] − log E_Πp[e^T(z)]
 *
 * z [B, D]; a sample of the product of the marginals is a batch whose columns are shuffled one by one.
 */
import { initLinear, type LinearParams, linear, type Model } from "../../nn/index.ts";
import { argSort, logSumExp, mean, relu, squeeze, takeAlongAxis } from "../../ops/index.ts";
import { type Key, uniform, type Value } from "../../trace/index.ts";
import { type BatchStatistics, difference } from "./bounds.ts";
import type { TrainedEstimator } from "./estimator.ts";

type Critic = { readonly layers: readonly LinearParams[] };

/** Every column in an order of its own. */
function shuffledColumns(z: Value, key: Key): Value {
  return takeAlongAxis(z, argSort(uniform(key, z.shape), 0), 0);
}

/** x are rows of z, y rows whose columns are shuffled; training shuffles x anew in every batch. */
export function dependencyEstimator(size: number, hidden: number): TrainedEstimator {
  const score = (model: Model, z: Value): Value => {
    const { layers } = model as Critic;
    return squeeze(
      layers.reduce((h, layer, i) => linear(layer, i === 0 ? h : relu(h)), z),
      1,
    );
  };
  const statistics = (model: Model, x: Value, y: Value): BatchStatistics => {
    const joint = mean(score(model, x));
    const marginal = logSumExp(score(model, y)).sub(Math.log(y.size(0) as number));
    return { objective: joint.sub(marginal), joint, marginal };
  };
  return {
    combination: difference,
    init: (key): Critic => ({
      layers: [
        initLinear(key.at(0), size, hidden),
        initLinear(key.at(1), hidden, hidden),
        initLinear(key.at(2), hidden, 1),
      ],
    }),
    statistics,
    objective: (model, x, _y, scope) =>
      statistics(model, x, shuffledColumns(x, scope.key.at("columns"))).objective,
  };
}
