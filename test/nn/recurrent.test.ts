import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  gru,
  gruCell,
  initGru,
  initLstm,
  lstm,
  lstmCell,
  type RecurrentParams,
} from "../../src/nn/index.ts";
import { concat, expandDims, full, slice, squeeze, sum } from "../../src/ops/index.ts";
import { spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";
import { difference } from "../ops/graph.ts";

const golden = readGolden("recurrent");
const cases = readGoldenMeta("recurrent").cases as unknown as Record<string, { inputs: string[] }>;
const stored = (name: string): Tensor => {
  const { data, shape } = golden[name]!;
  return tensorOf(data as Float32Array, shape);
};

const layers: Record<string, (params: RecurrentParams, x: Value, state: Value[]) => Value> = {
  lstm: (params, x, [hidden, cell]) => {
    const { outputs, state } = lstm(params, x, { hidden: hidden!, cell: cell! });
    return concat([outputs, expandDims(state.hidden, 1), expandDims(state.cell, 1)], 1);
  },
  gru: (params, x, [hidden]) => {
    const { outputs, state } = gru(params, x, hidden!);
    return concat([outputs, expandDims(state, 1)], 1);
  },
};

describe.each(Object.keys(cases))("%s", (name) => {
  const { inputs } = cases[name]!;
  const given = [...inputs.map((input) => stored(`${name}.in.${input}`)), stored(`${name}.r`)];

  it("has PyTorch's values and gradients", () => {
    const program = trace((values) => {
      const xs = (values as Value[]).slice(0, -1);
      const [x, weight, bias, hiddenWeight, hiddenBias, ...state] = xs as [
        Value,
        Value,
        Value,
        Value,
        Value,
      ];
      const params = {
        input: { weight, bias },
        hidden: { weight: hiddenWeight, bias: hiddenBias },
      };
      const y = layers[name]!(params, x, state);
      return [y, ...gradients(sum(y.mul(values.at(-1)!)), xs)];
    }, given);
    const got = evaluate(program, given) as Tensor[];
    expect(difference(got[0]!, stored(`${name}.y`))).toBeLessThan(2e-6);
    for (const [i, input] of inputs.entries()) {
      const error = difference(got[i + 1]!, stored(`${name}.grad.${input}`));
      expect(error, input).toBeLessThan(5e-6);
    }
  });
});

const x = tensorOf(
  Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  [2, 4, 3],
);

it("cells step by step from zeros give what the layers give at once", () => {
  const program = trace(
    ({ x: values }) => {
      const key = new Key("cells");
      const [a, b] = [initLstm(key.at("lstm"), 3, 5), initGru(key.at("gru"), 3, 5)];
      let memory = { hidden: full([1, 5], 0), cell: full([1, 5], 0) };
      let unit = full([1, 5], 0);
      for (let t = 0; t < 4; t++) {
        const now = squeeze(slice(values, 1, t, t + 1), 1);
        memory = lstmCell(a, now, memory);
        unit = gruCell(b, now, unit);
      }
      return [memory.cell, lstm(a, values).state.cell, unit, gru(b, values).state];
    },
    { x },
  );
  const [cell, cellAtOnce, unit, unitAtOnce] = evaluate(program, { x }) as Tensor[];
  expect(difference(cell!, cellAtOnce!)).toBeLessThan(1e-6);
  expect(difference(unit!, unitAtOnce!)).toBeLessThan(1e-6);
});

it("says what it wants", () => {
  const build = (layer: typeof gru, shape: number[]) => () =>
    trace(({ v }) => layer(initLstm(new Key("k"), 3, 5), v).outputs, { v: spec("float32", shape) });
  expect(build(gru, [2, 4, 3])).toThrow(/gru: the hidden weight must be \[features, 3·features\]/);
  expect(build(lstm as never, [4, 3])).toThrow(/lstm: x must be \[B, steps, inputs\]/);
});
