import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createSession, type TrainedModel, train } from "../../../src/index.ts";
import { augment } from "../../../src/methods/gan/augment.ts";
import { leafMap, type Tensor } from "../../../src/tensor/index.ts";
import { evaluate, Key, trace } from "../../../src/trace/index.ts";

const digits = new URL("../../data/mnist-sample", import.meta.url).pathname;
const small = { width: 8, latents: 4, average: 0 };

type Logged = Readonly<Record<string, number>>;

async function run(
  options: Readonly<Record<string, unknown>>,
  { data = "eight-gaussians", steps = 6 } = {},
): Promise<{ model: TrainedModel; logged: Logged[] }> {
  const logged: Logged[] = [];
  const model = await train("gan", {
    ...{ data, steps, batchSize: 32, threads: 1, options: { ...small, ...options } },
    ...(data === digits ? {} : { load: { toySize: 400 } }),
    ...{ logEvery: 1, onProgress: ({ metrics }) => void logged.push(metrics) },
  });
  return { model, logged };
}

describe("combinations that cannot work", () => {
  it.each([
    [{ penalty: "gp", normalization: "batch" }, "batch normalization"],
    [{ penalty: "ct" }, "--dropout"],
    [{ penalty: "none", penaltyWeight: 3 }, "no penalty to act on"],
    [{ simultaneous: true, discriminatorSteps: 2 }, "--discriminator-steps"],
    [{ simultaneous: true, accumulate: 2 }, "--accumulate"],
    [{ secondPenalty: "r1" }, "first one again"],
    [{ penalty: "none", secondPenalty: "r1" }, "beside a first one"],
    [{ secondPenalty: "ct" }, "--dropout"],
    [{ penalty: "none", normalization: "batch", penaltyEvery: 4 }, "no penalty to act on"],
    [{ penaltyPower: 2 }, "--penalty-power"],
    [{ consistencyMargin: 0.1 }, "--consistency-margin"],
    [{ potentialScale: 3 }, "--loss quadratic-potential"],
    [{ penalty: "js-regularizer", loss: "hinge" }, "odds of real rows"],
    [{ penalty: "none", clip: 0.1, normalization: "spectral" }, "would do nothing"],
    [{ penalty: "none", loss: "wasserstein" }, "grows without end"],
    [{ augment: "translation" }, "for images"],
    [{ architecture: "dcgan" }, "Use mlp"],
    [{ conditional: true }, "data with classes"],
  ])("%j", async (options, reason) => {
    await expect(run(options, { steps: 1 })).rejects.toThrow(reason);
  });
});

it("moves the discriminator several times for one step of the generator, and the penalty is lazy", async () => {
  const { logged } = await run({ discriminatorSteps: 3, penaltyEvery: 2 });
  // Of 3 steps an iteration the last one's metrics are logged: steps 2, 5, 8, …, of which every second is even.
  expect(logged.map((metrics) => "penalty" in metrics)).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
});

it("adds a second penalty with a weight of its own: CT-GAN", async () => {
  const options = { penalty: "gp", secondPenalty: "ct", secondPenaltyWeight: 2, dropout: 0.3 };
  const { logged } = await run(options, { steps: 3 });
  for (const { penalty, secondPenalty } of logged) {
    expect(penalty).toBeGreaterThan(0);
    expect(secondPenalty).toBeGreaterThan(0);
  }
});

it("averages the gradients of several batches for one step", async () => {
  const data = { data: "eight-gaussians", load: { toySize: 400 }, threads: 1, batchSize: 16 };
  const trained = async (options: object, steps: number) =>
    train("gan", { ...data, steps, options: { ...small, ...options } });
  const options = { accumulate: 3, discriminatorSteps: 2, penaltyEvery: 2 };
  const model = await trained(options, 4);
  const again = await trained(options, 4);
  expect(leafMap<Tensor>(again.weights)).toEqual(leafMap<Tensor>(model.weights));
  // Adam's first step has the sign of the gradient: a mean of gradients moves as far as one.
  const moved = await trained({ accumulate: 3, learningRate: 0.01 }, 1);
  const start = await trained({ learningRate: 1e-12 }, 1);
  for (const [path, leaf] of leafMap<Tensor>(moved.weights)) {
    const before = leafMap<Tensor>(start.weights).get(path) as Tensor;
    for (const [i, value] of leaf.data.entries()) {
      expect(Math.abs(Number(value) - Number(before.data[i]))).toBeLessThan(0.0101);
    }
  }
});

