// What the variational autoencoders promise besides the contract of all methods, on real digits.
import { describe, expect, it } from "vitest";
import { createLoader, loadFolder } from "../../src/data/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import { compile, hold } from "../../src/onnx/index.ts";
import {
  functionProgram,
  initialState,
  type Method,
  phaseProgram,
  scalarMetrics,
  weightsOf,
} from "../../src/step/index.ts";
import { dim, spec, type Tensor, type Tree, tensorOf, zeros } from "../../src/tensor/index.ts";

const sample = new URL("../data/mnist-sample", import.meta.url).pathname;
const { train } = await loadFolder(sample, { validation: 0 });
const loader = createLoader(train, { batchSize: 64, seed: 1 });
const images = { image: (loader.batch(0) as { image: Tensor }).image };
const session = { threads: 2, spin: false };

async function create(name: string, options: Record<string, unknown>, side = 28): Promise<Method> {
  const definition = await findMethod(name);
  const columns = { image: spec("uint8", [dim("B"), 1, side, side]) };
  const parsed = definition.options.parse(options);
  return definition.create(parsed, { columns, trainSize: 256, batchSize: 64, classes: undefined });
}

/** Losses of some steps on the sample, and the weights after them. */
async function train20(
  method: Method,
  steps = 20,
): Promise<{ losses: number[]; weights: Tree<Tensor> }> {
  const phase = method.phases[0];
  if (phase === undefined) throw new Error("no phase");
  const start = initialState(phase, 3);
  const { build, example } = phaseProgram(phase, "step", start);
  const program = await compile(build as never, example, session);
  let state = hold(start);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { image } = loader.batch(step) as { image: Tensor };
    const result = (await program.run(
      { state, batch: { image } },
      { seed: 3, step },
    )) as unknown as {
      state: typeof state;
      metrics: Tree<Tensor>;
    };
    state = result.state;
    losses.push(scalarMetrics(result.metrics).loss as number);
  }
  await program.release();
  return { losses, weights: weightsOf(method, state.read(start) as Tree<Tensor>) };
}

async function call(
  method: Method,
  name: keyof Method["functions"],
  weights: Tree<Tensor>,
  inputs: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const definition = method.functions[name];
  if (definition === undefined) throw new Error(`no ${name}`);
  const { build, example } = functionProgram(name, definition, weights);
  const program = await compile(build as never, example as never, session);
  const outputs = await program.run({ weights, ...inputs } as never, { seed: 5, step: 0 });
  await program.release();
  return outputs as unknown as Record<string, Tensor>;
}

const meanOf = (x: Tensor | undefined): number => {
  const values = Array.from((x as Tensor).data as Float32Array);
  return values.reduce((s, v) => s + v, 0) / values.length;
};

const variants: [string, Record<string, unknown>][] = [
  ["gaussian-vae", { hidden: 64, boundSamples: 20 }],
  [
    "gaussian-vae",
    { hidden: 32, network: "convolutional", width: 8, learningRate: 1e-2, boundSamples: 8 },
  ],
  [
    "gaussian-vae",
    { hidden: 64, likelihood: "gaussian", beta: 0.5, warmupSteps: 10, boundSamples: 20 },
  ],
  ["gaussian-vae", { hidden: 64, dynamicBinarization: true, boundSamples: 20 }],
  ["categorical-vae", { width: 8, latents: 10, learningRate: 1e-2, boundSamples: 8 }],
  [
    "categorical-vae",
    { width: 8, latents: 10, estimator: "st-gumbel-softmax", learningRate: 1e-2, boundSamples: 8 },
  ],
  ["bernoulli-vae", { latents: 40, learningRate: 1e-2, boundSamples: 8 }],
  [
    "bernoulli-vae",
    {
      latents: 40,
      network: "mlp",
      hidden: 64,
      estimator: "arm",
      learningRate: 1e-2,
      boundSamples: 8,
    },
  ],
];

