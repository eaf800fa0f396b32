import { describe, expect, it } from "vitest";
import {
  assemble,
  chainSkips,
  freeU,
  groupNorm,
  initGroupNorm,
  initUNet,
  joinNorms,
  type SkipHook,
  scaleSkips,
  type UNetOptions,
  type UNetParams,
  unet,
  unetPlan,
  variablesOf,
} from "../../src/nn/index.ts";
import { concat } from "../../src/ops/index.ts";
import { spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace } from "../../src/trace/index.ts";
import { readGoldenMeta } from "../golden/read.ts";
import { difference, random } from "../ops/graph.ts";
import { GoldenNetwork } from "./golden-network.ts";

const plan = unetPlan({ width: 4, multipliers: [1, 2], blocks: 1, attention: [1] });
const options: UNetOptions = {
  ...{ plan, inputs: 1, outputs: 1, groups: 2, heads: 2, classes: 3, patch: 2 },
};
const golden = new GoldenNetwork("unet", (key) => initUNet(key, options));

const factors = [0.6, 0.7, 0.8, 0.9];
const hooks: Readonly<Record<string, SkipHook | undefined>> = {
  plain: undefined,
  "before-concatenation": scaleSkips(({ index }) => factors[index]!),
  "after-norm": scaleSkips(({ index }) => factors[index]!, "after-norm"),
  "free-u": freeU({ backbone: [1.3], skip: [0.6], levels: 2 }),
};

describe("a U-Net", () => {
  it("has the parameters of the one in PyTorch", () => {
    expect(golden.paths).toEqual([...(readGoldenMeta("unet").paths as string[])].sort());
  });

  it.each(Object.keys(hooks))("has its values and gradients, skips %s", async (name) => {
    const skips = hooks[name];
    await golden.compare(
      name,
      (net, { x, times, label }) =>
        unet(net as unknown as UNetParams, x, times, options, { label, skips }),
      name === "plain",
    );
  });

  it("refuses images, groups and levels that do not fit", () => {
    const build = (shape: number[], changed: Partial<UNetOptions> = {}): unknown =>
      trace(
        ({ x, times }) => {
          const net = initUNet(new Key("init"), { ...options, ...changed });
          const { params: own } = variablesOf(net);
          return {
            y: unet(assemble<UNetParams>({ params: own, buffers: {} }), x, times, options, {}),
          };
        },
        { x: spec("float32", shape), times: spec("float32", [2]) },
      );
    expect(() => build([2, 1, 8, 10])).toThrow(/multiples of 4/);
    expect(() => build([2, 3, 8, 8])).toThrow(/\[B, 1, H, W\]/);
    expect(() => build([2, 1, 8, 8], { groups: 3 })).toThrow(/multiple of 3/);
    expect(() => build([2, 1, 8, 8])).toThrow(/give label/);
    expect(() => unetPlan({ width: 4, multipliers: [1], blocks: 1, attention: [1] })).toThrow(
      /level 1/,
    );
  });
});

describe("a group norm behind a join", () => {
  // 6 channels of a backbone and 3 of a skip.
  const joined = { up: [{ kind: "join", backbone: 6, skip: 3, level: 0 }] } as const;

  it.each([
    [3, 3],
    [1, 0],
  ])(
    "with %i groups cancels the factor of %i channels, and the count says so",
    (groups, cancelled) => {
      expect(joinNorms(joined, groups)).toEqual([{ index: 0, channels: 3, cancelled }]);
      const normed = (factor: number): Tensor => {
        const program = trace(
          ({ b, s }) => ({
            y: groupNorm(initGroupNorm(9), concat([b, s.mul(factor)], 1), {
              groups,
              epsilon: 1e-12,
            }),
          }),
          { b: spec("float32", [2, 6, 4, 4]), s: spec("float32", [2, 3, 4, 4]) },
        );
        const given = { b: random([2, 6, 4, 4], "b"), s: random([2, 3, 4, 4], "s") };
        return evaluate(program, given).y as Tensor;
      };
      const gap = difference(normed(0.5), normed(1));
      if (cancelled === 3) expect(gap).toBeLessThan(1e-5);
      else expect(gap).toBeGreaterThan(0.1);
    },
  );

  it("shares groups where the boundary is not that of a group", () => {
    // Two levels of widths 4 and 8: joins of 8+8, 8+4, 8+4, 4+4 channels, groups of 8, 6, 6, 4.
    expect(joinNorms(plan, 2).map(({ cancelled }) => cancelled)).toEqual([8, 0, 0, 4]);
  });
});

describe("hooks of skips", () => {
  it("follow each other", () => {
    const program = trace(
      ({ b, s }) => {
        const join = { backbone: b, skip: s, index: 0, count: 1, level: 0 };
        const double: SkipHook = ({ backbone, skip }) => ({ backbone: backbone.mul(2), skip });
        const late = scaleSkips(() => 0.5, "after-norm");
        const { backbone, skip, afterNorm } = chainSkips(
          double,
          scaleSkips(() => 3),
          late,
        )(join);
        return { backbone, skip: skip.mul(afterNorm as number) };
      },
      { b: spec("float32", [1, 1]), s: spec("float32", [1, 1]) },
    );
    const one = tensorOf([1], [1, 1]);
    const { backbone, skip } = evaluate(program, { b: one, s: one });
    expect([(backbone as Tensor).data[0], (skip as Tensor).data[0]]).toEqual([2, 1.5]);
  });
});
