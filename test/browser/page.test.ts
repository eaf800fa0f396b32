// The example page trains in headless Chromium, with the losses of Node. Skipped where there is no Chromium.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serve } from "../../examples/browser/serve.ts";
import { loadDataset } from "../../src/data/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import { compile, type Device, hold } from "../../src/onnx/index.ts";
import { dataShape } from "../../src/run/index.ts";
import { initialState, type Phase, phaseProgram } from "../../src/step/index.ts";
import { item, type Tensor, tensor } from "../../src/tensor/index.ts";

const root = new URL("../..", import.meta.url).pathname;
const digits = join(root, "test/data/mnist-sample");
const [steps, batchSize, latents] = [5, 32, 4];

function findChromium(): string | undefined {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: "pipe" }).trim();
    } catch {
      // The next name.
    }
  }
  return undefined;
}

const chromium = findChromium();
if (chromium === undefined) console.log("No Chromium here: the page is not tested in a browser.");

const digitBytes = async (): Promise<Uint8Array<ArrayBuffer>> =>
  (await loadDataset(digits)).train.columns.image?.data as Uint8Array<ArrayBuffer>;

/** Losses of the same training by a device of Node. */
async function lossesOf(device: Device): Promise<number[]> {
  const dataset = await loadDataset(digits);
  const definition = await findMethod("gaussian-vae");
  const method = definition.create(
    definition.options.parse({ latents }),
    dataShape(dataset, batchSize),
  );
  const phase = method.phases[0] as Phase;
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

describe("a training by WebAssembly", () => {
  it("has the losses of the native runtime in Node", async () => {
    const [native, wasm] = [await lossesOf("cpu"), await lossesOf("wasm")];
    for (const [i, loss] of native.entries()) {
      expect(Math.abs((wasm[i] as number) - loss) / loss).toBeLessThan(1e-4);
    }
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
      const { server, url, report } = await serve(await digitBytes(), { isolated });
      const profile = mkdtempSync(join(tmpdir(), "reparam-chromium-"));
      const settings = `report=1&device=wasm&threads=${threads}&steps=${steps}&batch=${batchSize}&latents=${latents}&sample=4`;
      const browser = spawn(
        chromium as string,
        [
          "--headless=new",
          "--no-sandbox",
          "--disable-gpu",
          `--user-data-dir=${profile}`,
          `${url}?${settings}`,
        ],
        { stdio: "ignore" },
      );
      try {
        const result = (await report) as { kind: string; losses: number[]; isolated: boolean };
        expect(result).toMatchObject({ kind: "done", isolated });
        const expected = await lossesOf("cpu");
        for (const [i, loss] of expected.entries()) {
          expect(Math.abs((result.losses[i] as number) - loss) / loss).toBeLessThan(1e-4);
        }
      } finally {
        const closed = new Promise((resolve) => browser.once("close", resolve));
        browser.kill("SIGKILL");
        await closed;
        server.close();
        server.closeAllConnections();
        rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      }
    });
  },
);
