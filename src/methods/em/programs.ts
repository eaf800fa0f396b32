// The compiled programs of expectation-maximisation, and the state that they share.
import { cast, full, less, sum, where } from "../../ops/index.ts";
import type { PhaseProgram } from "../../step/index.ts";
import { mapTree, spec, type TensorSpec, type Tree } from "../../tensor/index.ts";
import { uniform, type Value } from "../../trace/index.ts";
import type { EmOptions, ExpectationModel, ExpectationProgram, Named } from "./model.ts";

/** Before the first iteration: nothing is worse. A state is finite, so that checkpoints can be checked. */
const worst = Number.MAX_VALUE;

/** What EM carries from run to run of its programs. */
export interface State {
  readonly parameters: Named<Value>;
  readonly statistics: Named<Value>;
  readonly logLikelihood: Value;
  readonly weight: Value;
  /** Loss of the iteration before. */
  readonly loss: Value;
  /** Of online EM: Ŝ for a weight of 1. */
  readonly average?: Named<Value>;
  /** Of several starts: the best so far. */
  readonly best?: { readonly parameters: Named<Value>; readonly loss: Value };
}

const stateOf = (tree: Tree<Value>): State => tree as unknown as State;
const treeOf = (state: State): Tree<Value> => state as unknown as Tree<Value>;
const scalarSpec = (): TensorSpec => spec("float64", []);

const zerosLike = (specs: Named<TensorSpec>): Named<Value> =>
  mapTree<TensorSpec, Value, Named<TensorSpec>>(specs, ({ shape }) => full(shape, 0, "float64"));

const combine = (
  a: Named<Value>,
  b: Named<Value>,
  how: (x: Value, y: Value) => Value,
): Named<Value> =>
  Object.fromEntries(Object.entries(a).map(([name, x]) => [name, how(x, b[name] as Value)]));

/** Everything 0, but for the best start so far. */
export function initialState(
  model: ExpectationModel,
  { starts, algorithm }: EmOptions,
  previous: Tree<Value> | undefined,
): State {
  const zero = full([], 0, "float64");
  const parameters = zerosLike(model.parameters);
  const loss = full([], worst, "float64");
  const before = previous === undefined ? undefined : stateOf(previous);
  return {
    parameters,
    statistics: zerosLike(model.statistics),
    logLikelihood: zero,
    weight: zero,
    loss,
    ...(algorithm === "online" ? { average: zerosLike(model.statistics) } : {}),
    ...(starts === 1
      ? {}
      : { best: before?.best === undefined ? { parameters, loss } : better(before, before.best) }),
  };
}

type Scored = Pick<State, "parameters" | "loss">;

/** Of two, the one with the smaller loss. */
export function better(a: Scored, b: Scored): Scored {
  const first = less(a.loss, b.loss);
  const choose = (x: Value, y: Value): Value => where(first, x, y);
  return {
    parameters: combine(a.parameters, b.parameters, choose),
    loss: choose(a.loss, b.loss),
  };
}

/** The programs of a phase: the E-steps, the M-step, and what the host reads and writes. */
export function programsOf(
  model: ExpectationModel,
  { algorithm }: EmOptions,
): Readonly<Record<string, PhaseProgram>> {
  const expectations = Object.entries(model.expectations).map(([name, program]) => [
    name,
    accumulation(model, program),
  ]);
  return {
    ...Object.fromEntries(expectations),
    noise: {
      inputs: {},
      build: ({ state }, scope) => ({
        state,
        uniforms: uniform(scope.key, [Math.max(1, model.startNoise)], "float64"),
      }),
    },
    read: { inputs: {}, build: ({ state }) => ({ state, parameters: stateOf(state).parameters }) },
    set: {
      inputs: { parameters: model.parameters },
      build: ({ state, parameters }) => {
        const before = stateOf(state);
        const after = parameters as Named<Value>;
        const { rebase } = model;
        const average =
          before.average === undefined || rebase === undefined
            ? {}
            : { average: rebase(before.average, before.parameters, after) };
        return { state: treeOf({ ...before, parameters: after, ...average }) };
      },
    },
    update: algorithm === "batch" ? batchUpdate(model) : onlineUpdate(model),
  };
}

/** Weights as float64, whatever the data has. */
const withWeight = ({ weight, ...columns }: Named<Value>): Named<Value> =>
  weight === undefined ? columns : { ...columns, weight: cast(weight, "float64") };

/** Adds the statistics of a chunk of rows to those of the state. */
function accumulation(
  model: ExpectationModel,
  { inputs, expect }: ExpectationProgram,
): PhaseProgram {
  return {
    inputs: { batch: model.batch, extra: inputs },
    build: ({ state: tree, batch, extra }) => {
      const state = stateOf(tree);
      const columns = withWeight(batch as Named<Value>);
      const { logLikelihood, size, statistics } = expect(
        state.parameters,
        columns,
        (extra ?? {}) as Named<Value>,
      );
      const { weight } = columns;
      const each = size ?? full(logLikelihood.shape, 1, "float64");
      const rows = sum(weight === undefined ? each : each.mul(weight));
      const total = sum(weight === undefined ? logLikelihood : logLikelihood.mul(weight));
      return {
        state: treeOf({
          ...state,
          statistics: combine(state.statistics, statistics, (x, y) => x.add(y)),
          logLikelihood: state.logLikelihood.add(total),
          weight: state.weight.add(rows),
        }),
      };
    },
  };
}

/** State and outputs of an M-step from these statistics. */
function afterStep(model: ExpectationModel, state: State, statistics: Named<Value>) {
  const zero = full([], 0, "float64");
  const loss = state.logLikelihood.div(state.weight).neg();
  return {
    state: {
      ...state,
      statistics: zerosLike(model.statistics),
      logLikelihood: zero,
      weight: zero,
      loss,
    } satisfies State,
    parameters: model.maximize(statistics, state.parameters) as Tree<Value>,
    metrics: { loss, before: state.loss, weight: state.weight },
  };
}

const batchUpdate = (model: ExpectationModel): PhaseProgram => ({
  inputs: {},
  build: ({ state: tree }) => {
    const state = stateOf(tree);
    const { state: next, ...rest } = afterStep(model, state, state.statistics);
    return { state: treeOf(next), ...rest };
  },
});

const onlineUpdate = (model: ExpectationModel): PhaseProgram => ({
  inputs: { rate: scalarSpec() },
  build: ({ state: tree, rate }) => {
    const state = stateOf(tree);
    const share = rate as Value;
    const average = combine(state.average as Named<Value>, state.statistics, (kept, fresh) =>
      kept.add(fresh.div(state.weight).sub(kept).mul(share)),
    );
    const { state: next, ...rest } = afterStep(model, state, average);
    return { state: treeOf({ ...next, average }), ...rest };
  },
});
