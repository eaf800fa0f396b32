// A device that is lost, or out of memory, in the middle of a training: the runtime's call fails.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, it, vi } from "vitest";
import { loadDataset } from "../../src/data/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import { dataShape, type FitOptions, fit, newestCheckpoint } from "../../src/run/index.ts";
import { PhaseRun } from "../../src/run/phase-run.ts";
import { leafMap } from "../../src/tensor/index.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-lost-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

async function optionsOf(name: string): Promise<FitOptions> {
  mkdirSync(join(root, name), { recursive: true });
  const dataset = await loadDataset(new URL("../data/mnist-sample", import.meta.url).pathname);
  const definition = await findMethod("gaussian-vae");
  const given = definition.options.parse({ latents: 2, hidden: 8 });
  return {
    method: definition.create(given, dataShape(dataset, 32)),
    ...{ train: dataset.train, batchSize: 32, seed: 0, threads: 1 },
    ...{ steps: 40, checkpointSeconds: 0, folder: join(root, name) },
  };
}

it("leaves the last checkpoint, from which the training goes on to the same end", async () => {
  const whole = await fit(await optionsOf("whole"));
  const { runSteps } = PhaseRun.prototype;
  let calls = 0;
  vi.spyOn(PhaseRun.prototype, "runSteps").mockImplementation(function (this: PhaseRun, ...given) {
    calls += 1;
    if (calls === 4) throw new Error("Device lost: the adapter is gone");
    return runSteps.apply(this, given);
  });
  await expect(fit(await optionsOf("lost"))).rejects.toThrow("Device lost");
  const found = await newestCheckpoint(join(root, "lost"));
  expect(found?.position.step).toBeGreaterThan(0);
  expect(found?.position.step).toBeLessThan(40);
  vi.restoreAllMocks();
  const resumed = await fit(await optionsOf("lost"));
  expect(resumed.step).toBe(40);
  expect(leafMap(resumed.state)).toEqual(leafMap(whole.state));
});
