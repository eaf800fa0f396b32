// `tune`: the curve of a knob over common noise, the picture, and the files with the best value baked in.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { invoke, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-tune-"));
const run = join(root, "run");
const points = join(root, "points");

interface Tuned {
  readonly points: readonly { readonly value: number; readonly distances: readonly number[] }[];
  readonly best: { readonly value: number };
  readonly picture: string;
  readonly files: readonly { readonly inputs: readonly string[]; readonly maxDifference: number }[];
}

beforeAll(async () => {
  const common = ["--no-export", "--threads", "1", "--steps", "3", "--batch-size", "16"];
  const tiny = ["--width", "8", "--patch", "4", "--multipliers", "1", "--average", "-1"];
  const made = [
    await invoke("train", "diffusion", "--data", sampleData, "--out", run, ...common, ...tiny),
    await invoke("train", "diffusion", "--data", "two-moons", "--out", points, ...common),
  ];
  for (const { status, stderr } of made) expect(status, stderr).toBe(0);
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("tune", () => {
  it("measures every value with the same noise, says what the norm cancels, and bakes the best", async () => {
    const settings = ["--values", "0.5,1.5", "--count", "12", "--seeds", "2", "--steps", "2"];
    const given = [run, ...settings, "--features", "mnist", "--bake", "--json"];
    const { status, stdout, stderr } = await invoke("tune", ...given);
    expect(status, stderr).toBe(0);
    const tuned = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string) as Tuned;
    expect(tuned.points.map(({ value }) => value)).toEqual([0.5, 1, 1.5]);
    const [half, plain] = tuned.points;
    expect(half?.distances).toHaveLength(2);
    expect(half?.distances).not.toEqual(plain?.distances);
    expect(stdout).toMatch(/less that at 1, same noise/);
    expect(stdout).toMatch(/group norm/);
    expect(existsSync(tuned.picture)).toBe(true);
    const [denoise] = tuned.files;
    expect(denoise?.inputs).toContain("rhoTop");
    expect(denoise?.inputs).not.toContain("rhoBottom");
    expect(denoise?.maxDifference).toBeLessThan(1e-4);
  });

  it("refuses values out of range and models without such a knob", async () => {
    const out = await invoke("tune", run, "--values", "-1", "--count", "4", "--features", "mnist");
    expect(out.status).toBe(2);
    expect(out.stderr).toMatch(/rhoBottom must be from 0 to 1000, got -1/);
    const none = await invoke("tune", points, "--count", "4");
    expect(none.status).toBe(2);
    expect(none.stderr).toMatch(/no knob "rhoBottom"/);
  });
});
