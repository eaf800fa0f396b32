import { expm1, reshape, sqrt } from "../ops/index.ts";
import { ReparamError, type Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import {
  combineLeaves,
  countLike,
  flat,
  initialCount,
  type Optimizer,
  type OptimizerStep,
  pack,
  packedZeros,
  rateAt,
  type Schedule,
} from "./optimizer.ts";
import { checkDecay, descend } from "./sgd.ts";

export interface AdamOptions {
  readonly learningRate: number | Schedule;
  /** Decay of the mean of gradients. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients. */
  readonly beta2?: number;
  /** Added to the root of the second moment. */
  readonly epsilon?: number;
}

export interface AdamWOptions extends AdamOptions {
  /** Fraction of a parameter that is taken off at each step, times the learning rate. */
  readonly weightDecay?: number;
}

/** Moments in the packed form of the parameters. */
type AdamState = {
  readonly count: Value;
  readonly first: Tree<Value>;
  readonly second: Tree<Value>;
};

/**
 * Adam (Kingma & Ba 2015, algorithm 1), to the numbers of PyTorch's:
 *   m' = β₁·m + (1 − β₁)·g,  v' = β₂·v + (1 − β₂)·g²,
 *   p' = p − learningRate · m'/(1 − β₁ᵗ) / (√(v'/(1 − β₂ᵗ)) + ε).
 *
 * The state holds m/(1 − β₁) and v/(1 − β₂), plain decayed sums: two passes over the parameters fewer. The
 * factors join the bias corrections, the rate and ε in two scalars.
 */
export const adam = (options: AdamOptions): Optimizer => adamLike("adam", options, 0);

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019): p' is less by learningRate·weightDecay·p. */
export const adamW = ({ weightDecay = 0.01, ...options }: AdamWOptions): Optimizer =>
  adamLike("adamW", options, weightDecay);

function adamLike(name: string, options: AdamOptions, weightDecay: number): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  checkDecay(name, "beta1", beta1);
  checkDecay(name, "beta2", beta2);
  if (!(epsilon > 0)) throw new ReparamError(`${name}: epsilon must be positive, got ${epsilon}.`);
  if (!(weightDecay >= 0)) {
    throw new ReparamError(`${name}: weightDecay must not be negative, got ${weightDecay}.`);
  }
  const settings = { ...options, beta1, beta2, epsilon, weightDecay };
  return {
    init: (params) => ({
      count: initialCount(),
      first: packedZeros(params),
      second: packedZeros(params),
    }),
    update: (gradients, state, params) => step(settings, gradients, state as AdamState, params),
  };
}

function step(
  { learningRate, beta1, beta2, epsilon, weightDecay }: Required<AdamWOptions>,
  gradients: Tree<Value>,
  { count, first, second }: AdamState,
  params: Tree<Value>,
): OptimizerStep {
  const done = countLike(count, params);
  const rate = rateAt(learningRate, done);
  const root = sqrt(correction(beta2, done).div(1 - beta2));
  const stepSize = root
    .div(correction(beta1, done))
    .mul(1 - beta1)
    .mul(rate);
  const scaledEpsilon = root.mul(epsilon);

  const gradient = pack(gradients);
  const nextFirst = combineLeaves(gradient, [first], (g, m) => m.mul(beta1).add(g));
  const nextSecond = combineLeaves(gradient, [second], (g, v) => v.mul(beta2).add(g.square()));
  const direction = combineLeaves(nextFirst, [nextSecond], (m, v) =>
    m.div(sqrt(v).add(scaledEpsilon)),
  );
  const descent = descend(direction, stepSize, params);
  const decay = typeof rate === "number" ? -rate * weightDecay : rate.mul(-weightDecay);
  const updates =
    weightDecay === 0
      ? descent
      : combineLeaves(descent, [params], (update, param) =>
          update.add(reshape(flat(param).mul(decay), param.shape)),
        );
  return { updates, state: { count: count.add(1), first: nextFirst, second: nextSecond } };
}

/** 1 − βᵗ with t = done + 1, as −expm1(t·log β): the difference loses digits in float32 while t is small. */
const correction = (beta: number, done: Value): Value =>
  beta === 0 ? done.mul(0).add(1) : expm1(done.add(1).mul(Math.log(beta))).neg();
