// What must hold of every network, whatever its options.
import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import { causalLogits, causalStep } from "../../../src/methods/transformer/gpt.ts";
import { embedTokens, type Network, runLayers } from "../../../src/methods/transformer/network.ts";
import { constant, slice, sum } from "../../../src/ops/index.ts";
import { type Tensor, tensorOf } from "../../../src/tensor/index.ts";
import { difference, random } from "../../ops/graph.ts";
import { networkOf, onHost, tinySizes, variants } from "./setup.ts";

const tokens = tensorOf([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], [2, 6], "int32");

describe.each(Object.entries(variants))("%s", (_name, chosen) => {
  const sizes = tinySizes(chosen);
  const params = networkOf(sizes);

  it("no later position influences a result, to the last bit", () => {
    const x = random([2, 6, 8], "x");
    const seen = 3;
    const [dx] = onHost<Network>({ params, x }, (network, { x: input }) => {
      const { y } = runLayers(network, input!, sizes, () => ({ mask: "causal" }));
      const weighed = slice(y, 1, 0, seen).mul(constant(random([2, seen, 8], "r")));
      return gradients(sum(weighed), [input!]);
    });
    const { data } = dx!;
    const sizeOf = (from: number, to: number): number => {
      let total = 0;
      for (let b = 0; b < 2; b++) {
        for (let i = (b * 6 + from) * 8; i < (b * 6 + to) * 8; i++)
          total += Math.abs(Number(data[i]));
      }
      return total;
    };
    expect(sizeOf(seen, 6)).toBe(0);
    expect(sizeOf(0, seen)).toBeGreaterThan(0.1);
  });

  it("continued from keys and values it gives what it gives at once", () => {
    const parts = [2, 1, 1, 2];
    const pairs = onHost<Network, Tensor[][]>({ params, tokens }, (network, { tokens: all }) => {
      const whole = causalLogits(network, all!, sizes);
      let at = 0;
      let caches: Parameters<ReturnType<typeof causalStep>>[2] = [];
      return parts.map((count) => {
        const token = slice(all!, 1, at, at + count);
        at += count;
        const result = causalStep(sizes)({ params: network } as never, token, caches);
        caches = result.caches;
        return [result.logits, slice(whole, 1, at - 1, at)];
      });
    });
    for (const [step, want] of pairs) {
      expect(difference({ ...step!, shape: want!.shape }, want!)).toBeLessThan(2e-6);
    }
  });
});

it("positions beyond those that were learned are refused where the length is known", () => {
  const sizes = tinySizes({}, 5);
  const params = networkOf(sizes);
  const build = () =>
    onHost<Network>({ params, tokens }, (network, { tokens: all }) =>
      embedTokens(network, all!, sizes),
    );
  expect(build).toThrow(/6 tokens is longer than the 5 positions/);
});