it("gives the same numbers after an interruption, moving averages and spectral vectors included", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reparam-gan-"));
  const settings = {
    ...{ data: "eight-gaussians", load: { toySize: 400 }, steps: 6, batchSize: 8, threads: 1 },
    options: {
      ...{ width: 4, latents: 4, normalization: "spectral", average: 0.9, accumulate: 2 },
      ...{ bottleneck: 4, discriminatorSteps: 2, penaltyEvery: 2 },
    },
  };
  const whole = await train("gan", settings);
  const controller = new AbortController();
  await train("gan", {
    ...{ ...settings, folder, signal: controller.signal },
    onProgress: ({ step }) => {
      if (step >= 2) controller.abort();
    },
  });
  const resumed = await train("gan", { ...settings, folder });
  rmSync(folder, { recursive: true });
  const paths = [...leafMap<Tensor>(whole.weights).keys()];
  expect(paths.some((path) => path.includes("spectral"))).toBe(true);
  expect(leafMap<Tensor>(resumed.weights)).toEqual(leafMap<Tensor>(whole.weights));
});

it("exports a sampler that takes any batch, with class and truncation as inputs", async () => {
  const options = { conditional: true, normalization: "spectral", average: 0.9, width: 4 };
  const { model } = await run(options, { data: digits, steps: 2 });
  const folder = mkdtempSync(join(tmpdir(), "reparam-gan-"));
  await model.export(folder);
  const session = await createSession(readFileSync(join(folder, "sample.onnx")), { threads: 1 });
  expect([...session.inputs].sort()).toEqual(["label", "truncation", "z"]);
  for (const rows of [1, 5, 33]) {
    const z = new Float32Array(4 * rows).map((_, i) => Math.sin(i));
    const given: Record<string, Tensor> = {
      z: { dtype: "float32", shape: [rows, 4], data: z },
      label: { dtype: "int32", shape: [rows], data: new Int32Array(rows).map((_, i) => i % 10) },
      truncation: { dtype: "float32", shape: [], data: Float32Array.of(0.7) },
    };
    const { image } = await model.call<"image">("sample", given);
    const shipped = (await session.run(new Map(Object.entries(given)))).get("image") as Tensor;
    expect(shipped.shape).toEqual([rows, 1, 28, 28]);
    for (let i = 0; i < image.data.length; i += 97) {
      expect(Number(shipped.data[i])).toBeCloseTo(Number(image.data[i]), 4);
    }
  }
  await session.release();
  rmSync(folder, { recursive: true });
});

it("holds the information of the bottleneck by dual ascent", async () => {
  const dual = { bottleneck: 4, informationBound: 0.01, informationStep: 10 };
  const options = { ...dual, penalty: "none", learningRate: 1e-2 };
  const { logged } = await run(options, { steps: 60 });
  const first = logged[1]?.information as number;
  const last = logged.at(-1)?.information as number;
  expect(first).toBeGreaterThan(0.01);
  expect(last).toBeLessThan(first / 2);
});

it("clips the discriminator's parameters", async () => {
  const clip = 0.001;
  const { model } = await run({ clip, penalty: "none", loss: "wasserstein", learningRate: 0.1 });
  const rows = { dtype: "float32", shape: [1, 2], data: new Float32Array([1, 1]) } as const;
  const { output } = await model.call<"output">("evaluate", { x: rows });
  // Three layers of at most 8 inputs, all weights and biases within the bound.
  expect(Math.abs(output.data[0] as number)).toBeLessThan(2 * clip);
});

