// What a trained diffusion model does by many runs of its denoiser, on a small one.
import { beforeAll, describe, expect, it } from "vitest";
import { loadDataset } from "../../../src/data/index.ts";
import { slerp } from "../../../src/methods/diffusion/picture-procedures.ts";
import { findMethod } from "../../../src/methods/index.ts";
import { createSession, exportModel } from "../../../src/onnx/index.ts";
import { fillInputs } from "../../../src/run/functions.ts";
import {
  compileFunction,
  dataShape,
  fit,
  type NamedTensors,
  rowsOf,
} from "../../../src/run/index.ts";
import { functionProgram, type Method, weightsOf } from "../../../src/step/index.ts";
import { type Tensor, type Tree, tensorOf } from "../../../src/tensor/index.ts";

const digits = new URL("../../data/mnist-sample", import.meta.url).pathname;

interface Trained {
  readonly method: Method;
  readonly weights: Tree<Tensor>;
}

async function trained(
  data: string,
  options: Readonly<Record<string, unknown>>,
  steps: number,
): Promise<Trained> {
  const dataset = await loadDataset(data, data === digits ? {} : { toySize: 800 });
  const definition = await findMethod("diffusion");
  const method = definition.create(definition.options.parse(options), dataShape(dataset, 128));
  const { state } = await fit({
    ...{ method, train: dataset.train, batchSize: 128, steps, seed: 0, threads: 1 },
  });
  return { method, weights: weightsOf(method, state) };
}

const numbers = ({ data }: Tensor): number[] => Array.from(data as Float32Array);
const gap = (a: Tensor, b: Tensor): number =>
  numbers(a).reduce((worst, v, i) => Math.max(worst, Math.abs(v - Number(b.data[i]))), 0);

describe("points", () => {
  let blobs: Trained;
  beforeAll(async () => {
    blobs = await trained("blobs", { width: 32, layers: 2, conditional: true }, 200);
  }, 120_000);
  type Name = Parameters<typeof compileFunction>[1];
  async function call(
    name: Name,
    inputs: NamedTensors = {},
    options: Readonly<Record<string, unknown>> = {},
    count = 32,
  ): Promise<Record<string, Tensor>> {
    const compiled = await compileFunction(blobs.method, name, blobs.weights, {
      ...{ threads: 1, options },
    });
    const outputs = await compiled.run(inputs, { count, seed: 1 });
    await compiled.release();
    return outputs;
  }
  const steps = { sampler: "dpm-solver++2m", steps: 12 };

  it("are drawn near the data, the same ones for the same noise by different samplers", async () => {
    const fine = (await call("sample", {}, { sampler: "heun", steps: 60 })).x!;
    const coarse = (await call("sample", {}, { sampler: "dpm-solver++3m", steps: 30 })).x!;
    expect(fine.shape).toEqual([32, 2]);
    expect(gap(fine, coarse)).toBeLessThan(0.1);
    for (const value of numbers(fine)) expect(Math.abs(value)).toBeLessThan(4);
    const label = tensorOf(new Array(32).fill(0), [32], "int32");
    const other = (await call("sample", { label }, { sampler: "heun", steps: 60 })).x!;
    expect(gap(other, fine)).toBeGreaterThan(0.1);
  });

  it("keep steps on the way as frames", async () => {
    const { x, frames } = await call("sample", {}, { ...steps, frames: 4 }, 3);
    expect(frames!.shape).toEqual([3, 4, 2]);
    expect(numbers(frames!).slice(6, 8)).toEqual(numbers(x!).slice(0, 2));
  });

  it.each([
    { ...steps },
    { sampler: "heun", steps: 5 },
    { sampler: "unipc", steps: 7 },
    { sampler: "deis", steps: 6, finish: "least" },
    { sampler: "ddim", steps: 1, guidance: 2.5 },
    { sampler: "dpm-solver++2m", steps: 6, guidance: 2 },
  ])("are the same from the sampler as one ONNX graph: %o", async (options) => {
    const procedure = blobs.method.procedures!.sample!;
    const baked = procedure.baked!(procedure.options.parse(options));
    const { build, example } = functionProgram("sample", baked, blobs.weights);
    const model = exportModel(build, example, { name: "sample" });
    const session = await createSession(model.bytes, { threads: 1 });
    const inputs = fillInputs("sample", baked, {}, { count: 7, seed: 4 });
    const theirs = (await session.run(new Map(Object.entries(inputs)))).get("x")!;
    await session.release();
    const ours = (await call("sample", inputs, options)).x!;
    expect(gap(ours, theirs)).toBeLessThan(2e-4);
  });

  it("are encoded into latents that give them back", async () => {
    const dataset = await loadDataset("blobs", { toySize: 800 });
    const { x, label } = rowsOf(dataset.test, 0, 20);
    const fine = { sampler: "heun", steps: 80 };
    const { latent } = await call("encode", { x: x!, label: label! }, fine);
    const back = await call("decode", { latent: latent!, label: label! }, fine);
    expect(gap(back.x!, x!)).toBeLessThan(0.05);
    const euler = { sampler: "ddim", steps: 400 };
    const near = await call("encode", { x: x!, label: label! }, euler);
    expect(gap(near.latent!, latent!)).toBeLessThan(0.1);
    await expect(call("encode", { x: x! }, { sampler: "ddpm" })).rejects.toThrow(/backwards/);
    const noisy = { sampler: "ddim", eta: 0.5 };
    await expect(call("encode", { x: x! }, noisy)).rejects.toThrow(/backwards/);
  });

  it("keep what is known of them where the rest is filled in", async () => {
    const x = tensorOf([1, 0.4, -0.8, 0.2], [2, 2]);
    const mask = tensorOf([1, 0], [2]);
    const filled = numbers((await call("inpaint", { x, mask }, steps)).x!);
    expect(filled[0]).toBeCloseTo(1, 5);
    expect(filled[2]).toBeCloseTo(-0.8, 5);
    expect(filled[1]).not.toBeCloseTo(0.4, 2);
  });

  it("have a likelihood in nats, whose estimate has the same mean for other probes", async () => {
    const dataset = await loadDataset("blobs", { toySize: 800 });
    const rows = rowsOf(dataset.test, 0, 60);
    const nats = async (seed: number): Promise<number> => {
      const compiled = await compileFunction(blobs.method, "likelihood", blobs.weights, {
        threads: 1,
      });
      const { negativeLogLikelihood } = await compiled.run(rows, { seed });
      await compiled.release();
      return numbers(negativeLogLikelihood!).reduce((s, v) => s + v, 0) / 60;
    };
    const [one, other] = [await nats(1), await nats(2)];
    // A Gaussian fitted to the blobs has 2.3 nats.
    expect(one).toBeLessThan(2.6);
    expect(Math.abs(one - other)).toBeLessThan(0.5);
  });

  it("refuse what does not fit", async () => {
    await expect(call("sample", {}, { sampler: "ddim", churn: 2 })).rejects.toThrow(
      /no option churn/,
    );
    await expect(call("sample", {}, { steps: 0 })).rejects.toThrow(/at least 1/);
    const plain = await trained("two-moons", { width: 8, layers: 1 }, 1);
    const compiled = await compileFunction(plain.method, "sample", plain.weights, {
      ...{ threads: 1, options: { guidance: 2 } },
    });
    await expect(compiled.run({})).rejects.toThrow(/--conditional/);
    await compiled.release();
    const { sample } = blobs.method.procedures!;
    expect(() => sample!.baked!({ sampler: "adaptive" })).toThrow(/no fixed steps/);
  });
});

