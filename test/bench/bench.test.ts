import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import {
  compareRounds,
  geometricMean,
  median,
  overall,
  summarize,
} from "../../bench/statistics.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the statistics of the benchmark", () => {
  it("take the middle of sorted numbers, not of strings, and leave the numbers in order", () => {
    const values = [10, 9, 2, 100];
    expect(median(values)).toBe(9.5);
    expect(values).toEqual([10, 9, 2, 100]);
    expect(median([100, 20, 3])).toBe(20);
    expect(() => median([])).toThrow("no values");
  });

  it("average ratios so that twice as slow and twice as fast cancel", () => {
    expect(geometricMean([2, 0.5])).toBeCloseTo(1, 12);
    expect(geometricMean([1, 2, 4])).toBeCloseTo(2, 12);
    expect(() => geometricMean([1, 0])).toThrow("positive");
  });

  it("summarise rounds by the median of medians and the fastest step", () => {
    const rounds = [
      [5, 4, 90],
      [7, 7, 7],
      [3, 100, 100],
    ];
    expect(summarize(rounds)).toEqual({ medianMs: 7, minimumMs: 3 });
  });

  it("compare round by round: a slow spell that hits both sides changes nothing", () => {
    const own = [[2], [2], [20], [20], [20]];
    const peer = [[4], [4], [40], [10], [40]];
    const ratio = compareRounds(own, peer);
    expect(ratio).toEqual({ median: 0.5, minimum: 0.5, range: [0.5, 2] });
    expect(() => compareRounds(own, peer.slice(1))).toThrow("pairs");
  });

  it("sum up workloads by geometric mean and the worst of them by name", () => {
    const result = overall(
      new Map([
        ["fast", 0.5],
        ["slow", 4],
        ["even", 0.5],
      ]),
    );
    expect(result).toMatchObject({ worst: 4, worstWorkload: "slow" });
    expect(result?.geometricMean).toBeCloseTo(1, 12);
    expect(overall(new Map())).toBeUndefined();
  });
});

describe("npm run bench", () => {
  const bench = (...args: string[]) => {
    // No Python is found on an empty path.
    const env = { ...process.env, PATH: "", REPARAM_PYTHON: "" };
    return promisify(execFile)(process.execPath, ["--import", "tsx", "bench/main.ts", ...args], {
      cwd: root,
      env,
    });
  };

  it("measures reparam alone where there is no torch, and says how to get ratios", async () => {
    const { stdout } = await bench("--quick", "--only", "matmul", "--threads", "1", "--json");
    const lines = stdout.trim().split("\n");
    const result = JSON.parse(lines.at(-1) as string);
    expect(Object.keys(result.workloads)).toEqual(["matmul"]);
    const { reparam, ...rest } = result.workloads.matmul;
    expect(rest).not.toHaveProperty("ratio");
    expect(result.trainingRatio).toBeNull();
    expect(result.memoryRatio).toBeNull();
    expect(result.machine.threads).toBe(1);
    expect(reparam.minimumMs).toBeGreaterThan(0);
    expect(reparam.medianMs).toBeGreaterThanOrEqual(reparam.minimumMs);
    expect(reparam.peakBytes).toBeGreaterThan(3 * 4 * 1024 ** 2);
    expect(reparam.compile.sessionSeconds).toBeGreaterThan(0);
    expect(lines.at(-2)).toContain("REPARAM_PYTHON");
  });

  it.each([
    [["--only", "matmull"], 'there is no workload "matmull". Use one of gaussian-vae'],
    [["--only", "matmul,cn"], 'there is no workload "cn". Use one of gaussian-vae'],
    [["--rounds", "0"], '--rounds must be a positive integer, got "0".'],
    [["--verify"], "--verify needs a Python with torch"],
    [["--verify", "--only", "adam"], "none of these workloads can be verified"],
    [["--fast"], "Unknown option '--fast'"],
  ])("refuses %j in one line", async (args, complaint) => {
    const { code, stderr } = await bench(...args).catch((error) => error);
    expect(code).toBe(2);
    expect(stderr).toContain(complaint);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