describe.each(["dcgan", "resnet", "mlp"])("%s on images", (architecture) => {
  it("is told the class, by batch normalization and projection, with spectral normalization", async () => {
    const options = {
      ...{ architecture, conditional: true, normalization: "spectral", loss: "hinge" },
      ...{ augment: "all", consistency: 1, orthogonal: 1e-4 },
    };
    const { model, logged } = await run(options, { data: digits, steps: 2 });
    expect(Object.values(logged[0] as Logged).every(Number.isFinite)).toBe(true);
    const z: Tensor = { dtype: "float32", shape: [2, 4], data: new Float32Array(8).fill(0.5) };
    const label: Tensor = { dtype: "int32", shape: [2], data: Int32Array.from([3, 7]) };
    const { image } = await model.call<"image">("sample", { z, label });
    expect(image.shape).toEqual([2, 1, 28, 28]);
    expect([...image.data.slice(0, 784)]).not.toEqual([...image.data.slice(784)]);
  });
});

it("draws every class in turn where none is given, and one where one is", async () => {
  const { model } = await run(
    { conditional: true, architecture: "mlp" },
    { data: digits, steps: 1 },
  );
  const z: Tensor = { dtype: "float32", shape: [11, 4], data: new Float32Array(44).fill(0.5) };
  const image = async (label?: number): Promise<number[][]> => {
    const scalar: Tensor = { dtype: "int32", shape: [], data: Int32Array.from([label ?? 0]) };
    const made = await model.call<"image">(
      "sample",
      label === undefined ? { z } : { z, label: scalar },
    );
    const { data } = made.image;
    return Array.from({ length: 11 }, (_, i) => [
      ...(data.slice(784 * i, 784 * (i + 1)) as Float32Array),
    ]);
  };
  const turn = await image();
  expect(turn[10]).toEqual(turn[0]);
  expect(turn[1]).not.toEqual(turn[0]);
  for (const row of await image(1)) expect(row).toEqual(turn[1]);
  await expect(image(10)).rejects.toThrow("from 0 to 9");
});

it("truncation 4 leaves nearly all latents as they are, and less of them moves all within the bound", async () => {
  const { model } = await run({ latents: 2 }, { steps: 1 });
  const at = async (truncation: number, z: number): Promise<number[]> => {
    const made = await model.call<"x">("sample", {
      z: { dtype: "float32", shape: [1, 2], data: new Float32Array([z, z]) },
      truncation: { dtype: "float32", shape: [], data: new Float32Array([truncation]) },
    });
    return [...(made.x.data as Float32Array)];
  };
  const [wide, none] = [await at(4, 1), await at(9, 1)];
  for (const i of [0, 1]) expect(wide[i]).toBeCloseTo(none[i] as number, 3);
  // z = 3 within ± ½ is nearly ½.
  const [cut, half] = [await at(0.5, 3), await at(9, 0.4985)];
  for (const i of [0, 1]) expect(cut[i]).toBeCloseTo(half[i] as number, 2);
});

it("translation moves whole images by up to an eighth, and cutout clears half a side", () => {
  const size = 16;
  const data = Float32Array.from({ length: 32 * size * size }, (_, i) => (i % (size * size)) + 1);
  const x: Tensor = { dtype: "float32", shape: [32, 1, size, size], data };
  const program = trace(
    ({ rows }) => ({
      moved: augment("translation", rows, new Key("t")),
      cut: augment("cutout", rows, new Key("c")),
    }),
    { rows: x },
  );
  const { moved, cut } = evaluate(program, { rows: x }, { seed: 1, step: 0 });
  const pixel = (t: Tensor, row: number, i: number, j: number): number =>
    t.data[(row * size + i) * size + j] as number;
  const seen = new Set<string>();
  for (let row = 0; row < 32; row++) {
    // The centre tells where it came from; every other pixel must have come along.
    const from = pixel(moved as Tensor, row, 8, 8) - 1;
    const [down, along] = [Math.floor(from / size) - 8, (from % size) - 8];
    seen.add(`${down} ${along}`);
    expect(Math.max(Math.abs(down), Math.abs(along))).toBeLessThanOrEqual(2);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const inside = i + down >= 0 && i + down < size && j + along >= 0 && j + along < size;
        const wanted = inside ? (i + down) * size + j + along + 1 : 0;
        expect(pixel(moved as Tensor, row, i, j)).toBe(wanted);
      }
    }
    const cleared = (cut as Tensor).data.slice(row * 256, row * 256 + 256).filter((v) => v === 0);
    expect(cleared.length).toBeGreaterThan(0);
    expect(cleared.length).toBeLessThanOrEqual(64);
  }
  expect(seen.size).toBeGreaterThan(5);
});
