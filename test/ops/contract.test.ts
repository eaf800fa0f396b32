// What every operation promises: its gradient is that of its evaluation, to any order, and the graph that
// it is lowered to computes the same, for every size of its free dimensions and both targets.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { createSession, encodeModel, lowerProgram } from "../../src/onnx/index.ts";
import { add, maximum, mul, round, sum } from "../../src/ops/index.ts";
import {
  leafMap,
  leaves,
  type Tensor,
  type Tree,
  tensorOf,
  zeros,
} from "../../src/tensor/index.ts";
import {
  allOperations,
  evaluate,
  type Target,
  type TracedProgram,
  trace,
  type Value,
} from "../../src/trace/index.ts";
import { B, type OpCase, opCases } from "./cases.ts";
import { faultOf, graphFault, operandsOf, outputsOf, specsOf, weighted } from "./graph-contract.ts";

/** Largest relative error of `analytic` against central differences of `value`. */
function differenceError(
  value: TracedProgram<Value>,
  gradient: TracedProgram<readonly Value[]>,
  inputs: readonly Tensor[],
  free: readonly number[],
): number {
  const exact = evaluate(gradient, inputs) as unknown as Tensor[];
  const h = 1e-5;
  let worst = 0;
  for (const [slot, at] of free.entries()) {
    const data = (inputs[at] as Tensor).data as Float64Array;
    for (let k = 0; k < data.length; k++) {
      const kept = data[k] as number;
      const f = [kept + h, kept - h].map((x) => {
        data[k] = x;
        return Number((evaluate(value, inputs) as unknown as Tensor).data[0]);
      }) as [number, number];
      data[k] = kept;
      const numeric = (f[0] - f[1]) / (2 * h);
      const error =
        Math.abs(Number(exact[slot]?.data[k]) - numeric) / Math.max(1, Math.abs(numeric));
      worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
    }
  }
  return worst;
}

const differentiable = opCases.filter((c) => c.noGradient === undefined);

describe("gradients against central differences in float64", () => {
  it.each(differentiable.map((c) => [c.name, c] as const))("%s", (_name, c) => {
    const specs = specsOf(c, "float64");
    const free = specs.flatMap(({ dtype }, i) => (dtype === "float64" ? [i] : []));
    const pick = (xs: readonly Value[]): Value[] => free.map((i) => xs[i] as Value);
    const inputs = operandsOf(c, 2, "float64");
    const loss = (xs: readonly Value[]): Value => weighted(outputsOf(c, xs));
    const first = (xs: readonly Value[]): Value[] => gradients(loss(xs), pick(xs));
    const norm = (xs: readonly Value[]): Value =>
      first(xs)
        .map((g, i) =>
          sum(
            g
              .mul(g)
              .mul(0.1 * (i + 1))
              .add(g),
          ),
        )
        .reduce((a, b) => add(a, b));
    const traced = <O>(f: (xs: readonly Value[]) => O) =>
      trace((xs) => f(xs as readonly Value[]), specs);
    expect(differenceError(traced(loss), traced(first), inputs, free)).toBeLessThan(1e-6);
    const second = (xs: readonly Value[]): Value[] => gradients(norm(xs), pick(xs));
    expect(differenceError(traced(norm), traced(second), inputs, free)).toBeLessThan(1e-5);
  });
});

/** Runs a program by the runtime. */
async function runGraph(
  program: TracedProgram<unknown>,
  inputs: readonly Tensor[],
  target: Target,
) {
  const model = encodeModel(lowerProgram(program, { target, outputPrefix: "out:" }));
  const session = await createSession(model, { threads: 1, spin: false });
  try {
    return await session.run(leafMap<Tensor>([...inputs]));
  } finally {
    await session.release();
  }
}

const noFloat64Kernel = /^(erf|gelu)$/;

describe.each(["cpu", "export"] as const)("graph against plain evaluation, target %s", (target) => {
  it.each(opCases.map((c) => [c.name, c] as const))("%s", async (_name, c) => {
    expect(await graphFault(c, { target, rows: [1, 2, 5] })).toBe("");
  });
});

// By WebAssembly in Node; test/browser/operations.test.ts does the same on WebGPU, in a browser.
describe("graph against plain evaluation, device wasm", () => {
  it.each(opCases.map((c) => [c.name, c] as const))("%s", async (_name, c) => {
    expect(await graphFault(c, { target: "wasm", device: "wasm", rows: [2] })).toBe("");
  });
});

