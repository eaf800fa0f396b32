import { gradientTree } from "../autodiff/index.ts";
import { assemble, type Model, type Scope, type Variables, variablesOf } from "../nn/index.ts";
import { constant } from "../ops/index.ts";
import { applyUpdates, type Optimizer } from "../optim/index.ts";
import type { Tree } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
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
}

/** State of a phase made by `gradientStep`. */
export interface GradientState extends Variables {
  readonly optimizer: Tree<Value>;
  /** Count of updates so far, a float32 scalar: exact up to 2²⁴. */
  readonly step: Value;
}

/** The phase of most methods: one program that moves the parameters down the gradient of one loss. */
export function gradientStep<M extends Model>(options: GradientStepOptions<M>): Phase {
  const { batch, init, loss, optimizer } = options;
  return {
    name: options.name ?? "train",
    init: (key) => {
      const variables = variablesOf(init(key));
      const step = constant(0);
      return { ...variables, optimizer: optimizer.init(variables.params), step };
    },
    programs: {
      step: {
        inputs: { batch },
        build: ({ state, batch: given }, scope) => {
          const before = state as unknown as GradientState;
          const columns = given as Readonly<Record<string, Value>>;
          const terms = loss(assemble<M>(before), columns, scope, before.step);
          const next = applyGradient(before, terms.loss, optimizer);
          const buffers = scope.nextBuffers(before.buffers ?? {});
          return {
            state: { ...next, buffers, step: before.step.add(1) } as unknown as Tree<Value>,
            metrics: terms as unknown as Tree<Value>,
          };
        },
      },
    },
  };
}

/** Parameters and optimizer state after one update. */
export function applyGradient(
  state: Pick<GradientState, "params" | "optimizer">,
  loss: Value,
  optimizer: Optimizer,
): Pick<GradientState, "params" | "optimizer"> {
  const gradient = gradientTree(loss, state.params);
  const { updates, state: next } = optimizer.update(gradient, state.optimizer, state.params);
  return { params: applyUpdates(state.params, updates), optimizer: next };
}
