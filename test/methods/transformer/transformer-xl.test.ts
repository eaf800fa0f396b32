import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import { type Network, runLayers } from "../../../src/methods/transformer/network.ts";
import { recurrentStates } from "../../../src/methods/transformer/recurrence.ts";
import { transformerXl } from "../../../src/methods/transformer/transformer-xl.ts";
import { concat, slice, sum } from "../../../src/ops/index.ts";
import { functionOf } from "../../../src/step/index.ts";
import type { Tensor, Tree } from "../../../src/tensor/index.ts";
import type { Value } from "../../../src/trace/index.ts";
import { difference, random } from "../../ops/graph.ts";
import { chains, networkOf, onHost, shapeOf, tiny, tinySizes, variants } from "./setup.ts";

/** Runs a function of a small network and embedded texts [2, 6, 8]. */
function run(
  chosen: Parameters<typeof tinySizes>[0],
  build: (network: Network, x: Value, sizes: ReturnType<typeof tinySizes>) => readonly Value[],
): Tensor[] {
  const sizes = tinySizes(chosen);
  const given = { params: networkOf(sizes), x: random([2, 6, 8], "x") };
  return onHost<Network, Tensor[]>(given, (network, { x }) => build(network, x!, sizes));
}

describe("segment recurrence", () => {
  it.each(Object.entries(variants))(
    "is one pass over all segments where the memory reaches back to the first: %s",
    (_name, chosen) => {
      const [two, three, whole] = run(chosen, (network, x, sizes) => [
        recurrentStates(network, x, sizes, { segment: 3, memory: 3, count: 2 }),
        recurrentStates(network, x, sizes, { segment: 2, memory: 4, count: 3 }),
        runLayers(network, x, sizes, () => ({ mask: "causal" })).y,
      ]);
      expect(difference(two!, whole!)).toBeLessThan(2e-6);
      expect(difference(three!, whole!)).toBeLessThan(2e-6);
    },
  );

  it("sees no further than its memory, a layer at a time", () => {
    const recurrence = { segment: 2, memory: 1, count: 3 };
    const [short, changed] = run({ layers: 1, positions: "relative" }, (network, x, sizes) => {
      // Other tokens before the memory of the last segment.
      const other = concat([slice(x, 1, 0, 3).mul(-2), slice(x, 1, 3)], 1);
      return [x, other].map((text) => recurrentStates(network, text, sizes, recurrence));
    });
    const last = ({ data }: Tensor) =>
      [0, 1].flatMap((b) => [...data.slice((b * 6 + 4) * 8, (b * 6 + 6) * 8)] as number[]);
    expect(last(changed!)).toEqual(last(short!));
    expect(difference(changed!, short!)).toBeGreaterThan(1e-2);
  });

  it("sends no gradient into the segments before", () => {
    const [dx, y0, y1] = run({ positions: "relative" }, (network, x, sizes) => {
      const at = (input: Value): Value =>
        slice(recurrentStates(network, input, sizes, { segment: 3, memory: 3, count: 2 }), 1, 3);
      const other = concat([slice(x, 1, 0, 3).mul(-2), slice(x, 1, 3)], 1);
      return [
        gradients(
          sum(
            at(x)
              .mul(x.size(2) as number)
              .square(),
          ),
          [x],
        )[0]!,
        at(x),
        at(other),
      ];
    });
    const before = [0, 1].flatMap((b) => [...dx!.data.slice(b * 48, b * 48 + 24)] as number[]);
    expect(before.every((v) => v === 0)).toBe(true);
    expect(difference(y1!, y0!)).toBeGreaterThan(1e-2);
  });
});

describe("transformer-xl", () => {
  const small = { ...tiny({ positions: "relative" }), segments: 2 };
  const create = (chosen: object, context = 6) =>
    transformerXl.create(transformerXl.options.parse({ ...small, ...chosen }), shapeOf(context));

  it("carries its memory from a row of the test data to the next", () => {
    const sizes = tinySizes({ positions: "relative" });
    const given = { params: networkOf(sizes), tokens: chains(1, 12) };
    const evaluateRows = (
      method: ReturnType<typeof create>,
      windows: Value,
      params: Tree<Value>,
    ): Value =>
      functionOf(method, "evaluate").build({ params }, { tokens: windows }, undefined as never)
        .negativeLogLikelihood!;
    const results = onHost<Tree<Value>, Tensor[]>(given, (params, { tokens }) => {
      const [first, second] = [slice(tokens!, 1, 0, 7), slice(tokens!, 1, 6)];
      return [
        evaluateRows(create({ memory: 12 }), concat([first, second], 0), params),
        evaluateRows(create({ memory: 12 }, 12), tokens!, params),
        evaluateRows(create({ memory: 12 }), second, params),
      ];
    });
    const [rows, whole, alone] = results.map(({ data }) => [...(data as Float32Array)]);
    // A mean over 12 tokens is that of two means over 6.
    expect((rows![0]! + rows![1]!) / 2).toBeCloseTo(whole![0]!, 5);
    expect(Math.abs(rows![1]! - alone![0]!)).toBeGreaterThan(1e-3);
  });

  it("wants windows of whole segments", () => {
    expect(() => create({ segments: 4 })).toThrow(/6 tokens has no 4 equal segments/);
  });
});
