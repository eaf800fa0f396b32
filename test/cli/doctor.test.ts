import { describe, expect, it } from "vitest";
import { adviceFor, type MachineFacts, machineFacts } from "../../src/cli/machine-facts.ts";
import type { Form } from "../../src/ops/index.ts";
import { invoke } from "./invoke.ts";

const good: MachineFacts = {
  ...{ cores: 4, usableCores: 4, memoryBytes: 16e9, freeMemoryBytes: 12e9, load: 0.2 },
  instructions: ["avx2", "fma"],
};
const settings = { threads: 4, freeDiskBytes: 50e9 };

describe("advice", () => {
  it("is none for a machine that is as it should be", () => {
    expect(adviceFor(good, settings)).toEqual([]);
    expect(adviceFor({ ...good, instructions: undefined }, settings)).toEqual([]);
    expect(adviceFor({ ...good, instructions: ["asimd"] }, settings)).toEqual([]);
  });

  it.each<[string, Partial<MachineFacts>, Partial<typeof settings>, RegExp]>([
    ["too many threads", {}, { threads: 9 }, /^9 threads share 4 .*--threads 4\.$/],
    ["idle cores", {}, { threads: 2 }, /^2 of 4 usable cores .*--threads 4 may be faster/],
    ["one core", { cores: 1, usableCores: 1 }, { threads: 1 }, /^only 1 core/],
    ["a share of the machine", { cores: 64 }, {}, /may use 4 of the machine's 64 cores/],
    ["an old processor", { instructions: ["avx"] }, {}, /no AVX2/],
    ["others at work", { load: 3.4 }, {}, /busy \(load 3\.4\)/],
    ["little memory", { freeMemoryBytes: 0.9e9 }, {}, /only 900 MB of memory/],
    ["a full disk", {}, { freeDiskBytes: 2e8 }, /only 200 MB are free on the disk/],
  ])("names %s, and nothing else", (_name, facts, more, message) => {
    const advice = adviceFor({ ...good, ...facts }, { ...settings, ...more });
    expect(advice).toHaveLength(1);
    expect(advice[0]).toMatch(message);
  });
});

it("reads plausible facts of this machine", async () => {
  const facts = await machineFacts();
  expect(facts.usableCores).toBeGreaterThan(0);
  expect(facts.freeMemoryBytes).toBeGreaterThan(1e6);
  expect(facts.freeMemoryBytes).toBeLessThanOrEqual(facts.memoryBytes);
});

it("doctor measures this installation, and names every device without crashing", async () => {
  const { status, stdout } = await invoke("doctor", "--threads", "1", "--forms", "--json");
  expect(status).toBe(0);
  const figures = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
  expect(figures.devices[0]).toEqual({ name: "cpu", works: true, reason: "" });
  expect(figures.devices).toContainEqual({ name: "wasm", works: true, reason: "" });
  for (const { name, works, reason } of figures.devices) {
    expect(stdout).toContain(`device ${name}: `);
    expect(reason === "").toBe(works);
  }
  for (const [name, form] of Object.entries<Form>(figures.lowering.forms)) {
    expect(stdout).toContain(`\n${name} `);
    expect(stdout).toContain(form.when);
  }
  expect(Object.keys(figures.lowering.forms)).toContain("columns");
  expect(Object.keys(figures.lowering.forms).includes("blocked")).toBe(figures.lowering.block > 0);
  const { matrixProduct, convolution } = figures.gflops;
  for (const rate of [matrixProduct, convolution, figures.memoryGigabytesPerSecond]) {
    expect(rate).toBeGreaterThan(0.1);
    expect(rate).toBeLessThan(1e5);
  }
  for (const line of figures.advice) expect(stdout).toContain(`note: ${line}`);
}, 30_000);