describe("images", () => {
  it("are drawn, interpolated, filled in, and have bits a dimension", async () => {
    const { method, weights } = await trained(digits, { width: 8, multipliers: "1", patch: 4 }, 2);
    const dataset = await loadDataset(digits);
    const { image } = rowsOf(dataset.test, 0, 2);
    const other = rowsOf(dataset.test, 2, 4).image!;
    const call = async (
      name: Parameters<typeof compileFunction>[1],
      inputs: NamedTensors,
      options = {},
    ) => {
      const compiled = await compileFunction(method, name, weights, {
        ...{ threads: 1, options: { steps: 3, ...options } },
      });
      const outputs = await compiled.run(inputs, { count: 2 });
      await compiled.release();
      return outputs;
    };
    const drawn = (await call("sample", {})).image!;
    expect(drawn.shape).toEqual([2, 1, 28, 28]);
    for (const value of numbers(drawn)) expect(value >= 0 && value <= 1).toBe(true);
    const frames = (await call("interpolate", { image: image!, other }, { frames: 3 })).frames!;
    expect(frames.shape).toEqual([2, 3, 1, 28, 28]);
    const mask = tensorOf(
      Array.from({ length: 784 }, (_, i) => (i < 392 ? 1 : 0)),
      [28, 28],
    );
    const filled = (await call("inpaint", { image: image!, mask })).image!;
    for (let i = 0; i < 392; i++) {
      expect(Number(filled.data[i])).toBeCloseTo(Number(image!.data[i]) / 255, 5);
    }
    const { bitsPerDimension } = await call("likelihood", { image: image! }, { tolerance: 0.3 });
    for (const bits of numbers(bitsPerDimension!)) {
      expect(bits).toBeGreaterThan(0);
      expect(bits).toBeLessThan(12);
    }
  });

  it("between two latents lie on their great circle", () => {
    const [a, b] = [tensorOf([3, 0], [1, 2]), tensorOf([0, 3], [1, 2])];
    const half = numbers(slerp(a, b, 0.5));
    expect(half[0]).toBeCloseTo(3 * Math.SQRT1_2, 5);
    expect(half[1]).toBeCloseTo(3 * Math.SQRT1_2, 5);
    expect(numbers(slerp(a, a, 0.3))).toEqual([3, 0]);
  });
});
