import {
  broadcastTo,
  clip,
  constant,
  matmul,
  relu,
  reshape,
  sigmoid,
  slice,
  softplus,
  split,
  stack,
  tanh,
  transpose,
} from "../../ops/index.ts";
import { type Size, subSize } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operators } from "../call.ts";

/*
 * Recurrent layers, unrolled over a sequence of fixed length: x [T, B, I], weights W [directions, gates·H, I],
 * R [directions, gates·H, H], biases [directions, 2·gates·H] (of the input, then of the state).
 */

/** One step: what the input contributes [B, gates·H], and the states before; the states after, the output first. */
type Cell = (input: Value, states: readonly Value[], weights: CellWeights) => readonly Value[];

interface CellWeights {
  /** [gates·H, H] */
  readonly recurrent: Value;
  /** [gates·H] */
  readonly bias: Value;
}

const activation: Readonly<Record<string, (x: Value) => Value>> = {
  Sigmoid: sigmoid,
  Tanh: tanh,
  Relu: relu,
  Softplus: softplus,
  HardSigmoid: (x) => clip(x.mul(0.2).add(0.5), 0, 1),
};

const gatesOf = (x: Value, count: number): Value[] => split(x, 1, count);

const fromState = (h: Value, { recurrent, bias }: CellWeights): Value =>
  matmul(h, recurrent, { transposeB: true }).add(bias);

/** h = f(Wx + Rh + b). */
const plainCell =
  (f: (x: Value) => Value): Cell =>
  (input, [h], weights) => [f(input.add(fromState(h as Value, weights)))];

/** Gates i, o, f, c: Hochreiter, Schmidhuber (1997), with forget gates (Gers, Schmidhuber, Cummins 2000). */
const lstmCell: Cell = (input, [h, c], weights) => {
  const [i, o, f, g] = gatesOf(input.add(fromState(h as Value, weights)), 4) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const next = sigmoid(f)
    .mul(c as Value)
    .add(sigmoid(i).mul(tanh(g)));
  return [sigmoid(o).mul(tanh(next)), next];
};

/** Gates z, r, h: Cho et al. (2014); the reset gate acts before the product with R, or after it. */
const gruCell =
  (resetAfter: boolean): Cell =>
  (input, [state], weights) => {
    const h = state as Value;
    const [zx, rx, nx] = gatesOf(input, 3) as [Value, Value, Value];
    const [zh, rh, nh] = gatesOf(fromState(h, weights), 3) as [Value, Value, Value];
    const [z, r] = [sigmoid(zx.add(zh)), sigmoid(rx.add(rh))];
    const size = h.size(-1);
    const last = (v: Value): Value => slice(v, 0, subSize(v.size(0), size));
    const candidate = resetAfter
      ? r.mul(nh)
      : fromState(r.mul(h), { recurrent: last(weights.recurrent), bias: last(weights.bias) });
    const n = tanh(nx.add(candidate));
    return [z.neg().add(1).mul(n).add(z.mul(h))];
  };

interface Layer {
  readonly cell: Cell;
  readonly gates: number;
  readonly states: number;
}

/** The outputs of all steps [T, directions, B, H], then the last states [directions, B, H]. */
function unroll(call: Call, { cell, gates, states }: Layer): readonly Value[] {
  const [w, r, b] = [call.value(1), call.value(2), call.optional(3)];
  refuse(call);
  // By the attribute the batch comes before the time, and before the directions of states.
  const batchFirst = call.integer("layout", 0) === 1;
  const turned = (v: Value): Value => (batchFirst ? transpose(v, [1, 0, 2]) : v);
  const x = turned(call.value(0));
  const steps = x.size(0);
  if (typeof steps !== "number") return call.fail("wants a sequence of fixed length");
  const hidden = call.integer("hidden_size", Number(r.size(-1)));
  const direction = call.text("direction", "forward");
  const count = direction === "bidirectional" ? 2 : 1;
  const results = Array.from({ length: count }, (_, d) => {
    const of = (v: Value): Value => reshape(slice(v, 0, d, d + 1), v.shape.slice(1));
    const zero = broadcastTo(constant(0, x.dtype), [2 * gates * hidden]);
    const [inputBias, stateBias] = split(b === undefined ? zero : of(b), 0, 2) as [Value, Value];
    const start = Array.from({ length: states }, (_, s) => {
      const given = call.optional(5 + s);
      const shape: Size[] = [x.size(1), hidden];
      return given === undefined ? broadcastTo(constant(0, x.dtype), shape) : of(turned(given));
    });
    const backwards = direction === "reverse" || d === 1;
    const weights = { recurrent: of(r), bias: stateBias };
    const project = (t: number): Value =>
      matmul(reshape(slice(x, 0, t, t + 1), x.shape.slice(1)), of(w), { transposeB: true }).add(
        inputBias,
      );
    return alongTime({ cell, weights, start, project, steps, backwards });
  });
  const outputs = stack(
    results.map(({ all }) => all),
    1,
  );
  const last = Array.from({ length: states }, (_, s) =>
    stack(
      results.map((result) => result.last[s] as Value),
      0,
    ),
  );
  return [batchFirst ? transpose(outputs, [2, 0, 1, 3]) : outputs, ...last.map(turned)];
}

function alongTime({
  cell,
  weights,
  start,
  project,
  steps,
  backwards,
}: {
  readonly cell: Cell;
  readonly weights: CellWeights;
  readonly start: readonly Value[];
  readonly project: (t: number) => Value;
  readonly steps: number;
  readonly backwards: boolean;
}): { all: Value; last: readonly Value[] } {
  let states = start;
  const outputs: Value[] = [];
  for (let i = 0; i < steps; i++) {
    const t = backwards ? steps - 1 - i : i;
    states = cell(project(t), states, weights);
    outputs[t] = states[0] as Value;
  }
  return { all: stack(outputs), last: states };
}

function refuse(call: Call): void {
  if (call.has(4)) call.fail("has sequences of different lengths; pad them and mask the outputs");
  if (call.has(7)) call.fail("looks from its gates at the cell (peepholes)");
  if (call.integer("input_forget", 0) !== 0) call.fail("couples its input and forget gates");
  if (call.number("clip", 0) !== 0) call.fail("clips its gates");
  const own = call.node.attributes.get("activations")?.texts ?? [];
  const usual = own.every((name) => name === "Sigmoid" || name === "Tanh");
  if (call.node.operator !== "RNN" && !usual) call.fail(`has the activations ${own.join(", ")}`);
}

const rnnActivation = (call: Call): ((x: Value) => Value) => {
  const name = call.node.attributes.get("activations")?.texts[0] ?? "Tanh";
  return activation[name] ?? call.fail(`has the unknown activation ${name}`);
};

export const recurrent: Operators = {
  RNN: (call) => unroll(call, { cell: plainCell(rnnActivation(call)), gates: 1, states: 1 }),
  LSTM: (call) => unroll(call, { cell: lstmCell, gates: 4, states: 2 }),
  GRU: (call) =>
    unroll(call, {
      cell: gruCell(call.integer("linear_before_reset", 0) === 1),
      gates: 3,
      states: 1,
    }),
};
