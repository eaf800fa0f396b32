import { assemble, type Model, Scope, variablesOf } from "../nn/index.ts";
import { constant } from "../ops/index.ts";
import type { Optimizer } from "../optim/index.ts";
import {
  bindShape,
  formatShape,
  mapTree,
  ReparamError,
  type Tensor,
  type TensorSpec,
  type Tree,
} from "../tensor/index.ts";
import { Key, trace, type Value } from "../trace/index.ts";
import { applyGradient, type GradientState, type LossTerms } from "./gradient-step.ts";
import type { Batch, BatchSpec, Phase, PhaseProgram } from "./method.ts";
import { scalarMetrics } from "./phase.ts";

type Values = Readonly<Record<string, Value>>;
type Tensors = Readonly<Record<string, Tensor>>;

export interface HostStepOptions<M extends Model> {
  /** Name of the phase. */
  readonly name?: string;
  /** Columns that the model reads. None by default: no data is read then, and `iterations` is needed. */
  readonly batch?: BatchSpec;
  readonly init: (key: Key) => M;
  /** What the host wants to see, samples for example. `step` is the count of updates, as in `gradientStep`. */
  readonly draw: (model: M, batch: Values, scope: Scope, step: Value) => Values;
  /**
   * Any function of what was drawn. It may take its time, and it is given the whole batch, columns that the
   * model does not read included. Draw its random numbers from `index`, so that a resumed training repeats them.
   */
  readonly host: (
    drawn: Tensors,
    at: { readonly index: number; readonly batch: Batch },
  ) => Tensors | Promise<Tensors>;
  /** What the host function returns. */
  readonly returns: Readonly<Record<string, TensorSpec>>;
  /** A scalar to minimise, of what was drawn and what the host made of it: a `scoreSurrogate`, for example. */
  readonly loss: (
    model: M,
    given: { readonly drawn: Values; readonly returned: Values; readonly batch: Values },
    scope: Scope,
    step: Value,
  ) => LossTerms;
  readonly optimizer: Optimizer;
  readonly iterations?: number;
}

/**
 * A phase of two programs with a function on the host between them: one draws, the host looks at it, the other
 * moves the parameters down the gradient of a loss. Nothing is asked of the host function but its numbers.
 * @throws ReparamError, in training, where the host function does not return what it is said to.
 */
export function hostStep<M extends Model>(options: HostStepOptions<M>): Phase {
  const { name = "train", batch = {}, host, returns, iterations } = options;
  const readsData = Object.keys(batch).length > 0;
  return {
    name,
    init: (key) => {
      const variables = variablesOf(options.init(key));
      const optimizer = options.optimizer.init(variables.params);
      return { ...variables, optimizer, step: constant(0) };
    },
    programs: programsOf(options, batch),
    iterate: async (iteration) => {
      const rows = readsData ? iteration.next() : {};
      const drawn = (await iteration.run("draw", { batch: rows })).drawn as Tensors;
      const returned = await host(drawn, { index: iteration.index, batch: rows });
      checkReturned(returned, returns);
      const { metrics } = await iteration.run("update", { batch: rows, drawn, returned });
      return scalarMetrics(metrics as Tree<Tensor>);
    },
    ...(iterations === undefined ? {} : { iterations }),
  };
}

function programsOf<M extends Model>(
  { init, draw, loss, returns, optimizer }: HostStepOptions<M>,
  batch: BatchSpec,
): Readonly<Record<"draw" | "update", PhaseProgram>> {
  const example = trace(
    ({ columns }) => {
      const scope = new Scope({ key: new Key("draw"), train: true });
      const model = assemble<M>(variablesOf(init(new Key("init"))));
      return draw(model, columns as Values, scope, constant(0));
    },
    { columns: batch },
  ).outputs as Tree<Value>;
  const drawn = mapTree<Value, TensorSpec>(example, ({ dtype, shape }) => ({ dtype, shape }));
  return {
    draw: {
      inputs: { batch },
      build: ({ state, batch: columns }, scope) => {
        const before = state as unknown as GradientState;
        return {
          state,
          drawn: draw(assemble<M>(before), columns as Values, scope, before.step),
        };
      },
    },
    update: {
      inputs: { batch, drawn, returned: returns },
      build: ({ state, ...given }, scope) => {
        const before = state as unknown as GradientState;
        const values = given as Parameters<typeof loss>[1];
        const terms = loss(assemble<M>(before), values, scope, before.step);
        const next = applyGradient(before, terms.loss, optimizer);
        const buffers = scope.nextBuffers(before.buffers ?? {});
        return {
          state: { ...next, buffers, step: before.step.add(1) } as unknown as Tree<Value>,
          metrics: terms as unknown as Tree<Value>,
        };
      },
    },
  };
}

function checkReturned(returned: Tensors, wanted: Readonly<Record<string, TensorSpec>>): void {
  for (const [name, { dtype, shape }] of Object.entries(wanted)) {
    const got = returned[name];
    const text = `${dtype} ${formatShape(shape)}`;
    if (got === undefined) {
      const names = Object.keys(returned).join(", ");
      throw new ReparamError(
        `hostStep: the host function must return "${name}", ${text}; it returned ${names || "nothing"}.`,
      );
    }
    if (got.dtype !== dtype || bindShape(shape, got.shape, new Map()) !== undefined) {
      throw new ReparamError(
        `hostStep: "${name}" of the host function must be ${text}, got ${got.dtype} ${formatShape(got.shape)}.`,
      );
    }
  }
}
