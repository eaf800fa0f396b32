import { gradients } from "../autodiff/index.ts";
import { gumbel, logistic } from "../distributions/index.ts";
import { abs, exp, max, mean, stopGradient, sum } from "../ops/index.ts";
import { leaves, type Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { type Discrete, discreteOf, harden, isCoin, needsDiscrete, soften } from "./discrete.ts";
import {
  type Estimate,
  type EstimatorDefinition,
  expandLast,
  meanSamples,
  type Problem,
  sumLast,
  withGradientOf,
} from "./estimator.ts";
import { leaf } from "./leaf.ts";

// With perturbed logits z, b = harden(z), z̃ | b drawn anew given b, and a control variate c, the estimate is
//
//   g = [f(b) − c(z̃)] ∇ log q(b) + ∇c(z) − ∇c(z̃)
//
// (Tucker, Mnih, Maddison, Lawson, Sohl-Dickstein, "REBAR", 2017, section 3, with c = η f(soften);
// Grathwohl, Choi, Wu, Roeder, Duvenaud, "Backpropagation through the void", 2018, section 3). Its mean asks
// only that the noise of z̃ be independent of b. We take the noise for which z̃ = z (the coupling of REBAR,
// appendix): c is then computed once, and only the derivatives of z and z̃ towards the logits differ.

/** c(z̃) = η f(z̃). */
export const rebar: EstimatorDefinition = {
  summary: "likelihood ratio with the relaxed f as control variate",
  source:
    "Tucker, Mnih, Maddison, Lawson, Sohl-Dickstein, REBAR: Low-variance, unbiased gradient estimates for discrete latent variable models (2017), section 3",
  targets: ["objective"],
  unbiased: true,
  differentiates: true,
  options: ["samples", "control"],
  leastSamples: 1,
  refusal: needsDiscrete,
  estimate: (problem) => controlled(problem),
};

/** c(z̃) = η f(z̃) + r(z̃) with a network r; with η = 0, f may be any function. */
export const relax: EstimatorDefinition = {
  summary: "likelihood ratio with a network, and the relaxed f, as control variate",
  source:
    "Grathwohl, Choi, Wu, Roeder, Duvenaud, Backpropagation through the void: Optimizing control variates for black-box gradient estimation (2018), section 3",
  targets: ["objective"],
  unbiased: true,
  differentiates: true,
  options: ["samples", "control"],
  leastSamples: 1,
  refusal: needsDiscrete,
  estimate: (problem) => controlled(problem),
};

function controlled(problem: Problem): Estimate {
  const { q, f, key, samples, control } = problem;
  const base = discreteOf(q) as Discrete;
  const { logits } = base.parameters;
  const shape = [samples, ...logits.shape];
  const noise = isCoin(base)
    ? logistic(key, shape, logits.dtype)
    : gumbel(key, shape, logits.dtype);
  const z = stopGradient(noise.add(logits));
  const b = stopGradient(harden(base, z));
  const rewards = f(b, "sample");
  const at = leaf(z);
  const c = controlVariate(problem, base, at);
  const [dz] = gradients(sum(c), [at]) as [Value];
  const probs = stopGradient(base.parameters.probs());
  const event = q.eventShape.length;
  const left = expandLast(stopGradient(rewards).sub(c), event);
  const g = left.mul(b.sub(probs)).add(coupled(base, { z, b, dz, probs }));
  const value = meanSamples(rewards);
  const surrogate = value.add(meanSamples(sumLast(stopGradient(g).mul(logits), event)));
  const trained = varianceTerm(meanSamples(sumLast(g.square(), event)), control.params);
  return {
    surrogate: withGradientOf(trained === undefined ? surrogate : surrogate.add(trained), value),
  };
}

/** η f(z̃) + r(z̃), [m, ...batchShape]. */
function controlVariate({ f, control }: Problem, base: Discrete, z: Value): Value {
  const { temperature = 0.5, scale = 1, network } = control;
  const soft = soften(base, z, temperature);
  const ofF = scale === 0 ? undefined : f(soft, "relaxed").mul(scale);
  const ofNetwork = network?.(soft);
  if (ofF === undefined) return ofNetwork as Value;
  return ofNetwork === undefined ? ofF : ofF.add(ofNetwork);
}

/**
 * ∇c(z) − ∇c(z̃) towards the logits a, where z̃ = z.
 *
 * One-hot: z = log p + Gumbel noise moves with log p, and of z̃ | b every element but the largest,
 * z̃ᵢ = −log(Eᵢ/pᵢ + E_b), by 1 − exp(zᵢ − max z); what is left is exp(z − max z) ∂c/∂z, pulled through
 * log p = a − logΣexp a. Coin: z = a + logistic noise moves with a, and z̃ = ±softplus(v ± softplus(±a)) by
 * (1 − exp(−|z|)) q(b).
 */
function coupled(
  base: Discrete,
  { z, b, dz, probs }: Readonly<Record<"z" | "b" | "dz" | "probs", Value>>,
): Value {
  if (isCoin(base)) {
    const drawn = b.mul(probs.mul(2).sub(1)).add(probs.neg().add(1)); // q(b)
    const moved = exp(abs(z).neg()).neg().add(1).mul(drawn);
    return dz.mul(moved.neg().add(1));
  }
  const pull = dz.mul(exp(z.sub(max(z, -1, { keepDims: true }))));
  return pull.sub(probs.mul(sum(pull, -1, { keepDims: true })));
}

/** A number whose gradient towards the control variate's parameters is that of the mean of g². */
function varianceTerm(squares: Value, params: Tree<Value> | undefined): Value | undefined {
  const trained = params === undefined ? [] : leaves<Value>(params);
  if (trained.length === 0) return undefined;
  const slopes = gradients(mean(squares), trained);
  return slopes
    .map((slope, i) => sum(stopGradient(slope).mul(trained[i] as Value)))
    .reduce((a, b) => a.add(b));
}