describe("float64 graphs", () => {
  const cases = opCases.filter((c) => !noFloat64Kernel.test(c.name));
  it.each(cases.map((c) => [c.name, c] as const))("%s", async (_name, c) => {
    const program = trace((xs) => outputsOf(c, xs as readonly Value[]), specsOf(c, "float64"));
    const inputs = operandsOf(c, 3, "float64");
    const expected = leaves(evaluate(program, inputs) as unknown as Tree<Tensor>);
    const got = [...(await runGraph(program, inputs, "cpu")).values()];
    for (const [i, want] of expected.entries()) {
      for (let k = 0; k < want.data.length; k++) {
        const error = Math.abs(Number(got[i]?.data[k]) - Number(want.data[k]));
        expect(error).toBeLessThan(1e-11 * Math.max(1, Math.abs(Number(want.data[k]))));
      }
    }
  });
});

it("the table applies every operation", () => {
  const applied = new Set<string>();
  for (const c of opCases) {
    const program = trace(
      (xs) => {
        const ys = outputsOf(c, xs as readonly Value[]);
        if (c.noGradient) return ys;
        const floats = (xs as readonly Value[]).filter((x) => x.dtype === "float64");
        const dx = gradients(weighted(ys), floats);
        return [...ys, ...dx];
      },
      specsOf(c, "float64"),
    );
    for (const node of program.nodes) applied.add(node.op.name);
  }
  const missing = allOperations()
    .map((op) => op.name)
    .filter((name) => !applied.has(name));
  expect(missing.filter((name) => name !== "customGradient")).toEqual([]);
});

it("broadcasting agrees with the runtime for random shapes", async () => {
  const size = fc.integer({ min: 1, max: 4 });
  const pair = fc
    .tuple(fc.array(size, { maxLength: 4 }), fc.infiniteStream(fc.integer({ min: 0, max: 2 })))
    .map(([shape, choices]) => {
      // Each operand keeps an axis, or stretches it from 1, or (leading ones) lacks it.
      const keep = (): number[] => {
        const made = shape.map((d) => ((choices.next().value as number) === 0 ? 1 : d));
        return made.slice((choices.next().value as number) % (made.length + 1));
      };
      return [keep(), keep()] as const;
    });
  await fc.assert(
    fc.asyncProperty(
      pair,
      fc.constantFrom("add", "mul", "sub", "maximum"),
      async ([a, b], name) => {
        const f = { add, mul, sub: (x: Value, y: Value) => x.sub(y), maximum }[name];
        const operands = [a, b].map((shape) => ({ shape, domain: "real" }) as const);
        const c: OpCase = { name, operands, f: f as OpCase["f"] };
        const inputs = operandsOf(c, 1, "float32");
        const program = trace(
          (xs) => {
            const ys = outputsOf(c, xs as readonly Value[]);
            return { ys, gradients: gradients(weighted(ys), xs as readonly Value[]) };
          },
          specsOf(c, "float32"),
        );
        const expected = leafMap(evaluate(program, inputs) as unknown as Tree<Tensor>);
        const got = await runGraph(program, inputs, "cpu");
        for (const [path, want] of expected) {
          expect(faultOf(got.get(`out:${path}`), want, path)).toBe("");
        }
      },
    ),
    { numRuns: 40, seed: 3 },
  );
});

it("rounds halves to the even number, as ONNX does", async () => {
  const program = trace(([x]) => [round(x as Value)], [{ dtype: "float32", shape: [B] }]);
  const x = tensorOf([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.4999, 3.5001], [8]);
  const plain = (evaluate(program, [x]) as unknown as Tensor[])[0] as Tensor;
  const graph = [...(await runGraph(program, [x], "export")).values()][0] as Tensor;
  expect([...(plain.data as Float32Array)].map((v) => v + 0)).toEqual([-2, -2, 0, 0, 2, 2, 3, 4]);
  expect([...(graph.data as Float32Array)].map((v) => v + 0)).toEqual([-2, -2, 0, 0, 2, 2, 3, 4]);
});

it("an empty batch keeps its shape", async () => {
  const program = trace(([x]) => [sum(x as Value, 1)], [{ dtype: "float32", shape: [B, 3] }]);
  const graph = [...(await runGraph(program, [zeros([0, 3])], "cpu")).values()][0] as Tensor;
  expect(graph.shape).toEqual([0]);
});
