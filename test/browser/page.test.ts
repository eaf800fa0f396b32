// The example page trains in headless Chromium, with the losses of Node. Skipped where there is no Chromium.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serve } from "../../examples/browser/serve.ts";
import { type Dataset, loadDataset } from "../../src/data/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import { compile, type Device, hold } from "../../src/onnx/index.ts";
import { dataShape } from "../../src/run/index.ts";
import { initialState, type Phase, phaseProgram } from "../../src/step/index.ts";
import { item, leafMap, type Tensor, tensor } from "../../src/tensor/index.ts";
import { chromium, reportOf } from "./chromium.ts";

const root = new URL("../..", import.meta.url).pathname;
const digits = join(root, "test/data/mnist-sample");
const [steps, batchSize, latents] = [5, 32, 4];

const digitBytes = async (): Promise<Uint8Array<ArrayBuffer>> =>
  (await loadDataset(digits)).train.columns.image?.data as Uint8Array<ArrayBuffer>;

/** The phase that is trained, and its data. */
async function phaseAndData(): Promise<{ dataset: Dataset; phase: Phase }> {
  const dataset = await loadDataset(digits);
  const definition = await findMethod("gaussian-vae");
  const method = definition.create(
    definition.options.parse({ latents }),
    dataShape(dataset, batchSize),
  );
  return { dataset, phase: method.phases[0] as Phase };
}

/** Losses of the same training by a device of Node. */
async function lossesOf(device: Device): Promise<number[]> {
  const { dataset, phase } = await phaseAndData();
  const begun = initialState(phase, 0);
  const { build, example } = phaseProgram(phase, "step", begun);
  const program = await compile(build as never, example as never, { device, threads: 1 });
  const pixels = dataset.train.columns.image?.data as Uint8Array<ArrayBuffer>;
  const losses: number[] = [];
  let state = hold(begun);
  for (let step = 0; step < steps; step++) {
    const rows = pixels.slice(step * batchSize * 784, (step + 1) * batchSize * 784);
    const batch = { image: tensor(rows, [batchSize, 1, 28, 28], "uint8") };
    const next = await program.runSteps(state, [{ batch }] as never, { seed: 0, step });
    state = next.state;
    losses.push(item((next.steps[0] as unknown as { metrics: { loss: Tensor } }).metrics.loss));
  }
  await program.release();
  return losses;
}

/** Every loss within a ten-thousandth. */
function expectClose(got: readonly number[], want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  for (const [i, loss] of want.entries()) {
    expect(Math.abs((got[i] as number) - loss) / loss).toBeLessThan(1e-4);
  }
}

describe("a training by WebAssembly", () => {
  it("has the losses of the native runtime in Node", async () => {
    const [native, wasm] = [await lossesOf("cpu"), await lossesOf("wasm")];
    expectClose(wasm, native);
  });
});

describe.skipIf(chromium === undefined)(
  "the example page in Chromium",
  { timeout: 120_000 },
  () => {
    it.each([
      ["one thread", true, 1],
      ["two threads", true, 2],
      ["a page that is not isolated, two threads wanted", false, 2],
    ])("trains on %s", async (_name, isolated, threads) => {
      const served = await serve(await digitBytes(), { isolated });
      const asked = { report: 1, device: "wasm", threads, steps, batch: batchSize, latents };
      const result = await reportOf(served, { ...asked, sample: 4 });
      expect(result).toMatchObject({ kind: "done", isolated });
      expectClose(result.losses as number[], await lossesOf("cpu"));
    });

    it("trains on WebGPU", async ({ skip }) => {
      const served = await serve(await digitBytes());
      const asked = { report: 1, device: "webgpu", steps, batch: batchSize, latents, sample: 4 };
      const result = await reportOf(served, asked);
      if (result.kind === "no adapter") {
        console.log("Chromium offers no WebGPU adapter here: no training is tested on it.");
        skip();
      }
      expect(result).toMatchObject({ kind: "done" });
      // Weights and moments stay on the adapter; the counter of steps is the processor's.
      const state = [...leafMap(initialState((await phaseAndData()).phase, 0)).values()];
      expect(result.resident).toBe(state.filter(({ dtype }) => dtype === "float32").length);
      expectClose(result.losses as number[], await lossesOf("cpu"));
    });
  },
);
