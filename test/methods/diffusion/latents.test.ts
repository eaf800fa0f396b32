// Diffusion of latents: they are standardised, and images go in and out by the autoencoder, in one graph or by the host.
import { beforeAll, describe, expect, it } from "vitest";
import { loadDataset } from "../../../src/data/index.ts";
import { findMethod } from "../../../src/methods/index.ts";
import { createSession, exportModel } from "../../../src/onnx/index.ts";
import { fillInputs } from "../../../src/run/functions.ts";
import {
  compileFunction,
  dataShape,
  type EncodedDataset,
  encodeDataset,
  fit,
  type NamedTensors,
  rowsOf,
} from "../../../src/run/index.ts";
import {
  type Autoencoder,
  type FunctionName,
  functionProgram,
  initialState,
  type Method,
  type Phase,
  weightsOf,
} from "../../../src/step/index.ts";
import { leafMap, type Tensor, type Tree } from "../../../src/tensor/index.ts";

const digits = new URL("../../data/mnist-sample", import.meta.url).pathname;
const images = await loadDataset(digits);

async function untrained(name: string, options: object): Promise<Autoencoder> {
  const definition = await findMethod(name);
  const method = definition.create(definition.options.parse(options), dataShape(images, 8));
  return { method, weights: weightsOf(method, initialState(method.phases[0] as Phase, 0)) };
}

const gap = (a: Tensor, b: Tensor): number =>
  Array.from(a.data as Float32Array).reduce(
    (worst, v, i) => Math.max(worst, Math.abs(v - Number(b.data[i]))),
    0,
  );

const kinds = [
  { name: "gaussian-vae", own: { latents: 6, hidden: 16 }, row: [6], options: { width: 16 } },
  {
    ...{ name: "fsq", own: { width: 4, blocks: 0, levels: "5,3" }, row: [2, 7, 7] },
    options: { width: 8, multipliers: "1", patch: 1, groups: 2, conditional: true },
  },
];

describe.each(kinds)("latents of $name", ({ name, own, row, options }) => {
  let dataset: EncodedDataset;
  let method: Method;
  let weights: Tree<Tensor>;
  beforeAll(async () => {
    dataset = await encodeDataset(await untrained(name, own), images, {
      ...{ codes: "latent", threads: 1 },
    });
    const definition = await findMethod("diffusion");
    method = definition.create(definition.options.parse(options), dataShape(dataset, 16));
    const { state } = await fit({
      ...{ method, train: dataset.train, batchSize: 16, steps: 4, seed: 0, threads: 1 },
    });
    weights = weightsOf(method, state);
  });
  async function call(
    of: Pick<Autoencoder, "method" | "weights">,
    function_: FunctionName,
    inputs: NamedTensors,
    procedure: object = {},
  ): Promise<Record<string, Tensor>> {
    const compiled = await compileFunction(of.method, function_, of.weights, {
      threads: 1,
      ...(of.method.procedures?.[function_] && { options: { ...procedure } }),
    });
    const outputs = await compiled.run(inputs, { count: 5, seed: 2 });
    await compiled.release();
    return outputs;
  }

  it("have mean 0 and deviation 1 in every channel of the training images", () => {
    const { latent } = dataset.train.columns;
    expect(latent?.shape).toEqual(row);
    const [channels = 0, ...grid] = row;
    const plane = grid.reduce((product, size) => product * size, 1);
    for (let channel = 0; channel < channels; channel++) {
      const own = Array.from(latent?.data as Float32Array).filter(
        (_, i) => Math.floor(i / plane) % channels === channel,
      );
      const mean = own.reduce((sum, v) => sum + v, 0) / own.length;
      expect(mean).toBeCloseTo(0, 4);
      expect(own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / own.length).toBeCloseTo(1, 3);
    }
  });

  it("are those of encode, and decode makes of them what the autoencoder reconstructs", async () => {
    const { image } = rowsOf(images.test, 0, 5);
    const { latent } = await call({ method, weights }, "encode", { image: image as Tensor });
    expect(gap(latent as Tensor, rowsOf(dataset.test, 0, 5).latent as Tensor)).toBeLessThan(1e-4);
    const made = await call({ method, weights }, "decode", { latent: latent as Tensor });
    const wanted = await call(dataset.autoencoder, "reconstruct", { image: image as Tensor });
    expect(gap(made.image as Tensor, wanted.image as Tensor)).toBeLessThan(1e-4);
  });

  it("leave the autoencoder as it was", () => {
    const before = leafMap(dataset.autoencoder.weights);
    const after = leafMap(
      (weights as { buffers: { autoencoder: Tree<Tensor> } }).buffers.autoencoder,
    );
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [path, { data }] of after) expect(data, path).toEqual(before.get(path)?.data);
  });

  it("are sampled into images, the same ones by one ONNX graph", async () => {
    const settings = { sampler: "dpm-solver++2m", steps: 3 };
    const procedure = method.procedures?.sample;
    const baked = procedure?.baked?.(procedure.options.parse(settings));
    if (baked === undefined) throw new Error("no baked sampler");
    const { build, example } = functionProgram("sample", baked, weights);
    const model = exportModel(build, example, { name: "sample" });
    const session = await createSession(model.bytes, { threads: 1 });
    const inputs = fillInputs("sample", baked, {}, { count: 5, seed: 4 });
    const theirs = (await session.run(new Map(Object.entries(inputs)))).get("image") as Tensor;
    await session.release();
    const ours = await call({ method, weights }, "sample", inputs, { ...settings, frames: 2 });
    expect(ours.image?.shape).toEqual([5, 1, 28, 28]);
    expect(ours.frames?.shape).toEqual([5, 2, 1, 28, 28]);
    expect(gap(ours.image as Tensor, theirs)).toBeLessThan(2e-4);
  });

  it("lie between those of two images", async () => {
    const { image } = rowsOf(images.test, 0, 2);
    const { image: other } = rowsOf(images.test, 2, 4);
    const given = { image: image as Tensor, other: other as Tensor };
    const settings = { sampler: "ddim", steps: 3, frames: 3 };
    const { frames } = await call({ method, weights }, "interpolate", given, settings);
    expect(frames?.shape).toEqual([2, 3, 1, 28, 28]);
    expect(Object.keys(method.procedures ?? {})).toEqual(["sample", "interpolate"]);
  });
});

it("wants real latents, and says which autoencoders have them", async () => {
  const categorical = await untrained("categorical-vae", { hidden: 16 });
  await expect(encodeDataset(categorical, images, { codes: "latent" })).rejects.toThrow(
    "categorical-vae makes no real latents of images. Take a run of gaussian-vae",
  );
  const tokens = await encodeDataset(
    await untrained("fsq", { width: 4, blocks: 0, levels: "5,3" }),
    images,
    { threads: 1 },
  );
  const definition = await findMethod("diffusion");
  expect(() => definition.create(definition.options.parse({}), dataShape(tokens, 8))).toThrow(
    "Latents of images are those of --autoencoder RUN",
  );
});
