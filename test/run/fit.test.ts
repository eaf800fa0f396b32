import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  type FitOptions,
  type FitResult,
  fit as fitMethod,
  readMetrics,
} from "../../src/run/index.ts";
import type { Method } from "../../src/step/index.ts";
import { leafMap, type Tensor } from "../../src/tensor/index.ts";
import { mixture, players, regression, toySplit } from "./methods.ts";

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "reparam-fit-"));
  folders.push(folder);
  return folder;
};
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const train = toySplit(100);
const base = { train, batchSize: 32, seed: 3, threads: 1, logEvery: 7, checkpointSeconds: 0 };

/** Logged lines without the clock. */
const figures = (lines: FitResult["lines"]): unknown =>
  lines.map(({ seconds: _seconds, ...line }) => line);

const methods: [string, () => Method, Partial<FitOptions>][] = [
  ["one program", regression, { epochs: 12, validation: toySplit(50, 1) }],
  ["EM: accumulate and update, its own end", mixture, { epochs: 5 }],
  ["two players, a lazy penalty, two phases", players, { steps: 20 }],
];

/** Trains, but is stopped after `step` steps. */
async function stopAfter(step: number, options: FitOptions): Promise<FitResult> {
  const controller = new AbortController();
  return fitMethod({
    ...options,
    signal: controller.signal,
    onProgress: (progress) => {
      if (progress.step === step) controller.abort();
    },
  });
}

describe.each(methods)("a training of %s", (_name, method, extra) => {
  it("gives the same numbers twice, and with stops in between", async () => {
    const folder = newFolder();
    const options = { ...base, epochs: 1, ...extra, method: method() } as FitOptions;
    const whole = await fitMethod({ ...options, folder: newFolder() });
    const again = await fitMethod(options);
    expect(figures(again.lines)).toEqual(figures(whole.lines));
    for (const step of [3, 5]) {
      const stopped = await stopAfter(step, { ...options, folder });
      expect([stopped.status, stopped.step]).toEqual(["interrupted", step]);
    }
    const resumed = await fitMethod({ ...options, folder });
    expect(resumed.status).toBe("finished");
    expect(figures(resumed.lines)).toEqual(figures(whole.lines));
    expect(figures(await readMetrics(folder))).toEqual(figures(whole.lines));
    expect(leafMap<Tensor>(resumed.state)).toEqual(leafMap<Tensor>(whole.state));
    expect(readdirSync(join(folder, "checkpoints"))).toHaveLength(3);
  });
});

describe("steps that run together", () => {
  const options = { ...base, method: regression(), epochs: 12, validation: toySplit(50, 1) };
  const together = { ...options, checkpointSeconds: 60 };

  it("give the numbers of steps one by one, stopped in the midst of them or not", async () => {
    const alone = await fitMethod(options);
    const whole = await fitMethod(together);
    expect(figures(whole.lines)).toEqual(figures(alone.lines));
    expect(leafMap<Tensor>(whole.state)).toEqual(leafMap<Tensor>(alone.state));
    const folder = newFolder();
    for (const step of [13, 22]) {
      const stopped = await stopAfter(step, { ...together, folder });
      expect([stopped.status, stopped.step]).toEqual(["interrupted", step]);
    }
    const resumed = await fitMethod({ ...together, folder });
    expect(figures(resumed.lines)).toEqual(figures(alone.lines));
    expect(leafMap<Tensor>(resumed.state)).toEqual(leafMap<Tensor>(alone.state));
  });

  it("stop at the step whose loss is not finite, with the state before it", async () => {
    const wild = { method: regression(1e18), epochs: 6 };
    const message = (options: FitOptions) =>
      fitMethod(options).catch((error: Error) => error.message);
    const alone = await message({ ...options, ...wild, folder: newFolder() });
    const folder = newFolder();
    const got = await message({ ...together, ...wild, folder });
    const step = /at step (\d+)/.exec(alone as string)?.[1];
    expect(got).toContain(`at step ${step} `);
    const kept = readdirSync(join(folder, "checkpoints"));
    expect(kept).toEqual([`step-${String(Number(step) - 1).padStart(8, "0")}.safetensors`]);
  });
});

describe("what trains", () => {
  it("finds the line", async () => {
    const { state, lines } = await fitMethod({ ...base, method: regression(), epochs: 60 });
    const weight = (state as { params: { weight: Tensor } }).params.weight.data as Float32Array;
    for (const [i, wanted] of [1, -2, 0.5].entries()) expect(weight[i]).toBeCloseTo(wanted, 1);
    expect(lines.at(-1)?.metrics.loss).toBeLessThan(0.05);
  });

  it("finds the two normals, and ends by its own predicate", async () => {
    const { state, step, epoch } = await fitMethod({ ...base, method: mixture(), epochs: 1 });
    const { means, weights } = state as { means: Tensor; weights: Tensor };
    expect(means.data[0]).toBeCloseTo(-2, 0);
    expect(means.data[1]).toBeCloseTo(3, 0);
    expect(weights.data[0]).toBeCloseTo(0.34, 1);
    expect(step).toBeLessThan(60);
    expect(epoch).toBe(step);
  });
});

describe("a run's files", () => {
  it("a damaged newest checkpoint and a torn line are passed over", async () => {
    const options = { ...base, method: regression(), epochs: 6 };
    const whole = await fitMethod(options);
    const folder = newFolder();
    await stopAfter(9, { ...options, folder });
    const checkpoints = readdirSync(join(folder, "checkpoints")).sort();
    truncateSync(join(folder, "checkpoints", checkpoints.at(-1) as string), 100);
    writeFileSync(join(folder, "checkpoints", ".step-00000099.safetensors.1.tmp"), "half");
    const log = join(folder, "metrics.jsonl");
    writeFileSync(log, `${readFileSync(log, "utf8")}{"kind":"train","st`);
    const warnings: string[] = [];
    const resumed = await fitMethod({ ...options, folder, warn: (text) => warnings.push(text) });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/step-00000009.*damaged/);
    expect(figures(await readMetrics(folder))).toEqual(figures(whole.lines));
    expect(figures(resumed.lines)).toEqual(figures(whole.lines));
  });

  it("a non-finite loss stops with the step, the term and a good checkpoint", async () => {
    const folder = newFolder();
    const options = { ...base, method: regression(1e18), epochs: 6, folder };
    const message = await fitMethod(options).catch((error: Error) => error.message);
    expect(message).toMatch(/^loss is (NaN|Infinity) at step \d+ .*checkpoints\/step-\d+/);
    const step = Number(/at step (\d+)/.exec(message as string)?.[1]);
    const saved = Number(/step-(\d+)/.exec(message as string)?.[1]);
    expect(saved).toBeLessThan(step);
    const again = await fitMethod(options).catch((error: Error) => error.message);
    expect(again).toBe(message);
  });

  it("a flipped bit is noticed", async () => {
    const folder = newFolder();
    await fitMethod({ ...base, method: regression(), steps: 2, folder });
    const name = readdirSync(join(folder, "checkpoints")).sort().at(-1) as string;
    const path = join(folder, "checkpoints", name);
    const bytes = readFileSync(path);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1;
    writeFileSync(path, bytes);
    const warnings: string[] = [];
    await fitMethod({
      ...base,
      method: regression(),
      steps: 2,
      folder,
      warn: (w) => warnings.push(w),
    });
    expect(warnings[0]).toMatch(/checksum/);
  });
});
