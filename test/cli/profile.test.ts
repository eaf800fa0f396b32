import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { StepProfile } from "../../src/run/index.ts";
import { invoke, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-cli-profile-"));
const traces = mkdtempSync(join(tmpdir(), "reparam-cli-traces-"));
beforeAll(() => void vi.stubEnv("TMPDIR", traces));
afterAll(() => {
  vi.unstubAllEnvs();
  for (const folder of [root, traces]) rmSync(folder, { recursive: true, force: true });
});

const train = (name: string, ...more: string[]) =>
  invoke(
    ...["train", "gaussian-vae", "--data", sampleData, "--out", join(root, name), "--threads", "1"],
    ...["--hidden", "16", "--latents", "2", "--batch-size", "32", "--no-export", ...more],
  );

const figures = (name: string): string =>
  readFileSync(join(root, name, "metrics.jsonl"), "utf8").replaceAll(/"seconds":[\d.e-]+/g, "");

it("shows where the time of a step goes, beside a training that is the same without", async () => {
  await train("plain", "--steps", "30");
  const { status, stdout, stderr } = await train(
    "profiled",
    "--steps",
    "30",
    "--profile",
    "8",
    "--json",
  );
  expect([status, stderr.includes("reparam:")]).toEqual([0, false]);
  expect(figures("profiled")).toBe(figures("plain"));

  const printed = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
  const [profile] = printed.profiles as StepProfile[];
  const layers = profile?.layers.map(({ layer }) => layer);
  expect(layers).toEqual([
    ...["input", "encoder.0", "mean", "logVariance", "decoder.0", "decoder.1"],
    ...["loss", "optimizer"],
  ]);
  expect(profile?.parts.kernels).toBeLessThan(profile?.tracedSeconds as number);
  for (const layer of layers ?? []) expect(stdout).toContain(`\n${layer} `);
  expect(stdout).toMatch(/\nGemm +\d/);

  const saved = readFileSync(join(root, "profiled/profile.json"), "utf8");
  expect(JSON.parse(saved)).toEqual(printed.profiles);
  expect(stdout).toContain(`picture  ${join(root, "profiled/profile.png")}`);
  const report = readFileSync(join(root, "profiled/report.html"), "utf8");
  expect(report).toContain("Time of a step, phase train");
  expect(existsSync(join(root, "plain/profile.json"))).toBe(false);
  expect(readdirSync(traces)).toEqual([]);
});

it("says so when the training is too short", async () => {
  const { status, stderr } = await train("short", "--steps", "3", "--profile");
  expect(status).toBe(0);
  expect(stderr).toContain("reparam: the training ended before a step could be profiled.");
  expect(existsSync(join(root, "short/profile.json"))).toBe(false);
});

it.each(["0", "many", "2.5"])("refuses to profile %s steps", async (steps) => {
  const { status, stderr } = await train("bad", "--steps", "3", "--profile", steps);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^reparam: .*--profile.*must be an integer of at least 1/);
  expect(existsSync(join(root, "bad"))).toBe(false);
});
