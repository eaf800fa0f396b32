// Trains a Gaussian VAE on digits inside of a Web Worker: the page stays free, and closing the worker frees everything.
// Messages in: { kind: "start", device, threads, steps, sampleEvery, wasmPaths, images } and { kind: "stop" }.
// Messages out: { kind: "step", step, loss, stepsPerSecond }, { kind: "samples", pixels, side, count }, { kind: "done" }
// and { kind: "error", message }.
import { findMethod } from "reparam/methods";
import { compile, configureWebRuntime, type Device, hold } from "reparam/onnx";
import { functionOf, functionProgram, initialState, phaseProgram, weightsOf } from "reparam/step";
import { dim, fillNormal, item, type Tensor, type Tree, tensor, zeros } from "reparam/tensor";

export interface Start {
  readonly kind: "start";
  readonly device: Device;
  readonly threads: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly latents: number;
  /** Samples are drawn every so many steps; never if 0. */
  readonly sampleEvery: number;
  readonly wasmPaths: string;
  /** Bytes of digits, 28×28 each. */
  readonly images: Uint8Array<ArrayBuffer>;
}

export type Message =
  | {
      readonly kind: "step";
      readonly step: number;
      readonly loss: number;
      readonly stepsPerSecond: number;
    }
  | {
      readonly kind: "samples";
      readonly pixels: Float32Array;
      readonly side: number;
      readonly count: number;
    }
  | {
      readonly kind: "done";
      readonly losses: readonly number[];
      readonly stepsPerSecond: number;
      /** Tensors of the state that stayed on a graphics adapter. */
      readonly resident: number;
    }
  | { readonly kind: "error"; readonly message: string };

const side = 28;
const count = 64;
const scope = globalThis as unknown as {
  postMessage(message: Message): void;
  onmessage: ((event: { data: Start | { kind: "stop" } }) => void) | null;
};
let stopped = false;

async function train(start: Start): Promise<void> {
  const { device, threads, steps, batchSize, latents, sampleEvery, images } = start;
  configureWebRuntime({ wasmPaths: start.wasmPaths });
  const definition = await findMethod("gaussian-vae");
  const method = definition.create(definition.options.parse({ latents }), {
    columns: { image: { dtype: "uint8", shape: [dim("B"), 1, side, side] } },
    ...{ trainSize: images.length / side ** 2, batchSize, classes: undefined },
  });
  const phase = method.phases[0] as (typeof method.phases)[number];
  const begun = initialState(phase, 0);
  const { build, example } = phaseProgram(phase, "step", begun);
  const program = await compile(build as never, example as never, { device, threads });
  let state = hold(begun);
  const losses: number[] = [];
  const begin = performance.now();
  for (let step = 0; step < steps && !stopped; step++) {
    const batch = { image: batchAt(images, step, batchSize) };
    const next = await program.runSteps(state, [{ batch }], { seed: 0, step });
    state.release(next.state);
    state = next.state;
    const { metrics } = next.steps[0] as unknown as { metrics: { loss: Tensor } };
    losses.push(item(metrics.loss));
    const stepsPerSecond = (1000 * (step + 1)) / (performance.now() - begin);
    scope.postMessage({ kind: "step", step, loss: losses.at(-1) as number, stepsPerSecond });
    if (sampleEvery > 0 && step % sampleEvery === sampleEvery - 1) {
      const onHost = await state.toHost();
      const weights = weightsOf(method, onHost.read(begun as never) as Tree<Tensor>);
      await draw(method, weights, start);
    }
  }
  const stepsPerSecond = (1000 * losses.length) / (performance.now() - begin);
  const { resident } = state;
  state.release();
  await program.release();
  scope.postMessage({ kind: "done", losses, stepsPerSecond, resident });
}

/** Rows of the data one after the other, from the start again at the end. */
function batchAt(images: Uint8Array, step: number, batchSize: number): Tensor {
  const pixels = side ** 2;
  const total = Math.floor(images.length / pixels);
  const rows = new Uint8Array(batchSize * pixels);
  for (let i = 0; i < batchSize; i++) {
    const at = (step * batchSize + i) % total;
    rows.set(images.subarray(at * pixels, (at + 1) * pixels), i * pixels);
  }
  return tensor(rows, [batchSize, 1, side, side], "uint8");
}

type Sampler = (weights: Tree<Tensor>) => Promise<Float32Array>;
let sampler: Promise<Sampler> | undefined;

/** Digits of the same 64 latents every time, so that they can be seen to change. */
async function draw(
  method: Awaited<ReturnType<typeof findMethod>>["create"] extends (...a: never[]) => infer M
    ? M
    : never,
  weights: Tree<Tensor>,
  { device, threads }: Start,
): Promise<void> {
  sampler ??= (async () => {
    const definition = functionOf(method, "sample");
    const { build, example } = functionProgram("sample", definition, weights as never);
    const program = await compile(build as never, example as never, { device, threads });
    const inputs: Record<string, Tensor> = {};
    for (const [name, { shape, dtype, noise, default: value }] of Object.entries(
      definition.inputs,
    )) {
      const made = zeros(
        shape.map((size) => (typeof size === "number" ? size : count)),
        dtype,
      );
      if (noise !== undefined)
        fillNormal(made.data as Float32Array, { seed: 1, step: 0, path: name });
      else (made.data as Float32Array).fill(value ?? 1);
      inputs[name] = made;
    }
    return async (now) => {
      const result = await program.run({ weights: now, ...inputs } as never);
      return (result as unknown as { image: Tensor }).image.data as Float32Array;
    };
  })();
  const pixels = await (await sampler)(weights);
  scope.postMessage({ kind: "samples", pixels, side, count });
}

scope.onmessage = ({ data }) => {
  if (data.kind === "stop") {
    stopped = true;
    return;
  }
  train(data).catch((error: unknown) =>
    scope.postMessage({
      kind: "error",
      message: error instanceof Error ? error.message : String(error),
    }),
  );
};