describe.each(variants)("%s %o", (name, options) => {
  it("learns, and its bounds and functions fit together", async () => {
    const method = await create(name, options);
    const { losses, weights } = await train20(method);
    expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] as number));

    const terms = await call(method, "evaluate", weights, images);
    expect(meanOf(terms.reconstruction) + meanOf(terms.kl)).toBeCloseTo(
      meanOf(terms.negativeElbo),
      2,
    );
    expect(Math.min(...((terms.kl as Tensor).data as Float32Array))).toBeGreaterThan(-1e-3);
    const bound = await call(method, "bound", weights, images);
    expect(meanOf(bound.negativeBound)).toBeLessThan(meanOf(terms.negativeElbo));

    const { latent } = await call(method, "encode", weights, images);
    const decoded = await call(method, "decode", weights, { latent: latent as Tensor });
    const reconstructed = await call(method, "reconstruct", weights, images);
    for (const [i, v] of (decoded.image as Tensor).data.entries()) {
      expect(Math.abs(Number(v) - Number(reconstructed.image?.data[i]))).toBeLessThan(1e-5);
    }
    const one = {
      image: { ...images.image, shape: [1, 1, 28, 28], data: images.image.data.slice(0, 784) },
    };
    const traversal = await call(method, "traverse", weights, one as { image: Tensor });
    expect(traversal.image?.shape.slice(1)).toEqual([1, 28, 28]);
  });
});

it("one importance sample is the evidence lower bound", async () => {
  const method = await create("gaussian-vae", { hidden: 32, boundSamples: 1 });
  const { weights } = await train20(method, 5);
  const many = {
    image: { ...images.image, shape: [512, 1, 28, 28], data: repeat(images.image, 8) },
  };
  // Both estimate the same number from other noise: their mean over 512 rows agrees within its spread.
  const elbo = await call(method, "evaluate", weights, many as { image: Tensor });
  const bound = await call(method, "bound", weights, many as { image: Tensor });
  expect(Math.abs(meanOf(elbo.negativeElbo) - meanOf(bound.negativeBound))).toBeLessThan(1.5);
});

const repeat = ({ data }: Tensor, times: number): Uint8Array<ArrayBuffer> => {
  const copy = new Uint8Array(data.length * times);
  for (let i = 0; i < times; i++) copy.set(data as Uint8Array, i * data.length);
  return copy;
};

it("samples at temperature 0 are the decoded zero latent", async () => {
  const method = await create("gaussian-vae", { hidden: 32, latents: 4 });
  const { weights } = await train20(method, 1);
  const noise = tensorOf([1, 2, 3, 4], [1, 4]);
  const cold = await call(method, "sample", weights, { noise, temperature: tensorOf([0], []) });
  const { image } = await call(method, "decode", weights, { latent: zeros([1, 4]) });
  expect(cold.image?.data).toEqual(image?.data);
});

it("the temperature falls by its decay to the floor", async () => {
  const method = await create("categorical-vae", {
    width: 4,
    latents: 4,
    temperatureDecay: 0.5,
    temperatureFloor: 0.2,
  });
  const phase = method.phases[0];
  if (phase === undefined) throw new Error("no phase");
  const start = initialState(phase, 0);
  const { build, example } = phaseProgram(phase, "step", start);
  const program = await compile(build as never, example, session);
  let state = hold(start);
  const seen: number[] = [];
  for (let step = 0; step < 4; step++) {
    const result = (await program.run({ state, batch: images }, { seed: 0, step })) as unknown as {
      state: typeof state;
      metrics: Tree<Tensor>;
    };
    state = result.state;
    seen.push(scalarMetrics(result.metrics).temperature as number);
  }
  for (const [i, want] of [1, 0.5, 0.25, 0.2].entries()) expect(seen[i]).toBeCloseTo(want, 6);
  await program.release();
});

it.each([
  ["categorical-vae", { temperature: 0 }, /above 0/],
  ["categorical-vae", { temperature: 0.5, temperatureFloor: 0.6 }, /temperatureFloor 0.6 is above/],
  ["gaussian-vae", { latents: 0 }, /latents/],
] as const)("%s refuses %o", async (name, options, message) => {
  await expect(create(name, options)).rejects.toThrow(message);
});

it("the convolutional networks say which sides they take", async () => {
  await expect(create("categorical-vae", {}, 30)).rejects.toThrow(
    "sides divisible by 4, got 30×30",
  );
});
