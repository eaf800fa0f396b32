import { concat, expandDims, full, sigmoid, slice, split, squeeze, tanh } from "../ops/index.ts";
import { formatShape, ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { type Initializer, uniform } from "./initializers.ts";
import { checkCounts, initLinear, type LinearParams, linear } from "./linear.ts";

/**
 * Weights of a recurrent layer: `input` [inputs, gates·features] and `hidden` [features, gates·features], each with
 * its bias. The gates are in the order of PyTorch, whose weights are the transposed ones.
 */
export type RecurrentParams = { readonly input: LinearParams; readonly hidden: LinearParams };

/** State of a long short-term memory: what it shows, and what it keeps, [B, features] each. */
export interface LstmState {
  readonly hidden: Value;
  readonly cell: Value;
}

export interface InitRecurrentOptions {
  /** Of weights and biases; uniform on ±1/√features by default, as in PyTorch. */
  readonly initializer?: Initializer;
}

function initGates(
  gates: number,
  key: Key,
  inputs: number,
  features: number,
  { initializer = uniform(1 / Math.sqrt(features)) }: InitRecurrentOptions,
): RecurrentParams {
  const options = { initializer, biasInitializer: initializer };
  return {
    input: initLinear(key.at("input"), inputs, gates * features, options),
    hidden: initLinear(key.at("hidden"), features, gates * features, options),
  };
}

/** Parameters of `lstm` and `lstmCell`. */
export function initLstm(
  key: Key,
  inputs: number,
  features: number,
  options: InitRecurrentOptions = {},
): RecurrentParams {
  checkCounts("initLstm", { inputs, features });
  return initGates(4, key, inputs, features, options);
}

/** Parameters of `gru` and `gruCell`. */
export function initGru(
  key: Key,
  inputs: number,
  features: number,
  options: InitRecurrentOptions = {},
): RecurrentParams {
  checkCounts("initGru", { inputs, features });
  return initGates(3, key, inputs, features, options);
}

/** Features of a layer with so many gates. Throws if its weights are of another kind. */
function featuresOf(layer: string, { hidden }: RecurrentParams, gates: number): number {
  const [features = 0, width] = hidden.weight.shape;
  if (width !== gates * (features as number)) {
    throw new ShapeError(
      layer,
      `the hidden weight must be [features, ${gates}·features], got ${formatShape(hidden.weight.shape)}.`,
    );
  }
  return features as number;
}

/**
 * One step of a long short-term memory (Hochreiter, Schmidhuber 1997; with the forget gate of Gers, Schmidhuber,
 * Cummins 2000): i, f, o = σ(…), g = tanh(…), c' = f⊙c + i⊙g, h' = o⊙tanh(c').
 * x [B, inputs] and a state of [B, features], or [1, features] where all rows share it.
 */
export function lstmCell(params: RecurrentParams, x: Value, state: LstmState): LstmState {
  return lstmStep(params, linear(params.input, x), state);
}

function lstmStep(params: RecurrentParams, projected: Value, { hidden, cell }: LstmState) {
  featuresOf("lstm", params, 4);
  const gates = projected.add(linear(params.hidden, hidden));
  const [i, f, g, o] = split(gates, -1, 4) as [Value, Value, Value, Value];
  const next = sigmoid(f)
    .mul(cell)
    .add(sigmoid(i).mul(tanh(g)));
  return { hidden: sigmoid(o).mul(tanh(next)), cell: next };
}

/**
 * One step of a gated recurrent unit (Cho et al. 2014), the reset gate on the hidden product as in PyTorch:
 * r, z = σ(…), n = tanh(Wx + b + r⊙(Uh + b')), h' = (1 − z)⊙n + z⊙h.
 * x [B, inputs] and h [B, features], or [1, features] where all rows share it.
 */
export function gruCell(params: RecurrentParams, x: Value, hidden: Value): Value {
  return gruStep(params, linear(params.input, x), hidden);
}

function gruStep(params: RecurrentParams, projected: Value, hidden: Value): Value {
  featuresOf("gru", params, 3);
  const [rx, zx, nx] = split(projected, -1, 3) as [Value, Value, Value];
  const [rh, zh, nh] = split(linear(params.hidden, hidden), -1, 3) as [Value, Value, Value];
  const update = sigmoid(zx.add(zh));
  const next = tanh(nx.add(sigmoid(rx.add(rh)).mul(nh)));
  return next.add(update.mul(hidden.sub(next)));
}

/** The projection of every step's input, in order. */
function projectedSteps(layer: string, params: RecurrentParams, x: Value): Value[] {
  const steps = x.shape[1];
  if (x.rank !== 3 || typeof steps !== "number") {
    throw new ShapeError(
      layer,
      `x must be [B, steps, inputs] with a known number of steps, got ${formatShape(x.shape)}.`,
    );
  }
  const projected = linear(params.input, x);
  return Array.from({ length: steps }, (_, t) => squeeze(slice(projected, 1, t, t + 1), 1));
}

const zeroState = (params: RecurrentParams): Value =>
  full([1, params.hidden.weight.size(0)], 0, params.hidden.weight.dtype);

const sequence = (steps: readonly Value[]): Value =>
  concat(
    steps.map((step) => expandDims(step, 1)),
    1,
  );

/**
 * A long short-term memory over x [B, steps, inputs], unrolled: what it shows after each step
 * [B, steps, features], and its last state. It begins with zeros where no state is given.
 */
export function lstm(
  params: RecurrentParams,
  x: Value,
  state: LstmState = { hidden: zeroState(params), cell: zeroState(params) },
): { readonly outputs: Value; readonly state: LstmState } {
  let last = state;
  const shown = projectedSteps("lstm", params, x).map((projected) => {
    last = lstmStep(params, projected, last);
    return last.hidden;
  });
  return { outputs: sequence(shown), state: last };
}

/** The same by a gated recurrent unit. */
export function gru(
  params: RecurrentParams,
  x: Value,
  state: Value = zeroState(params),
): { readonly outputs: Value; readonly state: Value } {
  let last = state;
  const shown = projectedSteps("gru", params, x).map((projected) => {
    last = gruStep(params, projected, last);
    return last;
  });
  return { outputs: sequence(shown), state: last };
}
