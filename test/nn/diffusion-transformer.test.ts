import { describe, expect, it } from "vitest";
import {
  type DiffusionTransformerCall,
  type DiffusionTransformerOptions,
  type DiffusionTransformerParams,
  diffusionTransformer,
  initDiffusionTransformer,
  scaleSkips,
} from "../../src/nn/index.ts";
import { Key, trace } from "../../src/trace/index.ts";
import { readGoldenMeta } from "../golden/read.ts";
import { GoldenNetwork } from "./golden-network.ts";

const layers = { dit: 2, "u-vit": 5 } as const;
const optionsOf = (kind: "dit" | "u-vit"): DiffusionTransformerOptions => ({
  ...{ kind, image: [1, 4, 6], outputs: 1, features: 8, layers: layers[kind] },
  ...{ heads: 2, patch: 2, classes: 3 },
});
const factors = [0.7, 1.2];
const tunings: Record<keyof typeof layers, DiffusionTransformerCall> = {
  dit: { residual: ({ index }) => factors[index]! },
  "u-vit": { skips: scaleSkips(({ index }) => factors[index]!) },
};

describe.each(["dit", "u-vit"] as const)("%s", (kind) => {
  const options = optionsOf(kind);
  const golden = new GoldenNetwork(
    "diffusion-transformer",
    (key) => initDiffusionTransformer(key, options),
    `${kind}.`,
  );

  it("has the parameters of the one in PyTorch", () => {
    const { paths } = readGoldenMeta("diffusion-transformer") as unknown as {
      paths: Record<string, string[]>;
    };
    expect(golden.paths).toEqual([...paths[kind]!].sort());
  });

  it.each([
    ["as trained", kind, {}],
    ["tuned", `${kind}-tuned`, tunings[kind]],
  ])("has its values and gradients, %s", async (_what, name, call) => {
    await golden.compare(
      name,
      (net, { x, times, label }) =>
        diffusionTransformer(net as unknown as DiffusionTransformerParams, x, times, options, {
          ...call,
          label,
        }),
      name === kind,
    );
  });
});

it("refuses images, patches and numbers of blocks that do not fit", () => {
  const start = (changed: Partial<DiffusionTransformerOptions>): unknown =>
    trace(
      () => ({
        y: initDiffusionTransformer(new Key("init"), { ...optionsOf("u-vit"), ...changed }).norm
          .scale,
      }),
      {},
    );
  expect(() => start({ patch: 4 })).toThrow(/patches of 4/);
  expect(() => start({ layers: 4 })).toThrow(/odd number/);
  expect(() => start({ heads: 3 })).toThrow(/3 heads/);
});
