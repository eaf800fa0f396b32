import { describe, expect, it } from "vitest";
import { Scope } from "../../src/nn/index.ts";
import { type CompiledFunction, tuneKnob } from "../../src/run/index.ts";
import { bakeKnobs, type ModelFunction } from "../../src/step/index.ts";
import { dim, fillNormal, type Tensor } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";

const B = dim("B");
/** x = scale·z + shift. */
const definition: ModelFunction = {
  summary: "scaled noise",
  inputs: {
    z: { dtype: "float32", shape: [B, 1], noise: "normal" },
    scale: { dtype: "float32", shape: [], default: 1 },
    shift: { dtype: "float32", shape: [], default: 0 },
  },
  exported: true,
  build: (_weights, { z, scale, shift }) => ({ x: z!.mul(scale!).add(shift!) }),
};

/** The function on the host. */
const compiled: CompiledFunction = {
  ...{ name: "sample", definition },
  run: async ({ scale, shift }, { count = 1, seed = 0, step = 0 } = {}) => {
    const data = new Float32Array(count);
    fillNormal(data, { seed, step, path: "z" });
    const [a, b] = [scale?.data[0] ?? 1, shift?.data[0] ?? 0].map(Number) as [number, number];
    return { x: { dtype: "float32", shape: [count, 1], data: data.map((z) => a * z + b) } };
  },
  withWeights: () => compiled,
  release: async () => undefined,
};

/** Distance of the mean square to 0.5: noise of the draws, and (scale² − 0.5). */
const distance = async ({ x }: Record<string, Tensor>): Promise<number> => {
  const data = Array.from(x!.data as Float32Array);
  return Math.abs(data.reduce((sum, v) => sum + v * v, 0) / data.length - 0.5);
};

describe("tuneKnob", () => {
  it("finds the best value, and knows gains better than distances for the noise is common", async () => {
    const values = [0.5, 0.7, 0.9, 0.999];
    const seeds = [0, 1, 2, 3];
    const tuning = await tuneKnob(compiled, { knob: "scale", values, count: 300, seeds, distance });
    expect(tuning.points.map(({ value }) => value)).toEqual([0.5, 0.7, 0.9, 0.999, 1]);
    expect(tuning.best.value).toBe(0.7);
    const near = tuning.points[3]!;
    expect(near.gain.standardError).toBeLessThan(near.distance.standardError / 50);
    expect(tuning.points[4]!.gain).toEqual({ mean: 0, standardError: 0 });
  });

  it("says which knobs there are", async () => {
    const given = { knob: "rho", values: [1], count: 2, seeds: [0], distance };
    await expect(tuneKnob(compiled, given)).rejects.toThrow(/no knob "rho".*scale, shift/);
  });
});

describe("bakeKnobs", () => {
  const result = (fn: ModelFunction, inputs: readonly string[]): number => {
    const program = trace(
      (given) =>
        fn.build(
          {},
          given as Record<string, Value>,
          new Scope({ key: new Key("f"), train: false }),
        ),
      Object.fromEntries(
        inputs.map(
          (name) => [name, { dtype: "float32", shape: name === "z" ? [1, 1] : [] }] as const,
        ),
      ),
    );
    const two = { dtype: "float32", data: Float32Array.of(2) } as const;
    const given = inputs.map((name) => [name, { ...two, shape: name === "z" ? [1, 1] : [] }]);
    return Number((evaluate(program, Object.fromEntries(given)).x as Tensor).data[0]);
  };

  it("sets a knob for good, and leaves the others", () => {
    const baked = bakeKnobs(definition, { scale: 3 });
    expect(Object.keys(baked.inputs)).toEqual(["z", "shift"]);
    expect(result(baked, ["z", "shift"])).toBe(2 * 3 + 2);
  });

  it("refuses what is no knob", () => {
    expect(() => bakeKnobs(definition, { z: 1 })).toThrow(/"z" is no knob/);
  });
});
