// The graph that the runtime gets is the network, at any batch, number of new tokens and length of the past.
import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import { nextFunction } from "../../../src/methods/transformer/generation.ts";
import { cacheSizes, causalLogits, causalStep } from "../../../src/methods/transformer/gpt.ts";
import type { Network } from "../../../src/methods/transformer/network.ts";
import { sum } from "../../../src/ops/index.ts";
import {
  dim,
  evaluateShape,
  leafMap,
  leaves,
  mapTree,
  type Tensor,
  type Tree,
  tensorOf,
} from "../../../src/tensor/index.ts";
import type { Value } from "../../../src/trace/index.ts";
import { compareGraph, random } from "../../ops/graph.ts";
import { networkOf, tinySizes, variants } from "./setup.ts";

const hard = [
  "learned",
  "sinusoidal",
  "rotary",
  "talking both, more heads",
  "talking both, relative, grouped",
];
const B = dim("B");

describe.each(hard)("%s", (name) => {
  const sizes = tinySizes(variants[name], 12);
  const params = networkOf(sizes);
  const flat = Object.fromEntries(leafMap(params));
  const model = (given: Record<string, Value>): Network =>
    mapTree<Tensor, Value>(params, (_leaf, path) => given[path] as Value) as unknown as Network;
  const tokens = (rows: number, length: number): Tensor =>
    tensorOf(
      Array.from({ length: rows * length }, (_, i) => (i * i + 3) % 11),
      [rows, length],
      "int32",
    );

  it("continues from any past as the plain evaluation does", async () => {
    const next = nextFunction(causalStep(sizes), cacheSizes(sizes), undefined);
    const build = (given: Record<string, Value>) => ({
      ...next.build({ params: model(given) } as never, given, undefined as never),
    });
    const runs = [
      { B: 1, T: 1, P: 0 },
      { B: 2, T: 3, P: 1 },
      { B: 3, T: 2, P: 7 },
    ].map((free) => {
      const at = new Map(Object.entries(free));
      const inputs = Object.entries(next.inputs).map(([input, { dtype, shape }]) => {
        const [rows, length] = evaluateShape(shape, at) as [number, number];
        return [
          input,
          dtype === "int32" ? tokens(rows, length) : random(evaluateShape(shape, at), input),
        ];
      });
      return { ...flat, ...Object.fromEntries(inputs) } as Record<string, Tensor>;
    });
    const { worst } = await compareGraph(build, { ...flat, ...next.inputs }, "export", runs);
    expect(worst.error).toBeLessThan(2e-5);
  });

  it("has the gradients of the plain evaluation", async () => {
    const build = (given: Record<string, Value>) => {
      const network = model(given);
      const loss = sum(causalLogits(network, given.token!, sizes).square());
      const found = gradients(loss, leaves<Value>(network as unknown as Tree<Value>));
      return Object.fromEntries(found.map((each, i) => [`g${i}`, each]));
    };
    const specs = { ...flat, token: { dtype: "int32", shape: [B, 6] } } as const;
    const runs = [1, 3].map((rows) => ({ ...flat, token: tokens(rows, 6) }));
    const { worst } = await compareGraph(build, specs, "cpu", runs as Record<string, Tensor>[]);
    expect(worst.error).toBeLessThan(2e-5);
  });
});
