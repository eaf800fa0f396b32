// The verbs on a method of points: nothing of them is about images alone.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadDataset } from "../../src/data/index.ts";
import { decodeNpy } from "../../src/data/npy.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { type Invocation, invoke, lastJson, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-points-"));
const run = join(root, "run");
const tiny = ["--hidden", "8", "--layers", "2", "--threads", "1", "--steps", "5"];
let trained: Invocation;

beforeAll(async () => {
  const small = ["--out", run, "--toy-size", "400", "--batch-size", "50", "--json"];
  trained = await invoke("train", "real-nvp", ...small, ...tiny);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const npy = (file: string): Tensor => decodeNpy(new Uint8Array(readFileSync(file)), file);
const isPng = (file: string): boolean => readFileSync(file).subarray(1, 4).toString() === "PNG";

it("trains on the data that suit the method, and shows samples as a plot", () => {
  expect(trained.stderr).not.toMatch(/reparam:/);
  expect(trained.status).toBe(0);
  const { test, exports } = lastJson(trained);
  expect([test.samples, exports.length]).toEqual([100, 3]);
  const config = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
  expect(config.data).toEqual({ name: "two-moons", toySize: 400, samples: [367, 33, 100] });
  expect(isPng(join(run, "samples/sample.png"))).toBe(true);
  expect(readFileSync(join(run, "report.html"), "utf8")).toContain('<img class="smooth"');
});

it("samples into a plot and an array", async () => {
  const [out, array] = [join(root, "points.png"), join(root, "points.npy")];
  await invoke("sample", run, "--count", "5", "--out", out, "--npy", array);
  expect([isPng(out), npy(array).shape]).toEqual([true, [5, 2]]);
});

it("goes to latents and back through files", async () => {
  const [codes, points] = [join(root, "codes.npy"), join(root, "back.npy")];
  await invoke("encode", run, "--out", codes);
  expect(npy(codes).shape).toEqual([100, 2]);
  await invoke("decode", run, "--input", codes, "--out", join(root, "b.png"), "--npy", points);
  const { test } = await loadDataset("two-moons", { toySize: 400 });
  const back = npy(points).data as Float32Array;
  for (const [i, value] of (test.columns.x?.data ?? []).entries()) {
    expect(Math.abs(Number(value) - (back[i] as number))).toBeLessThan(1e-5);
  }
  await invoke("encode", run, "--output", "logDensity", "--out", codes);
  expect(npy(codes).shape).toEqual([100]);
  const { evaluate } = lastJson(await invoke("eval", run, "--json"));
  const sum = (npy(codes).data as Float32Array).reduce((total, value) => total + value, 0);
  expect(evaluate.metrics.negativeLogLikelihood).toBeCloseTo(-sum / 100, 4);
});

it("says in one line that it does not take images", async () => {
  const out = join(root, "images");
  const args = ["--data", sampleData, "--out", out, ...tiny];
  const { status, stderr } = await invoke("train", "real-nvp", ...args);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^reparam: real-nvp wants points: [^\n]*--data two-moons\.\n$/);
  expect(existsSync(out)).toBe(false);
});
