// Loops in one node: what they compute, what they read, and what they refuse.
import { expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { lowerProgram } from "../../src/onnx/index.ts";
import { full, matmul, range, scan, sum, tanh } from "../../src/ops/index.ts";
import { type Tensor, tensor } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { B, compareGraph, float32, random, randomInputs } from "./graph.ts";

/** A recurrent layer h ← tanh(h·W + x_t), with all states collected. */
const recurrent = ({ x, weight, start }: Record<string, Value>): Record<string, Value> => {
  const { carry, outputs } = scan(
    (h, at: Value) => {
      const next = tanh(matmul(h, weight as Value).add(at));
      return { carry: next, output: { next, size: sum(next, -1) } };
    },
    start as Value,
    x as Value,
  );
  return { last: carry, all: outputs.next, sizes: outputs.size };
};

it("computes what the same steps written one after the other do", () => {
  const given = {
    x: random([3, 2, 4], "x"),
    weight: random([4, 4], "w"),
    start: random([2, 4], "s"),
  };
  const program = trace((xs) => recurrent(xs as never), {
    ...{ x: float32(3, B, 4), weight: float32(4, 4), start: float32(B, 4) },
  });
  const { all } = evaluate(program, given) as Record<string, Tensor>;
  let h = Array.from(given.start.data as Float32Array);
  for (let t = 0; t < 3; t++) {
    h = h.map((_, i) => {
      const [row, column] = [Math.floor(i / 4), i % 4];
      let sum = Number(given.x.data[t * 8 + i]);
      for (let k = 0; k < 4; k++)
        sum += h[row * 4 + k]! * Number(given.weight.data[4 * k + column]);
      return Math.tanh(sum);
    });
    for (const [i, value] of h.entries()) expect(all?.data[t * 8 + i]).toBeCloseTo(value, 5);
  }
});

it.each(["cpu", "export"] as const)(
  "is one node of the graph, which agrees, target %s",
  async (target) => {
    const specs = { x: float32(5, B, 4), weight: float32(4, 4), start: float32(B, 4) };
    const runs = [1, 3].map((rows) => randomInputs(specs, { B: rows }));
    const { worst, operators } = await compareGraph(recurrent, specs, target, runs);
    expect(worst.error).toBeLessThan(1e-6);
    expect(operators).toEqual(["Scan"]);
  },
);

it("may stand in another one, and give back what it did not change", async () => {
  const build = ({ x }: Record<string, Value>): Record<string, Value> => {
    const total = (row: Value, scale: Value): Value =>
      scan(
        (s: Value, e: Value) => ({ carry: s.add(e.mul(scale)), output: e }),
        sum(row).mul(0),
        row,
      ).carry;
    const { carry, outputs } = scan(
      ({ count, kept }, { row, i }: { row: Value; i: Value }) => ({
        carry: { count: count.add(1), kept },
        output: total(row, count.add(i)).add(kept),
      }),
      { count: full([], 0), kept: full([], 7) },
      { row: x as Value, i: range(4) },
    );
    return { ...carry, outputs };
  };
  const specs = { x: float32(4, 3) };
  const { worst } = await compareGraph(build, specs, "cpu", [randomInputs(specs, {})]);
  expect(worst.error).toBeLessThan(1e-6);
  const program = trace((xs) => build(xs as never), specs);
  const { outputs } = evaluate(program, { x: tensor(new Float32Array(12).fill(1), [4, 3]) }) as {
    outputs: Tensor;
  };
  // The row's sum of 3, times its number twice over, and 7.
  expect([...outputs.data]).toEqual([7, 13, 19, 25]);
});

it("keeps what the step reads from around it when nothing else reads it", () => {
  const program = trace(
    ({ x, table }) => ({
      y: scan((s: Value, e: Value) => ({ carry: s.add(e.mul(table)), output: s }), table, x).carry,
    }),
    { x: float32(3, 2), table: float32(2) },
  );
  const table = tensor(Float32Array.of(1, 2), [2]);
  const graph = lowerProgram(program, {
    target: "export",
    initializers: new Map([["table", table]]),
  });
  expect([...graph.initializers.keys()]).toEqual(["table"]);
});

it("refuses a carry that changes its shape, sequences of different lengths, and gradients", () => {
  const specs = { x: float32(3, 2), y: float32(4, 2) };
  const grow = (s: Value, e: Value) => ({ carry: e.add(s), output: e });
  expect(() => trace(({ x }) => scan(grow, full([], 0), x), specs)).toThrow(
    "scan: the carry must stay of one structure: it was carry float32[], and the step gives carry float32[2].",
  );
  expect(() =>
    trace(
      ({ x, y }) => scan((s: Value, e) => ({ carry: s, output: e }), full([], 0), { x, y }),
      specs,
    ),
  ).toThrow("scan: sequences must be of one length");
  expect(() =>
    trace(({ x }) => gradients(sum(scan(grow, full([2], 0), x).carry), [x]), specs),
  ).toThrow("scan has no gradient");
});
