import { gradientTree } from "../autodiff/index.ts";
import {
  assemble,
  type BlockFilter,
  type Model,
  type Scope,
  type Variables,
  variablesOf,
} from "../nn/index.ts";
import { constant } from "../ops/index.ts";
import {
  type Average,
  applyUpdates,
  type Optimizer,
  type PathFilter,
  pickPaths,
} from "../optim/index.ts";
import { leafMap, leaves, ReparamError, type Tree } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { accumulate } from "./accumulate.ts";
import type { BatchSpec, Phase } from "./method.ts";

/** A scalar to minimise, and scalars to log beside it. */
export interface LossTerms {
  readonly loss: Value;
  readonly [term: string]: Value;
}

export interface GradientStepOptions<M extends Model> {
  /** Name of the phase. */
  readonly name?: string;
  readonly batch: BatchSpec;
  readonly init: (key: Key) => M;
  /** `step` is the 0-based count of updates, a float32 scalar, for schedules inside the loss. */
  readonly loss: (
    model: M,
    batch: Readonly<Record<string, Value>>,
    scope: Scope,
    step: Value,
  ) => LossTerms;
  readonly optimizer: Optimizer;
  /**
   * Works on the batch in this many parts, one after the other, and sums their gradients: the memory of one
   * part in place of the batch. The loss and its terms must be means over the rows of a batch. The first
   * part updates buffers; every batch needs at least as many rows as there are parts. 1 by default.
   */
  readonly accumulate?: number;
  /**
   * Which blocks of the model, by the name that `scope.block` gave them, are computed again in the backward
   * pass in place of being kept: less memory, about a third more time where all are.
   */
  readonly rematerialize?: BlockFilter;
  /** Parameters, by path, that get neither gradient nor update: they stay as they are, bit for bit. */
  readonly frozen?: PathFilter;
  /** Averages of the parameters over the steps, in the state under `averages` by their place here. */
  readonly averages?: readonly Average[];
}

/** State of a phase made by `gradientStep`. */
export interface GradientState extends Variables {
  readonly optimizer: Tree<Value>;
  /** Count of updates so far, a float32 scalar: exact up to 2²⁴. */
  readonly step: Value;
  /** Averages of the parameters, where the phase keeps some. */
  readonly averages?: readonly Tree<Value>[];
}

/** The phase of most methods: one program that moves the parameters down the gradient of one loss. */
export function gradientStep<M extends Model>(options: GradientStepOptions<M>): Phase {
  const { batch, init, loss, optimizer, accumulate: parts = 1, frozen } = options;
  const { rematerialize = () => false, averages = [] } = options;
  return {
    name: options.name ?? "train",
    init: (key) => {
      const variables = variablesOf(init(key));
      const step = constant(0);
      return {
        ...variables,
        optimizer: optimizer.init(trainable(variables.params, frozen)),
        step,
        ...(averages.length > 0 && {
          averages: averages.map((average) => average.init(variables.params)),
        }),
      };
    },
    programs: {
      step: {
        inputs: { batch },
        build: ({ state, batch: given }, scope) => {
          const before = state as unknown as GradientState;
          const columns = given as Readonly<Record<string, Value>>;
          const model = assemble<M>(before);
          const { terms, gradient } = accumulate(
            (rows, part) => loss(model, rows, part, before.step),
            {
              columns,
              params: trainable(before.params, frozen),
              parts,
              scope: scope.rematerializing(rematerialize),
            },
          );
          const next = applyUpdate(before, gradient, optimizer);
          const buffers = scope.nextBuffers(before.buffers ?? {});
          const averaged = before.averages?.map((average, i) =>
            (averages[i] as Average).update(average, next.params, before.step),
          );
          return {
            state: {
              ...{ ...next, buffers, step: before.step.add(1) },
              ...(averaged && { averages: averaged }),
            } as unknown as Tree<Value>,
            metrics: terms as unknown as Tree<Value>,
          };
        },
      },
    },
  };
}

/** The part of a gradient step's state that a method's functions read: `weights` of most methods. */
export const gradientWeights = (state: Tree<Value>): Tree<Value> => {
  const { params, buffers } = state as unknown as Variables;
  return { params, buffers };
};

/** The same with an average of the parameters in their place, by its number; the parameters themselves for −1. */
export const averagedWeights =
  (which: number) =>
  (state: Tree<Value>): Tree<Value> => {
    const { params, buffers, averages } = state as unknown as GradientState;
    return { params: averages?.[which] ?? params, buffers };
  };

/** The model inside such weights, with the structure that `init` gave it. */
export const modelOf = <M extends Model>(weights: Tree<Value>): M =>
  assemble<M>(weights as unknown as Variables);

/** The parameters that are not frozen. Throws if none is left. */
function trainable(params: Tree<Value>, frozen: PathFilter | undefined): Tree<Value> {
  if (frozen === undefined) return params;
  const kept = pickPaths(params, (path) => !frozen(path));
  if (leaves<Value>(kept).length === 0) {
    throw new ReparamError("gradientStep: every parameter is frozen. Leave some to train.");
  }
  return kept;
}

/** Parameters and optimizer state after one update; frozen parameters stay as they are. */
export const applyGradient = (
  state: Pick<GradientState, "params" | "optimizer">,
  loss: Value,
  optimizer: Optimizer,
  frozen?: PathFilter,
): Pick<GradientState, "params" | "optimizer"> =>
  applyUpdate(state, gradientTree(loss, trainable(state.params, frozen)), optimizer);

/** The same from gradients that are there already, of all parameters or a part of them. */
export function applyUpdate(
  state: Pick<GradientState, "params" | "optimizer">,
  gradient: Tree<Value>,
  optimizer: Optimizer,
): Pick<GradientState, "params" | "optimizer"> {
  const paths = new Set(leafMap(gradient).keys());
  const params = pickPaths(state.params, (path) => paths.has(path));
  const { updates, state: next } = optimizer.update(gradient, state.optimizer, params);
  return { params: applyUpdates(state.params, updates), optimizer: next };
}
