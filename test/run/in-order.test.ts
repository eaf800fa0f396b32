import { expect, it } from "vitest";
import { makeSplit } from "../../src/data/index.ts";
import { full } from "../../src/ops/index.ts";
import { fit } from "../../src/run/index.ts";
import type { Method } from "../../src/step/index.ts";

it("gives a phase that wants it the rows in their order, after a first pass in random order", async () => {
  const passes: number[][] = [];
  const method: Method = {
    name: "recorder",
    phases: [
      {
        name: "record",
        inOrder: true,
        init: () => ({ nothing: full([], 0, "float64") }),
        programs: {},
        iterate: async ({ epoch }) => {
          passes.push([...epoch()].flatMap(({ x }) => Array.from(x?.data as Float64Array)));
          return { loss: 0 };
        },
      },
    ],
    weights: (state) => state,
    functions: {},
  };
  const rows = Float64Array.from({ length: 50 }, (_, i) => i);
  const train = makeSplit({ x: { dtype: "float64", shape: [], data: rows } });
  await fit({ method, train, batchSize: 8, seed: 0, epochs: 3, threads: 1 });
  const [first, ...later] = passes as [number[], ...number[][]];
  expect(first).not.toEqual([...rows]);
  expect(first.toSorted((a, b) => a - b)).toEqual([...rows]);
  expect(later).toEqual([[...rows], [...rows]]);
});
