import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readConfig } from "../../src/run/index.ts";
import { type Invocation, invoke, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-device-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const train = (device: string): Promise<Invocation> =>
  invoke(
    ...["train", "gaussian-vae", "--data", sampleData, "--out", join(root, device), "--steps", "5"],
    ...["--batch-size", "32", "--hidden", "16", "--latents", "2", "--threads", "1"],
    ...["--log-every", "1", "--no-export", "--device", device],
  );

/** The loss of every step. */
const losses = (device: string): number[] =>
  readFileSync(join(root, device, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; metrics: { loss: number } })
    .filter(({ kind }) => kind === "train")
    .map(({ metrics }) => metrics.loss);

beforeAll(async () => {
  expect((await train("cpu")).status).toBe(0);
  expect(losses("cpu")).toHaveLength(5);
}, 60_000);

it("train --device wasm has the losses of the cpu, and its run says so", async () => {
  expect((await train("wasm")).status).toBe(0);
  const found = losses("wasm");
  for (const [i, loss] of losses("cpu").entries()) {
    expect(Math.abs((found[i] as number) - loss) / loss).toBeLessThan(1e-4);
  }
  expect((await readConfig(join(root, "wasm"))).device).toBe("wasm");
}, 60_000);

it("train --device webgpu takes the cpu where no adapter is, and says why", async () => {
  const { status, stderr } = await train("webgpu");
  expect(status).toBe(0);
  const { device } = await readConfig(join(root, "webgpu"));
  if (device === "webgpu") {
    expect(stderr).not.toContain("does not work here");
    return;
  }
  expect(stderr).toMatch(/device webgpu does not work here \(.+\)\. Training on the cpu\./);
  expect(losses("webgpu")).toEqual(losses("cpu"));
}, 60_000);

it("an unknown device is refused with the known ones", async () => {
  const { status, stderr } = await train("tpu");
  expect(status).not.toBe(0);
  expect(stderr).toContain("cpu, wasm, webgpu");
});
